"""A change is made whole or not at all, wherever the database gives up (RELIABILITY 6.8, 6.9, 6.10).

Each change is asked again and again while its first, second, third … writing statement fails, until one goes through
untouched. Every answer before that is a 503, leaves all rows as they were, and one line in the audit log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import OperationalError, connection

from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.registry import create_timetable
from orchestration.models import DagDatasetReference, DagRun, EventLog, User
from tests.api_v1.conftest import Api
from tests.factories import (
    ConnectionFactory,
    DatasetFactory,
    PoolFactory,
    TaskInstanceHistoryFactory,
    UserFactory,
    VariableFactory,
    XComFactory,
    make_dag,
    make_run,
    serialized,
)

_WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")
#: What tells of calls, and not of what they change.
_NOT_COMPARED = {"orchestration.user", "orchestration.eventlog", "orchestration.personalaccesstoken"}
RUN = "/dags/d1/dagRuns/r"
ACTIONS = [{"action": {"name": "can_read"}, "resource": {"name": name}} for name in ("DAGs", "Pools", "Variables")]
PERSON = {"username": "u", "first_name": "F", "last_name": "L", "email": "u@example.org"}

#: Method, address, query, body.
CHANGES: dict[str, tuple[str, str, dict[str, Any], Any]] = {
    "pause many": ("PATCH", "/dags", {"dag_id_pattern": "d"}, {"is_paused": True}),
    "pause one": ("PATCH", "/dags/d1", {}, {"is_paused": True}),
    "delete a DAG": ("DELETE", "/dags/d2", {}, None),
    "trigger": ("POST", "/dags/d1/dagRuns", {}, {"dag_run_id": "new", "note": "n"}),
    "mark a run": ("PATCH", RUN, {}, {"state": "success"}),
    "fail a run": ("PATCH", "/dags/d2/dagRuns/r", {}, {"state": "failed"}),
    "clear a run": ("POST", f"{RUN}/clear", {}, {"dry_run": False}),
    "delete a run": ("DELETE", RUN, {}, None),
    "clear instances": (
        "POST", "/dags/d1/clearTaskInstances", {}, {"dry_run": False, "only_failed": False, "reset_dag_runs": True},
    ),
    "mark instances": (
        "POST", "/dags/d1/updateTaskInstancesState", {},
        {
            "dry_run": False, "task_id": "a", "dag_run_id": "r", "new_state": "success", "include_downstream": True,
            "include_upstream": False, "include_future": True, "include_past": False,
        },
    ),
    "mark an instance": ("PATCH", f"{RUN}/taskInstances/b", {}, {"dry_run": False, "new_state": "success"}),
    "run an instance": ("POST", f"{RUN}/taskInstances/b/run", {}, None),
    "note an instance": ("PATCH", f"{RUN}/taskInstances/b/setNote", {}, {"note": "n"}),
    "a dataset event": ("POST", "/datasets/events", {}, {"dataset_uri": "s3://x", "extra": {}}),
    "backfill": (
        "POST", "/backfills", {},
        {
            "dag_id": "d1", "from_date": "2024-01-01T00:00:00Z", "to_date": "2024-01-04T00:00:00Z",
            "reprocess_behavior": "completed",
        },
    ),
    "make a pool": ("POST", "/pools", {}, {"name": "new", "slots": 1}),
    "change a pool": ("PATCH", "/pools/p", {}, {"name": "p", "slots": 77}),
    "make a connection": ("POST", "/connections", {}, {"connection_id": "new", "conn_type": "x", "password": "p"}),
    "overwrite a variable": ("POST", "/variables", {}, {"key": "v", "value": "new"}),
    "make a role": ("POST", "/roles", {}, {"name": "new", "actions": ACTIONS}),
    "change a role": ("PATCH", "/roles/R", {}, {"name": "R2", "actions": ACTIONS}),
    "delete a role": ("DELETE", "/roles/R", {}, None),
    "make a user": (
        "POST", "/users", {}, {**PERSON, "username": "new", "email": "new@example.org", "password": "a long one 7",
                               "roles": [{"name": "Viewer"}, {"name": "Op"}]},
    ),
    "change a user": ("PATCH", "/users/u", {}, {**PERSON, "roles": [{"name": "Viewer"}, {"name": "Op"}]}),
    "delete a user": ("DELETE", "/users/u", {}, None),
    "make a token": ("POST", "/tokens", {}, {"name": "new"}),
}  # fmt: skip


@pytest.fixture
def things(api: Api) -> None:
    timetable = registry.encode(create_timetable("0 0 * * *", "UTC"))
    dag = make_dag(serialized("a >> b >> c", dag_id="d1", timetable=timetable))
    run = make_run(dag, {"a": "success", "b": "failed", "c": "upstream_failed"}, run_id="r", state="failed")
    run.task_instances.update(try_number=1)
    XComFactory(task_instance=run.task_instances.get(task_id="a"))
    TaskInstanceHistoryFactory(task_instance=run.task_instances.get(task_id="b"))
    make_run(dag, {"a": "failed", "b": "success"}, run_id="r2", state="failed")
    other = make_dag("a", dag_id="d2")
    make_run(other, {"a": "success"}, run_id="r", state="success")
    DagDatasetReference.objects.create(dag=other, dataset=DatasetFactory(uri="s3://x"))
    PoolFactory(name="p")
    ConnectionFactory(conn_id="c")
    VariableFactory(key="v")
    Group.objects.create(name="R").permissions.set(Group.objects.get(name="Viewer").permissions.all()[:3])
    UserFactory(username="u", email="u@example.org").groups.add(Group.objects.get(name="R"))
    api.get("/dags")  # so that what is remembered of the caller is there


def rows() -> list[Any]:
    found: list[Any] = [
        (model._meta.label, list(model._default_manager.order_by("pk").values()))
        for model in apps.get_app_config("orchestration").get_models(include_auto_created=True)
        if model._meta.managed and model._meta.label_lower not in _NOT_COMPARED
    ]
    people = User.objects.order_by("pk").values("pk", "username", "email", "first_name", "password", "is_active")
    held = Group.permissions.through.objects.order_by("pk").values()
    return [*found, list(people), list(held), list(User.groups.through.objects.order_by("pk").values())]


@contextmanager
def failing(number: int) -> Iterator[Callable[[], int]]:
    """The writing statement of this number fails, once; the count of those that were asked is given."""
    seen = 0

    def execute(run: Any, sql: str, *more: Any) -> Any:
        nonlocal seen
        if sql.lstrip().startswith(_WRITES) and "eventlog" not in sql:
            seen += 1
            if seen == number:
                raise OperationalError("database is locked")
        return run(sql, *more)

    with connection.execute_wrapper(execute):
        yield lambda: seen


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_made_whole_or_not_at_all(api: Api, things: None, name: str) -> None:
    method, path, query, body = CHANGES[name]
    before = rows()
    logged = EventLog.objects.count()
    number = 1
    while True:
        with failing(number) as asked:
            answer = api.send(method, path, body, **query)
        if asked() < number:
            break
        assert (answer.status, answer.headers.get("Retry-After")) == (503, "1"), (number, answer)
        assert rows() == before, number
        assert EventLog.objects.count() == logged + number
        number += 1
    assert answer.status in {200, 204}, answer
    assert number > 1, "it wrote nothing"
    assert rows() != before or name == "make a token"
    assert EventLog.objects.count() == logged + number


@pytest.mark.parametrize("name", [name for name, change in CHANGES.items() if change[0] in {"POST", "PATCH"}])
def test_after_a_failure_the_same_key_makes_the_change_once(api: Api, things: None, name: str) -> None:
    method, path, query, body = CHANGES[name]
    if name == "make a token":
        return  # it takes no key
    key = {"Idempotency-Key": "one"}
    number = 0
    answer = None
    while answer is None or answer.status == 503:
        number += 1
        with failing(number):
            answer = api.send(method, path, body, headers=key, **query)
    assert answer.status == 200, answer
    after = rows()
    again = api.send(method, path, body, headers=key, **query)
    assert (again.status, again.content, again.headers["Idempotency-Replayed"]) == (200, answer.content, "true")
    assert rows() == after


def test_clearing_reaches_all_its_runs_or_none(api: Api, things: None) -> None:
    """Two runs are cleared in one batch: the second is not left behind."""
    body = {"dry_run": False, "only_failed": False, "reset_dag_runs": True}
    assert api.post("/dags/d1/clearTaskInstances", body).status == 200
    assert set(DagRun.objects.filter(dag_id="d1").values_list("state", flat=True)) == {"queued"}
