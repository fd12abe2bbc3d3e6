"""What each operation asks: the (action, resource) pairs, all of them.

Source: ``reference/permissions.json`` (measured on Airflow 2.10.5). In an operation on ``{dag_id}`` the pairs on DAGs
and DAG Runs may be held for that DAG only; ``permissions.meets`` knows the rules for ``~`` and for lists of DAGs.
An operation without pairs needs no caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestration.access import permissions as p
from orchestration.access.permissions import Caller, Pair


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the stable API.

    ``path`` is a template below ``/api/v1``. ``is_dag_list``: a grant on any one DAG is enough, the answer is filtered.
    ``is_extra``: not in the reference.
    """

    id: str
    method: str
    path: str
    pairs: tuple[Pair, ...] = ()
    is_dag_list: bool = False
    is_extra: bool = False

    @property
    def is_open(self) -> bool:
        """Whether anybody may call it, without authentication."""
        return not self.pairs

    def allows(self, user: Caller | None, dag_id: str | None = None) -> bool:
        """Whether the user may call it; ``dag_id`` is the path's, ``~`` included."""
        return p.meets(user, self.pairs, dag_id=dag_id, any_dag=self.is_dag_list)


_READ_DAG = Pair(p.READ, p.DAGS)
_EDIT_DAG = Pair(p.EDIT, p.DAGS)
_READ_RUN = (Pair(p.READ, p.DAG_RUNS), _READ_DAG)
_EDIT_RUN = (Pair(p.EDIT, p.DAG_RUNS), _EDIT_DAG)
_CREATE_RUN = (Pair(p.CREATE, p.DAG_RUNS), _EDIT_DAG)
_DELETE_RUN = (Pair(p.DELETE, p.DAG_RUNS), _EDIT_DAG)
_READ_TI = (*_READ_RUN, Pair(p.READ, p.TASK_INSTANCES))
_EDIT_TI = (*_EDIT_RUN, Pair(p.EDIT, p.TASK_INSTANCES))
_READ_TASK = (_READ_DAG, Pair(p.READ, p.TASK_INSTANCES))
_READ_XCOM = (_READ_DAG, Pair(p.READ, p.XCOMS))
_READ_QUEUED = (_READ_DAG, Pair(p.READ, p.DATASETS))
_DELETE_QUEUED = (Pair(p.DELETE, p.DATASETS), _READ_DAG)
_READ_PROFILE = (Pair(p.READ, p.MY_PROFILE),)
_EDIT_PROFILE = (Pair(p.EDIT, p.MY_PROFILE),)

_DAG = "/dags/{dag_id}"
_RUN = f"{_DAG}/dagRuns/{{dag_run_id}}"
_TI = f"{_RUN}/taskInstances/{{task_id}}"
_MAPPED = f"{_TI}/{{map_index}}"


def _crud(noun: str, plural: str, key: str, resource: str, *, posts: str | None = None) -> tuple[Operation, ...]:
    """List, create, get, patch and delete of one noun."""
    many, one = f"/{plural}", f"/{plural}/{{{key}}}"
    return (
        Operation(f"get_{plural}", "GET", many, (Pair(p.READ, resource),)),
        Operation(posts or f"post_{noun}", "POST", many, (Pair(p.CREATE, resource),)),
        Operation(f"get_{noun}", "GET", one, (Pair(p.READ, resource),)),
        Operation(f"patch_{noun}", "PATCH", one, (Pair(p.EDIT, resource),)),
        Operation(f"delete_{noun}", "DELETE", one, (Pair(p.DELETE, resource),)),
    )


def _read(id: str, path: str, resource: str) -> Operation:
    return Operation(id, "GET", path, (Pair(p.READ, resource),))


