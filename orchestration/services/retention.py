"""Old rows: which they are, copies of them, and their deletion, in batches that hold no lock for long.

The tables go by the names that Airflow's ``db clean`` gives them. What still works is never deleted: unfinished runs
and what belongs to them, processes that are alive, triggers that tasks wait for, the last runs of each DAG. The last
scheduled run of a DAG always stays: the scheduler goes on from it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.db.models import Model, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from orchestration.errors import Invalid
from orchestration.models import (
    Backfill,
    CallbackRequest,
    Dag,
    DagImportError,
    DagRun,
    DatasetEvent,
    EventLog,
    IdempotencyRecord,
    Job,
    RenderedFields,
    SlaMiss,
    TaskInstance,
    TaskInstanceHistory,
    TaskReschedule,
    Trigger,
    XCom,
)
from orchestration.services import dag_runs
from orchestration.states import RUN_FINISHED, DagRunType, JobState

#: Copies are kept in tables that are called so, then the table's name and the time of the cleaning.
ARCHIVE_PREFIX = "_airflow_deleted__"
_OF_INSTANCES: tuple[type[Model], ...] = (XCom, RenderedFields, TaskReschedule, TaskInstanceHistory)


@dataclass(frozen=True, slots=True)
class Rule:
    """One table: which rows are old, and the path from a row to the run that may keep it (None: no run does).

    ``within``: what goes along with a row, as (model, path to the row).
    """

    model: type[Model]
    old: Callable[[datetime], QuerySet[Any]]
    run: str | None = None
    within: tuple[tuple[type[Model], str], ...] = ()


def _finished(model: type[Model], column: str, run: str) -> Callable[[datetime], QuerySet[Any]]:
    return lambda before: model._default_manager.filter(
        **{f"{column}__lt": before, f"{run}__state__in" if run else "state__in": RUN_FINISHED}
    )


def _older(model: type[Model], column: str, **also: Any) -> Callable[[datetime], QuerySet[Any]]:
    return lambda before: model._default_manager.filter(**{f"{column}__lt": before}, **also)


#: The rules in the order they are applied.
RULES: Mapping[str, Rule] = {
    "xcom": Rule(XCom, _finished(XCom, "timestamp", "task_instance__run"), "task_instance__run_id"),
    "task_reschedule": Rule(
        TaskReschedule, _finished(TaskReschedule, "start_date", "task_instance__run"), "task_instance__run_id"
    ),
    "task_instance_history": Rule(
        TaskInstanceHistory, _finished(TaskInstanceHistory, "start_date", "task_instance__run"), "task_instance__run_id"
    ),
    "task_instance": Rule(
        TaskInstance,
        _finished(TaskInstance, "start_date", "run"),
        "run_id",
        tuple((model, "task_instance") for model in _OF_INSTANCES),
    ),
    "dag_run": Rule(
        DagRun,
        _finished(DagRun, "start_date", ""),
        "pk",
        (*((model, "task_instance__run") for model in _OF_INSTANCES), (TaskInstance, "run")),
    ),
    "dataset_event": Rule(DatasetEvent, _older(DatasetEvent, "timestamp")),
    "trigger": Rule(Trigger, _older(Trigger, "created_at", task_instances=None)),
    "job": Rule(Job, lambda before: Job.objects.filter(latest_heartbeat__lt=before).exclude(state=JobState.RUNNING)),
    "log": Rule(EventLog, _older(EventLog, "when")),
    "sla_miss": Rule(SlaMiss, _older(SlaMiss, "timestamp")),
    "callback_request": Rule(CallbackRequest, _older(CallbackRequest, "created_at")),
    "import_error": Rule(DagImportError, _older(DagImportError, "timestamp")),
    "session": Rule(Session, _older(Session, "expire_date")),
    "backfill": Rule(Backfill, _older(Backfill, "completed_at", runs=None)),
    "idempotency_record": Rule(IdempotencyRecord, _older(IdempotencyRecord, "created_at")),
    "dag": Rule(Dag, _older(Dag, "last_parsed_at", is_active=False, runs=None)),
}
#: Names that scripts for Airflow may give, of tables that are not here.
ABSENT = frozenset({"celery_taskmeta", "celery_tasksetmeta", "task_fail"})


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What to clean: rows older than ``before``, all but each DAG's last ``keep_last`` runs, ``batch_size`` at a time.

    ``stamp`` (YYYYMMDDHHMMSS) names the copies; None keeps none.
    """

    before: datetime
    keep_last: int = 1
    batch_size: int = 1000
    stamp: str | None = None


