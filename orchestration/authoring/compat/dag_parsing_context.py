"""Which DAG a file is parsed for. Mirrors ``airflow.utils.dag_parsing_context``."""

from __future__ import annotations

import os
from typing import NamedTuple

DAG_ID_VARIABLE = "_AIRFLOW_PARSING_CONTEXT_DAG_ID"
TASK_ID_VARIABLE = "_AIRFLOW_PARSING_CONTEXT_TASK_ID"


class AirflowParsingContext(NamedTuple):
    """The DAG and task that are wanted of the file; None where all are."""

    dag_id: str | None
    task_id: str | None


def get_parsing_context() -> AirflowParsingContext:
    """What this process parses the file for: a file that makes many DAGs may make that one only."""
    return AirflowParsingContext(os.environ.get(DAG_ID_VARIABLE), os.environ.get(TASK_ID_VARIABLE))
