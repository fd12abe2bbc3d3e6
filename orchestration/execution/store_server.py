"""The answering side of the store port: each method of ``authoring.store.Store`` as a few statements over the tables.

``METHODS`` is the whole of what user code can ask. Nothing here imports a DAG file; moments come and go as ISO 8601
texts, values as JSON. Writes of a task are made by who has checked that its try still holds its claim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from orchestration.authoring.store import (
    ConnectionValue,
    DatasetEventValue,
    DatasetValue,
    RunValue,
    StoreError,
    TaskInstanceValue,
    XComValue,
)
from orchestration.errors import NotFound, OrchestrationError
from orchestration.execution import verbs
from orchestration.models import versions
from orchestration.models.connection import Connection
from orchestration.models.dag import Dag
from orchestration.models.dag_run import DagRun
from orchestration.models.dataset import Dataset, DatasetEvent
from orchestration.models.outcomes import Held, keep_rendered
from orchestration.models.task_instance import TaskInstance
from orchestration.models.variable import Variable
from orchestration.models.xcom import XCom
from orchestration.serialization.values import SerializedDag

#: The columns of ``RunValue``, in its order.
RUN_COLUMNS = (
    "id", "dag_id", "run_id", "run_type", "state", "logical_date", "data_interval_start", "data_interval_end",
    "queued_at", "start_date", "end_date", "external_trigger", "conf", "note",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Method:
    """One method: ``function(caller, …)``, and whether it changes rows. ``caller`` is None outside of a try."""

    function: Callable[..., Any]
    is_write: bool = False
    #: Whether only a try may call it.
    needs_try: bool = False


def call(caller: Held | None, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Answer one call. StoreError for an unknown method, wrong arguments, and what the method refuses."""
    method = METHODS.get(name)
    if method is None:
        raise StoreError(f"The store has no method {name!r}.")
    if method.needs_try and caller is None:
        raise StoreError(f"{name} works in a running task only.")
    try:
        return method.function(caller, *args, **kwargs)
    except OrchestrationError as error:
        raise StoreError(str(error) or error.title) from error
    except TypeError as error:
        raise StoreError(f"{name} was called wrongly: {error}") from error


def is_write(name: str) -> bool:
    """Whether the method changes rows."""
    return name in METHODS and METHODS[name].is_write


def run_value(row: Mapping[str, Any], prefix: str = "") -> RunValue:
    """A run from the columns ``RUN_COLUMNS``, each with ``prefix`` before its name."""
    return {name: text(row[prefix + name]) for name in RUN_COLUMNS}  # type: ignore[return-value]  # the same keys


# Variables and connections


def _get_variable(_: Held | None, key: str) -> str | None:
    return Variable.objects.filter(key=key).values_list("val", flat=True).first()


def _set_variable(_: Held | None, key: str, value: str, description: str | None = None) -> None:
    Variable.objects.update_or_create(key=key, defaults={"val": value, "description": description})


def _delete_variable(_: Held | None, key: str) -> int:
    return Variable.objects.filter(key=key).delete()[0]


def _get_connection(_: Held | None, conn_id: str) -> ConnectionValue | None:
    columns = tuple(ConnectionValue.__annotations__)
    row = Connection.objects.filter(conn_id=conn_id).values(*columns).first()
    return None if row is None else ConnectionValue(**{name: row[name] for name in columns})  # type: ignore[typeddict-item]


# XComs


def _set_xcom(
    caller: Held,
    dag_id: str,
    run_id: str,
    task_id: str,
    map_index: int,
    key: str,
    value: str,
    length: int | None = None,
) -> None:
    pushed = XCom(
        task_instance_id=_instance(caller, dag_id, run_id, task_id, map_index),
        dag_id=dag_id,
        task_id=task_id,
        run_id=run_id,
        map_index=map_index,
        key=key,
        value=value,
        length=length,
        timestamp=timezone.now(),
    )
    XCom.objects.bulk_create(
        [pushed],
        update_conflicts=True,
        unique_fields=["task_instance", "key"],
        update_fields=["value", "length", "timestamp"],
    )


def _delete_xcoms(caller: Held, dag_id: str, run_id: str, task_id: str, map_index: int, key: str | None = None) -> None:
    rows = XCom.objects.filter(task_instance=_instance(caller, dag_id, run_id, task_id, map_index))
    (rows if key is None else rows.filter(key=key)).delete()


def _instance(caller: Held, dag_id: str, run_id: str, task_id: str, map_index: int) -> int:
    """The row of a task instance; the caller's own without a question."""
    if (dag_id, run_id, task_id, map_index) == (caller.dag_id, caller.run_id, caller.task_id, caller.map_index):
        return caller.ti_id
    rows = TaskInstance.objects.filter(dag_id=dag_id, run__run_id=run_id, task_id=task_id, map_index=map_index)
    found = rows.values_list("pk", flat=True).first()
    if found is None:
        raise NotFound(f"There is no task instance {task_id} (map index {map_index}) in run {run_id} of {dag_id}.")
    return found


