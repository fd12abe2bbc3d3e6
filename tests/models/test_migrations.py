"""Migrations of databases that have rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from orchestration.models import XCom
from tests.factories import TaskInstanceFactory, make_dag, make_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def migrated() -> Iterator[Callable[[str], Any]]:
    """Migrates ``orchestration`` to a migration and gives the models of that time; to the newest in the end."""

    def to(name: str) -> Any:
        target = [("orchestration", name)]
        MigrationExecutor(connection).migrate(target)
        return MigrationExecutor(connection).loader.project_state(target).apps

    yield to
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("orchestration"))


def test_xcoms_are_given_their_place(migrated: Callable[[str], Any]) -> None:
    then = migrated("0003_run_id_indexes")
    run = make_run(make_dag("a", dag_id="d"))
    mapped = TaskInstanceFactory.create(run=run, task_id="m", map_index=3)
    plain = run.task_instances.get(task_id="a")
    old = then.get_model("orchestration", "XCom").objects
    for instance in (plain, mapped):
        old.create(task_instance_id=instance.pk, key="return_value", value="7")
    migrated("0004_xcom_place")
    assert list(XCom.objects.order_by("pk").values_list("dag_id", "task_id", "run_id", "map_index", "value")) == [
        ("d", "a", run.run_id, -1, "7"),
        ("d", "m", run.run_id, 3, "7"),
    ]
