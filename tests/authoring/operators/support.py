"""Runs one task as the runner does, against a store in memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestration.authoring import context as contexts
from orchestration.authoring import store
from orchestration.authoring.dag import DAG

MOMENT = "2024-03-05T10:00:00+00:00"


@dataclass
class MemoryStore:
    """The store port over lists."""

    variables: dict[str, str] = field(default_factory=dict)
    connections: dict[str, dict[str, Any]] = field(default_factory=dict)
    xcoms: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)
    instances: list[dict[str, Any]] = field(default_factory=list)
    dags: dict[str, dict[str, Any]] = field(default_factory=dict)
    cleared: list[tuple[str, str]] = field(default_factory=list)

    def get_variable(self, key):
        return self.variables.get(key)

    def get_connection(self, conn_id):
        return self.connections.get(conn_id)

    def set_xcom(self, dag_id, run_id, task_id, map_index, key, value, length):
        self.xcoms.append(
            {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index, "key": key, "value": value,
             "timestamp": MOMENT}
        )  # fmt: skip

    def get_xcoms(
        self, *, dag_id, run_id=None, task_ids=None, map_indexes=None, key=None, include_prior_dates=False, limit=None
    ):
        wanted = {
            "dag_id": [dag_id],
            "run_id": run_id and [run_id],
            "task_id": task_ids,
            "map_index": map_indexes,
            "key": key and [key],
        }
        return _matching(self.xcoms, wanted)[:limit]

    def delete_xcoms(self, dag_id, run_id, task_id, map_index, key=None):
        self.xcoms.clear()

    def get_task_instances(
        self, *, dag_id, run_ids=None, logical_dates=None, task_ids=None, task_group_id=None, states=None
    ):
        in_group = task_group_id and [
            i["task_id"] for i in self.instances if i["task_id"].startswith(f"{task_group_id}.")
        ]
        wanted = {
            "dag_id": [dag_id],
            "run_id": run_ids,
            "logical_date": logical_dates,
            "task_id": task_ids or in_group,
            "state": states,
        }
        return _matching(self.instances, wanted)

    def get_dag_runs(self, *, dag_id, run_ids=None, logical_dates=None, states=None, **others):
        return _matching(
            self.runs, {"dag_id": [dag_id], "run_id": run_ids, "logical_date": logical_dates, "state": states}
        )

    def get_dag(self, dag_id):
        return self.dags.get(dag_id)

    def trigger_dag_run(self, *, dag_id, run_id, logical_date, conf, reset_dag_run=False):
        for run in self.get_dag_runs(dag_id=dag_id, logical_dates=[logical_date]):
            if not reset_dag_run:
                raise store.StoreError(f"The run {run['run_id']} already exists.")
            self.cleared.append((dag_id, run["run_id"]))
            return run
        run = run_value(
            dag_id, run_id or f"manual__{logical_date}", logical_date=logical_date, conf=conf, state="queued"
        )
        self.runs.append(run)
        return run

    def clear_task_instances(self, *, dag_id, run_id, task_ids=None):
        self.cleared.append((dag_id, run_id))
        return 1

    def get_dataset_events(self, *, uris=(), alias=None, triggered_run_id=None):
        return []

    def get_alias_datasets(self, name):
        return []

    def set_rendered_fields(self, fields, map_index_label=None):
        pass


def _matching(rows, wanted):
    return [row for row in rows if all(values is None or row[name] in values for name, values in wanted.items())]


def run_value(
    dag_id: str, run_id: str, *, logical_date: str = MOMENT, state: str = "success", conf: Any = None, **other: Any
) -> dict[str, Any]:
    return {
        "id": 1, "dag_id": dag_id, "run_id": run_id, "run_type": "manual", "state": state, "logical_date": logical_date,
        "data_interval_start": logical_date, "data_interval_end": logical_date, "queued_at": None, "start_date": None,
        "end_date": None, "external_trigger": True, "conf": conf or {}, "note": None, **other,
    }  # fmt: skip


def instance_value(
    dag_id: str, task_id: str, state: str | None, *, logical_date: str = MOMENT, map_index: int = -1
) -> dict[str, Any]:
    return {
        "dag_id": dag_id, "run_id": f"run_{logical_date}", "task_id": task_id, "map_index": map_index, "state": state,
        "try_number": 1, "start_date": None, "end_date": None, "duration": None, "logical_date": logical_date,
    }  # fmt: skip


def connection_value(conn_id: str, conn_type: str, **parts: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("description", "host", "schema", "login", "password", "port", "extra"))
    return {**empty, "conn_id": conn_id, "conn_type": conn_type, **parts}


@dataclass
class Outcome:
    """What a task did."""

    result: Any
    skipped: list[str]
    task: Any
    xcoms: dict[str, Any]


def make_dag(**kwargs: Any) -> DAG:
    return DAG("d", start_date=datetime(2024, 1, 1, tzinfo=UTC), schedule=None, **kwargs)


def execute(
    task: Any,
    *,
    conf: dict[str, Any] | None = None,
    logical_date: str = MOMENT,
    map_index: int = -1,
    run: dict[str, Any] | None = None,
    method: str = "execute",
    resume: tuple[str, dict[str, Any]] | None = None,
    **ti: Any,
) -> Outcome:
    """Render the task's fields and execute it within its context; with ``resume``, go on after a wait."""
    run = run or run_value(task.dag_id, "run_1", logical_date=logical_date, conf=conf)
    document = {
        "ti": {
            "dag_id": task.dag_id,
            "run_id": run["run_id"],
            "task_id": task.task_id,
            "map_index": map_index,
            "try_number": 1,
            **ti,
        },
        "run": run,
    }
    task.resolve_template_files()
    context = contexts.build(document, task.dag, task)
    instance = context["ti"]
    skipped: list[str] = []
    instance.skip_downstream = skipped.extend
    copy = task.prepare_for_execution()
    instance.task = context["task"] = copy
    instance.render_templates(context)
    with contexts.set_current_context(context):
        result = copy.resume_execution(*resume, context) if resume else copy.execute(context)
    known = [x for x in getattr(store.current(), "xcoms", []) if x["task_id"] == task.task_id]
    return Outcome(result, skipped, copy, {x["key"]: json.loads(x["value"]) for x in known})


@pytest.fixture
def memory() -> Any:
    """A store in memory, installed for the test."""
    mine: Any = MemoryStore()
    before = store.install(mine)
    yield mine
    store.install(before)


def names(values: Sequence[Any]) -> list[str]:
    return sorted(str(value) for value in values)