OPERATIONS: tuple[Operation, ...] = (
    *_crud("connection", "connections", "connection_id", p.CONNECTIONS),
    Operation("test_connection", "POST", "/connections/test", (Pair(p.CREATE, p.CONNECTIONS),)),
    Operation("get_dags", "GET", "/dags", (_READ_DAG,), is_dag_list=True),
    Operation("patch_dags", "PATCH", "/dags", (_EDIT_DAG,), is_dag_list=True),
    Operation("get_dag", "GET", _DAG, (_READ_DAG,)),
    Operation("patch_dag", "PATCH", _DAG, (_EDIT_DAG,)),
    Operation("delete_dag", "DELETE", _DAG, (Pair(p.DELETE, p.DAGS),)),
    Operation("get_dag_details", "GET", f"{_DAG}/details", (_READ_DAG,)),
    Operation("get_tasks", "GET", f"{_DAG}/tasks", _READ_TASK),
    Operation("get_task", "GET", f"{_DAG}/tasks/{{task_id}}", _READ_TASK),
    Operation("post_clear_task_instances", "POST", f"{_DAG}/clearTaskInstances", _EDIT_TI),
    Operation("post_set_task_instances_state", "POST", f"{_DAG}/updateTaskInstancesState", _EDIT_TI),
    Operation("get_dag_runs", "GET", f"{_DAG}/dagRuns", _READ_RUN),
    Operation("post_dag_run", "POST", f"{_DAG}/dagRuns", _CREATE_RUN),
    Operation("get_dag_runs_batch", "POST", "/dags/~/dagRuns/list", (Pair(p.READ, p.DAG_RUNS),)),
    Operation("get_dag_run", "GET", _RUN, _READ_RUN),
    Operation("delete_dag_run", "DELETE", _RUN, _DELETE_RUN),
    Operation("update_dag_run_state", "PATCH", _RUN, _EDIT_RUN),
    Operation("clear_dag_run", "POST", f"{_RUN}/clear", _EDIT_RUN),
    Operation("set_dag_run_note", "PATCH", f"{_RUN}/setNote", _EDIT_RUN),
    Operation(
        "get_upstream_dataset_events", "GET", f"{_RUN}/upstreamDatasetEvents", (*_READ_RUN, Pair(p.READ, p.DATASETS))
    ),
    Operation("get_dag_dataset_queued_event", "GET", f"{_DAG}/datasets/queuedEvent/{{uri}}", _READ_QUEUED),
    Operation("delete_dag_dataset_queued_event", "DELETE", f"{_DAG}/datasets/queuedEvent/{{uri}}", _DELETE_QUEUED),
    Operation("get_dag_dataset_queued_events", "GET", f"{_DAG}/datasets/queuedEvent", _READ_QUEUED),
    Operation("delete_dag_dataset_queued_events", "DELETE", f"{_DAG}/datasets/queuedEvent", _DELETE_QUEUED),
    Operation("get_task_instances", "GET", f"{_RUN}/taskInstances", _READ_TI),
    Operation(
        "get_task_instances_batch",
        "POST",
        "/dags/~/dagRuns/~/taskInstances/list",
        (Pair(p.READ, p.DAG_RUNS), Pair(p.READ, p.TASK_INSTANCES)),
    ),
    Operation("get_task_instance", "GET", _TI, _READ_TI),
    Operation("patch_task_instance", "PATCH", _TI, _EDIT_TI),
    Operation("get_mapped_task_instance", "GET", _MAPPED, _READ_TI),
    Operation("patch_mapped_task_instance", "PATCH", _MAPPED, _EDIT_TI),
    Operation("get_mapped_task_instances", "GET", f"{_TI}/listMapped", _READ_TI),
    Operation("set_task_instance_note", "PATCH", f"{_TI}/setNote", _EDIT_TI),
    Operation("set_mapped_task_instance_note", "PATCH", f"{_MAPPED}/setNote", _EDIT_TI),
    Operation("get_task_instance_dependencies", "GET", f"{_TI}/dependencies", _READ_TI),
    Operation("get_mapped_task_instance_dependencies", "GET", f"{_MAPPED}/dependencies", _READ_TI),
    Operation("get_task_instance_tries", "GET", f"{_TI}/tries", _READ_TI),
    Operation("get_task_instance_try_details", "GET", f"{_TI}/tries/{{task_try_number}}", _READ_TI),
    Operation("get_mapped_task_instance_tries", "GET", f"{_MAPPED}/tries", _READ_TI),
    Operation("get_mapped_task_instance_try_details", "GET", f"{_MAPPED}/tries/{{task_try_number}}", _READ_TI),
    Operation("get_extra_links", "GET", f"{_TI}/links", _READ_TI),
    Operation("get_log", "GET", f"{_TI}/logs/{{task_try_number}}", (_READ_DAG, Pair(p.READ, p.TASK_LOGS))),
    Operation("get_xcom_entries", "GET", f"{_TI}/xcomEntries", _READ_XCOM),
    Operation("get_xcom_entry", "GET", f"{_TI}/xcomEntries/{{xcom_key}}", _READ_XCOM),
    _read("get_dag_stats", "/dagStats", p.DAG_RUNS),
    _read("get_dag_warnings", "/dagWarnings", p.DAG_WARNINGS),
    Operation(
        "get_dag_source", "GET", "/dagSources/{file_token}", (Pair(p.READ, p.DAG_CODE), _READ_DAG), is_dag_list=True
    ),
    Operation("reparse_dag_file", "PUT", "/parseDagFile/{file_token}", (_EDIT_DAG,), is_dag_list=True),
    _read("get_import_errors", "/importErrors", p.IMPORT_ERRORS),
    _read("get_import_error", "/importErrors/{import_error_id}", p.IMPORT_ERRORS),
    _read("get_datasets", "/datasets", p.DATASETS),
    _read("get_dataset", "/datasets/{uri}", p.DATASETS),
    _read("get_dataset_events", "/datasets/events", p.DATASETS),
    Operation("create_dataset_event", "POST", "/datasets/events", (Pair(p.CREATE, p.DATASETS),)),
    _read("get_dataset_queued_events", "/datasets/queuedEvent/{uri}", p.DATASETS),
    Operation("delete_dataset_queued_events", "DELETE", "/datasets/queuedEvent/{uri}", (Pair(p.DELETE, p.DATASETS),)),
    _read("get_event_logs", "/eventLogs", p.AUDIT_LOGS),
    _read("get_event_log", "/eventLogs/{event_log_id}", p.AUDIT_LOGS),
    *_crud("pool", "pools", "pool_name", p.POOLS),
    *_crud("variable", "variables", "variable_key", p.VARIABLES, posts="post_variables"),
    _read("get_providers", "/providers", p.PROVIDERS),
    _read("get_plugins", "/plugins", p.PLUGINS),
    _read("get_config", "/config", p.CONFIGURATIONS),
    _read("get_value", "/config/section/{section}/option/{option}", p.CONFIGURATIONS),
    Operation("get_health", "GET", "/health"),
    Operation("get_version", "GET", "/version"),
    *_crud("role", "roles", "role_name", p.ROLES),
    _read("get_permissions", "/permissions", p.PERMISSIONS),
    *_crud("user", "users", "username", p.USERS),
    # Not in the reference.
    Operation("put_connection", "PUT", "/connections/{connection_id}", (Pair(p.EDIT, p.CONNECTIONS),), is_extra=True),
    Operation("put_pool", "PUT", "/pools/{pool_name}", (Pair(p.EDIT, p.POOLS),), is_extra=True),
    Operation("put_variable", "PUT", "/variables/{variable_key}", (Pair(p.EDIT, p.VARIABLES),), is_extra=True),
    Operation("get_tokens", "GET", "/tokens", _READ_PROFILE, is_extra=True),
    Operation("post_token", "POST", "/tokens", _EDIT_PROFILE, is_extra=True),
    Operation("get_token", "GET", "/tokens/{token_id}", _READ_PROFILE, is_extra=True),
    Operation("delete_token", "DELETE", "/tokens/{token_id}", _EDIT_PROFILE, is_extra=True),
    Operation("clear_task_instance", "POST", f"{_TI}/clear", _EDIT_TI, is_extra=True),
    Operation("run_task_instance", "POST", f"{_TI}/run", _EDIT_TI, is_extra=True),
    Operation("wait_for_dag_run", "GET", f"{_RUN}/wait", _READ_RUN, is_extra=True),
    Operation(
        "get_backfills", "GET", "/backfills", (Pair(p.READ, p.DAG_RUNS), _READ_DAG), is_dag_list=True, is_extra=True
    ),
    Operation("post_backfill", "POST", "/backfills", _CREATE_RUN, is_dag_list=True, is_extra=True),
    Operation("get_backfill", "GET", "/backfills/{backfill_id}", _READ_RUN, is_dag_list=True, is_extra=True),
    *(
        Operation(f"{verb}_backfill", "POST", f"/backfills/{{backfill_id}}/{verb}", _EDIT_RUN, True, is_extra=True)
        for verb in ("cancel", "pause", "unpause")
    ),
)

#: Operations by id, as the reference names them.
BY_ID: Mapping[str, Operation] = {operation.id: operation for operation in OPERATIONS}
#: Operations by (method, path template).
BY_PATH: Mapping[tuple[str, str], Operation] = {(o.method, o.path): o for o in OPERATIONS}
