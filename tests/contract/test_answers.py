"""Answers over rows of every kind, held against our own document: types, formats, enumerations and nulls as told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from dateutil.relativedelta import FR, relativedelta
from openapi_schema_validator import OAS30Validator, oas30_format_checker

from api_v1.document import document
from orchestration.authoring.dag import DAG
from orchestration.authoring.datasets import Dataset
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.models.dag import schedule_interval_value
from orchestration.serialization.decode import decode_dag
from orchestration.serialization.encode import encode_dag
from orchestration.states import DagRunState, TaskInstanceState
from tests.api_v1.conftest import Api, people  # noqa: F401 a fixture
from tests.factories import TaskInstanceHistoryFactory, make_dag, make_run, serialized
from tests.security.operations import SERVED, address
from tests.security.world import RUN, TASK, World

pytestmark = pytest.mark.django_db
PLACES = {"dag_id": "d2", "dag_run_id": RUN, "task_id": TASK, "xcom_key": "return_value", "uri": "s3://d2CANARY",
          "pool_name": "default_pool", "role_name": "Admin", "username": "admin"}  # fmt: skip


def assert_as_told(operation_id: str, answer: Any) -> None:
    """The answer has the form that the document tells for its status."""
    path = SERVED[operation_id].path
    told = document()["paths"][path][SERVED[operation_id].method.lower()]["responses"][str(answer.status)]
    schema = told["content"][answer.type]["schema"]
    whole = {"allOf": [schema], "components": {"schemas": _schemas()}}
    errors = list(OAS30Validator(whole, format_checker=oas30_format_checker).iter_errors(answer.json))
    assert [f"{list(error.absolute_path)}: {error.message[:200]}" for error in errors[:3]] == []


@cache
def _schemas() -> dict[str, Any]:
    """The document's, without the mark that tells the kinds of schedules apart: the validator looks for it in null."""
    told = document()["components"]["schemas"]
    return {
        name: {key: part for key, part in schema.items() if key != "discriminator"} for name, schema in told.items()
    }


READS = [o for o in SERVED.values() if o.method == "GET" and "application/json" in o.media_types]


@pytest.mark.parametrize("operation", READS, ids=lambda operation: operation.id)
def test_what_is_read_is_as_told(people: Any, monkeypatch: pytest.MonkeyPatch, operation: Any) -> None:  # noqa: F811
    monkeypatch.setenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG", "True")
    World()
    answer = Api().get(address(operation, **PLACES))
    assert answer.type in {"application/json", "application/problem+json"}
    assert_as_told(operation.id, answer)


def test_the_rows_are_read_and_not_only_missed(people: Any) -> None:  # noqa: F811
    """Else the test above would look at problem documents only."""
    World()
    statuses = [Api().get(address(operation, **PLACES)).status for operation in READS]
    assert statuses.count(200) > 35


def test_every_state_is_as_told(people: Any) -> None:  # noqa: F811
    states = list(TaskInstanceState)
    dag = make_dag(serialized(", ".join(f"t{number}" for number in range(len(states))), dag_id="d"))
    for number, state in enumerate(DagRunState):
        run = make_run(dag, {f"t{at}": each for at, each in enumerate(states)}, run_id=f"r{number}", state=state)
        for instance in run.task_instances.all():
            TaskInstanceHistoryFactory(task_instance=instance)
    for operation_id, places in (
        ("get_dag_runs", {}), ("get_task_instances", {"dag_run_id": "~"}),
        *(("get_task_instance_tries", {"dag_run_id": "r0", "task_id": f"t{at}"}) for at in range(len(states))),
    ):  # fmt: skip
        answer = Api().get(address(SERVED[operation_id], dag_id="d", **places))
        assert answer.status == 200
        assert_as_told(operation_id, answer)


SCHEDULES = {
    "none": None,
    "cron": "0 4 * * *",
    "preset": "@daily",
    "interval": timedelta(days=1, seconds=3, microseconds=5),
    "calendar": relativedelta(months=1, day=5, weekday=FR(-1)),
    "dataset": Dataset("s3://one"),
    "datasets": [Dataset("s3://one"), Dataset("s3://two")],
    "condition": Dataset("s3://one") | Dataset("s3://two"),
}


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_kind_of_schedule_is_as_told(people: Any, kind: str) -> None:  # noqa: F811
    start = datetime(2024, 1, 1, tzinfo=UTC)
    options = {"dagrun_timeout": timedelta(hours=1), "start_date": start}
    with DAG("d", schedule=SCHEDULES[kind], **options) as authored:
        EmptyOperator(task_id="t", execution_timeout=timedelta(days=2), trigger_rule="one_done")
    written = decode_dag(encode_dag(authored))
    make_dag(written, schedule_interval=schedule_interval_value(written.schedule_interval))
    for operation_id in ("get_dag", "get_dag_details", "get_dags", "get_tasks"):
        answer = Api().get(address(SERVED[operation_id], dag_id="d"))
        assert answer.status == 200, answer
        assert_as_told(operation_id, answer)


def test_a_step_in_the_calendar_has_all_its_members() -> None:
    authored = DAG("d", schedule=SCHEDULES["calendar"], start_date=datetime(2024, 1, 1, tzinfo=UTC))
    amounts = dict.fromkeys(("years", "days", "leapdays", "hours", "minutes", "seconds", "microseconds"), 0)
    parts = dict.fromkeys(("year", "month", "hour", "minute", "second", "microsecond"))
    expected = {"__type": "RelativeDelta", **amounts, **parts, "months": 1, "day": 5}
    assert schedule_interval_value(decode_dag(encode_dag(authored)).schedule_interval) == expected
