"""What of Airflow's database is not copied at all, and why."""

from __future__ import annotations

from collections.abc import Mapping

from orchestration.management.moving.move import Move

_FILES = "read again from the DAG files"
_PROCESSES = "about processes and waits of the Airflow that runs there"
#: Airflow's tables that no part of a copy reads, and the reason that the report gives.
TABLES: Mapping[str, str] = {
    "serialized_dag": _FILES,
    "dag_code": _FILES,
    "dag_tag": _FILES,
    "dag_owner_attributes": _FILES,
    "dag_warning": _FILES,
    "import_error": _FILES,
    "dag_schedule_dataset_reference": _FILES,
    "dag_schedule_dataset_alias_reference": _FILES,
    "task_outlet_dataset_reference": _FILES,
    "dataset_alias": _FILES,
    "dataset_alias_dataset": _FILES,
    "dataset_alias_dataset_event": "which events came through an alias is not kept",
    "dag_pickle": "pickles of code are not read",
    "job": _PROCESSES,
    "trigger": _PROCESSES,
    "callback_request": _PROCESSES,
    "dag_priority_parsing_request": _PROCESSES,
    "session": "people sign in anew",
    "ab_register_user": "registrations that were not confirmed",
    "task_fail": "the tries say when each task failed",
    "task_map": "counted again from the XComs",
    "log_template": "logs here have one place; Airflow's log files stay readable where they are",
    "celery_taskmeta": _PROCESSES,
    "celery_tasksetmeta": _PROCESSES,
}


def tell(move: Move) -> None:
    """Count the rows of those tables into the report."""
    for table, reason in TABLES.items():
        rows = move.source.count(table)
        if rows:
            move.report.of("not copied").leave(f"rows of {table}: {reason}", times=rows)