def _get_xcoms(
    _: Held | None,
    *,
    dag_id: str,
    run_id: str | None = None,
    task_ids: Sequence[str] | None = None,
    map_indexes: Sequence[int] | None = None,
    key: str | None = None,
    include_prior_dates: bool = False,
    limit: int | None = None,
) -> list[XComValue]:
    rows = XCom.objects.filter(dag_id=dag_id)
    if run_id is not None and include_prior_dates:
        until = DagRun.objects.filter(dag=dag_id, run_id=run_id).values("logical_date")[:1]
        rows = rows.filter(task_instance__run__logical_date__lte=until)
    elif run_id is not None:
        # The index has the run behind the task; of all tasks, a run's few instances lead to their values.
        rows = rows.filter(**{"task_instance__run__run_id" if task_ids is None else "run_id": run_id})
    if task_ids is not None:
        rows = rows.filter(task_id__in=list(task_ids))
    if map_indexes is not None:
        rows = rows.filter(map_index__in=list(map_indexes))
    if key is not None:
        rows = rows.filter(key=key)
    place = ("task_id", "map_index", "pk")
    is_one_run = run_id is not None and not include_prior_dates
    ordered = rows.order_by(*place) if is_one_run else rows.order_by("-task_instance__run__logical_date", *place)
    return [
        XComValue(
            dag_id=dag_id,
            run_id=found_run,
            task_id=task_id,
            map_index=map_index,
            key=found_key,
            value=value,
            timestamp=timestamp.isoformat(),
        )
        for found_run, task_id, map_index, found_key, value, timestamp in ordered.values_list(
            "run_id", "task_id", "map_index", "key", "value", "timestamp"
        )[:limit]
    ]


# Runs, task instances, DAGs


def _get_task_instances(
    _: Held | None,
    *,
    dag_id: str,
    run_ids: Sequence[str] | None = None,
    logical_dates: Sequence[str] | None = None,
    task_ids: Sequence[str] | None = None,
    task_group_id: str | None = None,
    states: Sequence[str] | None = None,
) -> list[TaskInstanceValue]:
    rows = TaskInstance.objects.filter(dag_id=dag_id)
    if run_ids is not None:
        rows = rows.filter(run__run_id__in=list(run_ids))
    if logical_dates is not None:
        rows = rows.filter(run__logical_date__in=[_moment(date) for date in logical_dates])
    if task_ids is not None:
        rows = rows.filter(task_id__in=list(task_ids))
    if task_group_id is not None:
        rows = rows.filter(task_id__in=_tasks_of_group(versions.current(dag_id), task_group_id))
    if states is not None:
        rows = rows.filter(state__in=[state or "" for state in states])
    columns = (
        "dag_id", "run__run_id", "task_id", "map_index", "state", "try_number", "start_date", "end_date", "duration",
        "run__logical_date",
    )  # fmt: skip
    return [
        TaskInstanceValue(
            dag_id=row["dag_id"],
            run_id=row["run__run_id"],
            task_id=row["task_id"],
            map_index=row["map_index"],
            state=row["state"] or None,
            try_number=row["try_number"],
            start_date=text(row["start_date"]),
            end_date=text(row["end_date"]),
            duration=row["duration"],
            logical_date=row["run__logical_date"].isoformat(),
        )
        for row in rows.order_by("run__logical_date", "task_id", "map_index").values(*columns)
    ]


def _tasks_of_group(dag: SerializedDag, group_id: str) -> list[str]:
    if group_id not in dag.groups:
        raise NotFound(f"The DAG {dag.dag_id} has no task group {group_id}.")
    return [
        task_id for task_id in dag.tasks if any(group.group_id == group_id for group in dag.enclosing_groups(task_id))
    ]


def _get_dag_runs(
    _: Held | None,
    *,
    dag_id: str,
    run_ids: Sequence[str] | None = None,
    logical_dates: Sequence[str] | None = None,
    states: Sequence[str] | None = None,
    run_type: str | None = None,
    logical_date_gte: str | None = None,
    logical_date_lte: str | None = None,
    logical_date_lt: str | None = None,
    latest_first: bool = False,
    limit: int | None = None,
) -> list[RunValue]:
    given: dict[str, Any] = {
        "run_id__in": None if run_ids is None else list(run_ids),
        "logical_date__in": None if logical_dates is None else [_moment(date) for date in logical_dates],
        "state__in": None if states is None else list(states),
        "run_type": run_type,
        "logical_date__gte": _moment(logical_date_gte),
        "logical_date__lte": _moment(logical_date_lte),
        "logical_date__lt": _moment(logical_date_lt),
    }
    rows = DagRun.objects.filter(dag=dag_id, **{name: value for name, value in given.items() if value is not None})
    order = ("-logical_date", "-pk") if latest_first else ("logical_date", "pk")
    return [run_value(row) for row in rows.order_by(*order).values(*RUN_COLUMNS)[:limit]]


