"""What operators do with DAGs: pause, unpause, delete, have a file parsed again."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet

from orchestration.errors import Conflict, NotFound
from orchestration.models import Dag, DagImportError, DagVersion, ParseRequest, TaskInstance, versions
from orchestration.models.next_runs import FIELDS, set_next_runs
from orchestration.models.wakeups import notify
from orchestration.services import audit, dag_runs
from orchestration.services.audit import Actor
from orchestration.states import TaskInstanceState

_HELD: Final = (TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING)


@transaction.atomic
def set_paused(dag_ids: Collection[str], is_paused: bool | None, *, actor: Actor) -> int:
    """Pause or unpause DAGs; how many there were. None is stored as it is and counts as unpaused.

    Runs of a paused DAG stay where they are: no task of theirs starts. The next run of an unpaused one is worked out
    now: without catchup it depends on the moment.
    """
    event = "patch_dag" if len(dag_ids) == 1 else "patch_dags"
    columns = {"dag_id": next(iter(dag_ids))} if len(dag_ids) == 1 else {}
    audit.record(event, actor=actor, extra={"is_paused": is_paused}, **columns)
    wanted = Dag.objects.filter(dag_id__in=dag_ids)
    starting = [] if is_paused else list(wanted.filter(is_paused=True, is_active=True))
    count = wanted.update(is_paused=is_paused)
    _renew_next_runs(starting)
    notify("scheduler")
    return count


def _renew_next_runs(rows: Collection[Dag]) -> None:
    """Store when these DAGs are due next; four queries, none for none."""
    if not rows:
        return
    ids = [row.current_version_id for row in rows if row.current_version_id is not None]
    dags = versions.load(dict(DagVersion.objects.filter(pk__in=ids).values_list("pk", "updated_at")))
    known = {row.pk: dags[row.current_version_id] for row in rows if row.current_version_id in dags}
    with contextlib.suppress(Exception):  # a timetable may raise anything: the scheduler shows what
        Dag.objects.bulk_update(set_next_runs(rows, known), FIELDS)


def pause(dag: Dag, *, actor: Actor) -> Dag:
    """Let no more runs be made, and no more tasks of runs start."""
    return _switch(dag, True, actor)


def unpause(dag: Dag, *, actor: Actor) -> Dag:
    """Let runs be made and tasks start again."""
    return _switch(dag, False, actor)


def _switch(dag: Dag, is_paused: bool, actor: Actor) -> Dag:
    if not set_paused([dag.dag_id], is_paused, actor=actor):
        raise NotFound(title=f"Dag with id: '{dag.dag_id}' not found")
    dag.is_paused = is_paused
    return dag


@transaction.atomic
def delete(dag: Dag, *, actor: Actor) -> int:
    """Delete a DAG with its sub-DAGs, runs and all that belongs to them; how many rows of DAGs and runs.

    The audit log is kept. While the file is there, its next parse makes the DAG again. Raises Conflict while one of
    its tasks runs.
    """
    audit.record("delete_dag", actor=actor, dag_id=dag.dag_id)
    # the rows' lock keeps the scheduler from making a run meanwhile
    dag_ids = _deletable(dag.dag_id, Dag.objects.select_for_update())
    count = dag_runs.delete_rows(Q(dag_id__in=dag_ids))
    DagImportError.objects.filter(filename=dag.fileloc).delete()
    Dag.objects.filter(dag_id__in=dag_ids).delete()
    notify("scheduler")
    return count + len(dag_ids)


def require_deletable(dag_id: str) -> None:
    """Raise what ``delete`` would: NotFound, Conflict."""
    _deletable(dag_id, Dag.objects.all())


def _deletable(dag_id: str, dags: QuerySet[Dag]) -> list[str]:
    """The DAG and its sub-DAGs. Raises NotFound where it is not there, Conflict while a task of theirs runs."""
    found = dags.filter(Q(dag_id=dag_id) | Q(is_subdag=True, dag_id__startswith=f"{dag_id}."))
    dag_ids = list(found.values_list("dag_id", flat=True))
    if dag_id not in dag_ids:
        raise NotFound(title=f"Dag with id: '{dag_id}' not found")
    if TaskInstance.objects.filter(dag_id__in=dag_ids, state__in=_HELD).exists():
        raise Conflict(
            f"Task instances of dag with id: '{dag_id}' are still running. Mark or clear them, or wait for them."
        )
    return dag_ids


@transaction.atomic
def reparse(fileloc: str, *, actor: Actor) -> ParseRequest:
    """Have a DAG file parsed before all others. Asking again before that happened changes nothing.

    Raises NotFound where no DAG comes from the file.
    """
    if not Dag.objects.filter(fileloc=fileloc).exists():
        raise NotFound(title="File not found")
    audit.record("reparse_dag_file", actor=actor, extra={"fileloc": fileloc})
    request, _ = ParseRequest.objects.get_or_create(fileloc=fileloc)
    notify("dag_processor")
    return request