def chosen(names: Sequence[str] | None) -> list[str]:
    """The tables of these names, all without any, in the order they are cleaned. Raises Invalid."""
    if names is None:
        return list(RULES)
    if unknown := sorted(set(names) - set(RULES) - ABSENT):
        raise Invalid(f"There are no tables {', '.join(unknown)}. There are: {', '.join(sorted(RULES))}.")
    return [name for name in RULES if name in names]


def kept_runs(keep_last: int) -> frozenset[int]:
    """The runs that stay however old they are: the last of each DAG, and its last one by schedule."""

    def latest(runs: QuerySet[DagRun], number: int) -> Iterator[int]:
        row = Window(RowNumber(), partition_by="dag_id", order_by="-logical_date")
        return runs.annotate(row=row).filter(row__lte=number).values_list("pk", flat=True).iterator()

    automated = DagRun.objects.filter(run_type__in=[DagRunType.SCHEDULED, DagRunType.BACKFILL])
    return frozenset([*latest(DagRun.objects.all(), keep_last), *latest(automated, 1)])


def batches(name: str, cleaning: Cleaning, kept: Collection[int]) -> Iterator[list[Any]]:
    """The primary keys of a table's old rows, in batches; rows that were deleted meanwhile do no harm."""
    rule = RULES[name]
    last: Any = None
    while True:
        rows = rule.old(cleaning.before).order_by("pk")
        if last is not None:
            rows = rows.filter(pk__gt=last)
        found = list(rows.values_list("pk", rule.run or "pk")[: cleaning.batch_size])
        if not found:
            return
        last = found[-1][0]
        ids = [pk for pk, run in found if rule.run is None or run not in kept]
        if ids:
            yield ids


def count(name: str, cleaning: Cleaning, kept: Collection[int]) -> int:
    """How many old rows a table has."""
    return sum(map(len, batches(name, cleaning, kept)))


@transaction.atomic
def delete(name: str, ids: Sequence[Any], cleaning: Cleaning) -> int:
    """Copy one batch of rows and what hangs on them, unless no copies are kept, and delete them; how many rows."""
    rule = RULES[name]
    if cleaning.stamp is not None:
        for model, path in rule.within:
            _copy(model, model._default_manager.filter(**{f"{path}__in": ids}), cleaning.stamp)
        _copy(rule.model, rule.model._default_manager.filter(pk__in=ids), cleaning.stamp)
    if rule.model is DagRun:
        dag_runs.delete_rows(Q(pk__in=ids))
        return len(ids)
    for model, path in rule.within:
        model._default_manager.filter(**{f"{path}__in": ids})._raw_delete(using=connection.alias)
    rule.model._default_manager.filter(pk__in=ids).delete()
    return len(ids)


def _copy(model: type[Model], rows: QuerySet[Any], stamp: str) -> None:
    """Append the rows to the table's copy, made when it is missing."""
    source = model._meta.db_table
    target = f"{ARCHIVE_PREFIX}{_name(model)}__{stamp}"
    quote = connection.ops.quote_name
    ids = list(rows.values_list("pk", flat=True))
    if not ids:
        return
    key = model._meta.pk.column or "id"
    with connection.cursor() as cursor:
        # The names are this program's own; the keys are parameters.
        cursor.execute(f"CREATE TABLE IF NOT EXISTS {quote(target)} AS SELECT * FROM {quote(source)} WHERE 1 = 0")  # noqa: S608
        for start in range(0, len(ids), 1000):
            part = ids[start : start + 1000]
            marks = ", ".join(["%s"] * len(part))
            cursor.execute(
                f"INSERT INTO {quote(target)} SELECT * FROM {quote(source)} WHERE {quote(key)} IN ({marks})",  # noqa: S608
                part,
            )


def _name(model: type[Model]) -> str:
    """The table's name in the reference."""
    named = {rule.model: name for name, rule in RULES.items()}
    return named.get(model, "rendered_task_instance_fields")


def archives(names: Sequence[str] | None = None) -> list[str]:
    """The tables that hold copies, of all tables or of those of the names given."""
    wanted = None if names is None else set(chosen(names))
    found = [table for table in connection.introspection.table_names() if table.startswith(ARCHIVE_PREFIX)]
    return sorted(
        table for table in found if wanted is None or table.removeprefix(ARCHIVE_PREFIX).rpartition("__")[0] in wanted
    )


def archived_rows(table: str) -> Iterator[Sequence[Any]]:
    """The columns' names, then each row, of a table of copies; in constant memory."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 one of ``archives``
        yield [column[0] for column in cursor.description]
        while rows := cursor.fetchmany(1000):
            yield from rows


def drop_archive(table: str) -> None:
    """Drop a table of copies."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(table)}")
