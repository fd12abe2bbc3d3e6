"""The names of actions and resources, for ``access_control``. Mirrors ``airflow.security.permissions``."""

from __future__ import annotations

ACTION_CAN_READ, ACTION_CAN_EDIT = "can_read", "can_edit"
ACTION_CAN_CREATE, ACTION_CAN_DELETE = "can_create", "can_delete"
ACTION_CAN_ACCESS_MENU = "menu_access"
#: Names of earlier versions.
DEPRECATED_ACTION_CAN_DAG_READ = "can_dag_read"
DEPRECATED_ACTION_CAN_DAG_EDIT = "can_dag_edit"

RESOURCE_DAG = "DAGs"
RESOURCE_DAG_PREFIX = "DAG:"
RESOURCE_DAG_RUN = "DAG Runs"
RESOURCE_DAG_RUN_PREFIX = "DAG Run:"
RESOURCE_TASK_INSTANCE = "Task Instances"
RESOURCE_DATASET = "Datasets"
RESOURCE_VARIABLE = "Variables"
RESOURCE_CONNECTION = "Connections"
RESOURCE_POOL = "Pools"
RESOURCE_XCOM = "XComs"

DAG_ACTIONS = {ACTION_CAN_READ, ACTION_CAN_EDIT, ACTION_CAN_DELETE}


def resource_name(root_dag_id: str, resource: str) -> str:
    """The resource of one DAG."""
    prefix = {RESOURCE_DAG: RESOURCE_DAG_PREFIX, RESOURCE_DAG_RUN: RESOURCE_DAG_RUN_PREFIX}[resource]
    return root_dag_id if root_dag_id.startswith(prefix) else f"{prefix}{root_dag_id}"


def resource_name_for_dag(root_dag_id: str) -> str:
    """The resource ``DAG:<dag_id>``."""
    return resource_name(root_dag_id, RESOURCE_DAG)
