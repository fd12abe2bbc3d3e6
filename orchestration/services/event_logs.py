"""The audit log, as far as a caller may read it."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import QuerySet

from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.errors import Forbidden, NotFound
from orchestration.models import EventLog

T = TypeVar("T")


def visible(actor: Caller | None) -> QuerySet[EventLog]:
    """All rows for one who may read every DAG; for others those of the DAGs that they may read."""
    dag_ids = None if actor is None else permissions.readable_dag_ids(actor)
    return EventLog.objects.all() if dag_ids is None else EventLog.objects.filter(dag_id__in=dag_ids)


def require_dag(actor: Caller | None, dag_id: str) -> None:
    """Raise Forbidden unless the actor may read this DAG."""
    dag_ids = None if actor is None else permissions.readable_dag_ids(actor)
    if dag_ids is not None and dag_id not in dag_ids:
        raise Forbidden


def found(row: T | None) -> T:
    """The row; raises NotFound where there is none."""
    if row is None:
        raise NotFound(title="Event Log not found")
    return row
