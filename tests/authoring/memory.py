"""The store port over lists, with the order that the port promises; counts the questions asked."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from orchestration.authoring import store

MOMENT = "2024-03-05T10:00:00+00:00"


class MemoryStore:
    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.connections: dict[str, dict[str, Any]] = {}
        self.xcoms: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        self.instances: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.dags: dict[str, dict[str, Any]] = {}
        self.notes: list[str | None] = []
        self.asked: Counter[str] = Counter()

    def push(
        self,
        task_id: str,
        value: Any,
        *,
        map_index: int = -1,
        key: str = "return_value",
        run_id: str = "r",
        at: int = 0,
    ) -> None:
        self.xcoms.append(
            {
                "dag_id": "d", "run_id": run_id, "task_id": task_id, "map_index": map_index, "key": key,
                "value": json.dumps(value), "timestamp": f"2024-03-05T10:00:{at:02}+00:00",
            }
        )  # fmt: skip

    def get_variable(self, key):
        self.asked["get_variable"] += 1
        return self.variables.get(key)

    def set_variable(self, key, value, description=None):
        self.variables[key] = value

    def delete_variable(self, key):
        return int(self.variables.pop(key, None) is not None)

    def get_connection(self, conn_id):
        self.asked["get_connection"] += 1
        return self.connections.get(conn_id)

    def set_xcom(self, dag_id, run_id, task_id, map_index, key, value, length):
        self.xcoms.append(
            {
                "dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index, "key": key,
                "value": value, "timestamp": MOMENT, "length": length,
            }
        )  # fmt: skip

    def get_xcoms(
        self, *, dag_id, run_id=None, task_ids=None, map_indexes=None, key=None, include_prior_dates=False, limit=None
    ):
        self.asked["get_xcoms"] += 1
        runs = [run["run_id"] for run in sorted(self.runs, key=lambda run: run["logical_date"])] or ["r"]
        reachable = runs[: runs.index(run_id) + 1] if include_prior_dates else [run_id]
        found = [
            each
            for each in self.xcoms
            if each["dag_id"] == dag_id
            and each["run_id"] in reachable
            and (task_ids is None or each["task_id"] in task_ids)
            and (map_indexes is None or each["map_index"] in map_indexes)
            and (key is None or each["key"] == key)
        ]
        found.sort(key=lambda each: (-reachable.index(each["run_id"]), each["task_id"], each["map_index"]))
        return found[:limit]

    def delete_xcoms(self, dag_id, run_id, task_id, map_index, key=None):
        self.xcoms = [each for each in self.xcoms if (each["task_id"], each["map_index"]) != (task_id, map_index)]

    def get_task_instances(
        self, *, dag_id, run_ids=None, logical_dates=None, task_ids=None, task_group_id=None, states=None
    ):
        self.asked["get_task_instances"] += 1
        return [
            each
            for each in self.instances
            if each["dag_id"] == dag_id
            and (run_ids is None or each["run_id"] in run_ids)
            and (task_ids is None or each["task_id"] in task_ids)
            and (states is None or (each["state"] or "") in states)
        ]

    def get_dag_runs(
        self, *, dag_id, run_ids=None, logical_dates=None, states=None, run_type=None, logical_date_gte=None,
        logical_date_lte=None, logical_date_lt=None, latest_first=False, limit=None,
    ):  # fmt: skip
        self.asked["get_dag_runs"] += 1
        found = [
            each
            for each in self.runs
            if each["dag_id"] == dag_id
            and (run_ids is None or each["run_id"] in run_ids)
            and (logical_dates is None or each["logical_date"] in logical_dates)
            and (states is None or each["state"] in states)
            and (run_type is None or each["run_type"] == run_type)
            and (logical_date_gte is None or each["logical_date"] >= logical_date_gte)
            and (logical_date_lte is None or each["logical_date"] <= logical_date_lte)
            and (logical_date_lt is None or each["logical_date"] < logical_date_lt)
        ]
        return sorted(found, key=lambda each: each["logical_date"], reverse=latest_first)[:limit]

    def get_dag(self, dag_id):
        return self.dags.get(dag_id)

    def get_dataset_events(self, *, uris=(), alias=None, triggered_run_id=None):
        self.asked["get_dataset_events"] += 1
        return [each for each in self.events if triggered_run_id is not None or each["uri"] in uris or alias == "al"]

    def set_note(self, note):
        self.notes.append(note)


def run_value(run_id: str = "r", logical_date: str = MOMENT, **other: Any) -> dict[str, Any]:
    return {
        "id": 7, "dag_id": "d", "run_id": run_id, "run_type": "manual", "state": "running",
        "logical_date": logical_date, "data_interval_start": logical_date, "data_interval_end": logical_date,
        "queued_at": None, "start_date": None, "end_date": None, "external_trigger": True, "conf": {}, "note": None,
        **other,
    }  # fmt: skip


def instance_value(
    task_id: str, *, run_id: str = "r", map_index: int = -1, state: str | None = "success", **other: Any
) -> dict[str, Any]:
    return {
        "dag_id": "d", "run_id": run_id, "task_id": task_id, "map_index": map_index, "state": state, "try_number": 1,
        "start_date": None, "end_date": None, "duration": None, "logical_date": MOMENT, **other,
    }  # fmt: skip


def start(task_id: str, *, map_index: int = -1, run: dict[str, Any] | None = None, **other: Any) -> dict[str, Any]:
    """The document that a supervisor sends for one try."""
    expansion = other.pop("expansion", None)
    ti = {
        "dag_id": "d",
        "run_id": (run or {}).get("run_id", "r"),
        "task_id": task_id,
        "map_index": map_index,
        "try_number": 1,
    }
    return {
        "ti": {**ti, **other},
        "run": run or run_value(),
        "dag": {},
        **({"expansion": expansion} if expansion else {}),
    }


def install(monkeypatch: Any) -> MemoryStore:
    made = MemoryStore()
    monkeypatch.setattr(store, "_store", made)
    return made