def _get_dag(_: Held | None, dag_id: str) -> Any:
    row = Dag.objects.filter(pk=dag_id).values("dag_id", "is_paused", "is_active", "fileloc").first()
    if row is None:
        return None
    try:
        dag = versions.current(dag_id)
    except NotFound:
        return {**row, "task_ids": [], "group_ids": []}
    return {**row, "task_ids": list(dag.tasks), "group_ids": [group for group in dag.groups if group is not None]}


def _trigger_dag_run(
    caller: Held | None,
    *,
    dag_id: str,
    run_id: str | None,
    logical_date: str | None,
    conf: Any,
    reset_dag_run: bool = False,
) -> RunValue:
    run = verbs.current().trigger_dag_run(
        dag_id=dag_id,
        run_id=run_id,
        logical_date=_moment(logical_date),
        conf=conf,
        reset_dag_run=reset_dag_run,
        caller=caller,
    )
    return run_value({name: getattr(run, name) for name in RUN_COLUMNS})


def _clear_task_instances(
    caller: Held | None, *, dag_id: str, run_id: str, task_ids: Sequence[str] | None = None
) -> int:
    return verbs.current().clear_task_instances(dag_id=dag_id, run_id=run_id, task_ids=task_ids, caller=caller)


# Datasets


def _get_dataset_events(
    _: Held | None, *, uris: Sequence[str] = (), alias: str | None = None, triggered_run_id: int | None = None
) -> list[DatasetEventValue]:
    rows: QuerySet[DatasetEvent] = DatasetEvent.objects.all()
    if uris:
        rows = rows.filter(dataset__uri__in=list(uris))
    if alias is not None:
        rows = rows.filter(aliases__name=alias)
    if triggered_run_id is not None:
        rows = rows.filter(created_dag_runs=triggered_run_id)
    if not uris and alias is None and triggered_run_id is None:
        return []
    return [
        DatasetEventValue(
            id=event.pk,
            uri=event.dataset.uri,
            extra=event.extra,
            source_dag_id=event.source_dag_id,
            source_task_id=event.source_task_id,
            source_run_id=event.source_run_id,
            source_map_index=event.source_map_index,
            timestamp=event.timestamp.isoformat(),
        )
        for event in rows.select_related("dataset").order_by("timestamp", "pk")
    ]


def _get_alias_datasets(_: Held | None, name: str) -> list[DatasetValue]:
    rows = Dataset.objects.filter(aliases__name=name).order_by("uri")
    return [DatasetValue(uri=uri, extra=extra) for uri, extra in rows.values_list("uri", "extra")]


# The running task instance


def _set_rendered_fields(caller: Held, fields: dict[str, Any], map_index_label: str | None = None) -> None:
    keep_rendered({caller.ti_id: fields})
    if map_index_label is not None:
        caller.row().update(rendered_map_index=map_index_label[:250])


def _set_note(caller: Held, note: str | None) -> None:
    caller.row().update(note=note)


METHODS: Mapping[str, Method] = {
    "get_variable": Method(_get_variable),
    "set_variable": Method(_set_variable, is_write=True),
    "delete_variable": Method(_delete_variable, is_write=True),
    "get_connection": Method(_get_connection),
    "set_xcom": Method(_set_xcom, is_write=True, needs_try=True),
    "get_xcoms": Method(_get_xcoms),
    "delete_xcoms": Method(_delete_xcoms, is_write=True, needs_try=True),
    "get_task_instances": Method(_get_task_instances),
    "get_dag_runs": Method(_get_dag_runs),
    "get_dag": Method(_get_dag),
    "trigger_dag_run": Method(_trigger_dag_run, is_write=True),
    "clear_task_instances": Method(_clear_task_instances, is_write=True),
    "get_dataset_events": Method(_get_dataset_events),
    "get_alias_datasets": Method(_get_alias_datasets),
    "set_rendered_fields": Method(_set_rendered_fields, is_write=True, needs_try=True),
    "set_note": Method(_set_note, is_write=True, needs_try=True),
}


def _moment(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise StoreError(f"{given!r} is no moment in ISO 8601.") from None
    return moment if moment.tzinfo is not None else timezone.make_aware(moment)


def text(value: Any) -> Any:
    """A moment as ISO 8601 text; other values as they are."""
    return value.isoformat() if isinstance(value, datetime) else value
