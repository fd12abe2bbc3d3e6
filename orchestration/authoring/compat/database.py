"""The database's management, which tasks do not have here. Mirrors names of ``airflow.utils.db`` and its commands."""

from __future__ import annotations

from typing import Any, NoReturn

from orchestration.authoring.exceptions import AirflowException

#: The tables that Airflow's ``db clean`` knows.
all_tables = [
    "callback_request", "celery_taskmeta", "celery_tasksetmeta", "dag", "dag_run", "dataset_event", "import_error",
    "job", "log", "session", "sla_miss", "task_fail", "task_instance", "task_instance_history", "task_reschedule",
    "trigger", "xcom",
]  # fmt: skip


def initdb(*args: Any, **kwargs: Any) -> NoReturn:
    """Refused with AirflowException, as every verb of this module is."""
    raise AirflowException(
        "Tasks and DAG files do not manage the database: run manage.py db migrate, or manage.py connections add."
    )


resetdb = upgradedb = merge_conn = create_default_connections = add_default_pool_if_not_exists = initdb
