"""What several pages read: which DAGs, and the words for schedules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Exists, Model, OuterRef, QuerySet

from orchestration.access.permissions import Caller, readable_dag_ids
from orchestration.models import Dag, DagRun

_M = TypeVar("_M", bound=Model)


def readable(rows: QuerySet[_M], user: Caller, path: str = "dag_id") -> QuerySet[_M]:
    """The rows of DAGs that the user may read."""
    dag_ids = readable_dag_ids(user)
    return rows if dag_ids is None else rows.filter(**{f"{path}__in": dag_ids})


def of_readable_files(rows: QuerySet[_M], user: Caller, path: str) -> QuerySet[_M]:
    """The rows of files all of whose DAGs the user may read; ``path`` names the file's column."""
    dag_ids = readable_dag_ids(user)
    if dag_ids is None:
        return rows
    here = Dag.objects.filter(fileloc=OuterRef(path))
    return rows.filter(Exists(here), ~Exists(here.exclude(dag_id__in=dag_ids)))


def schedule_words(summary: str | None, description: str | None) -> str:
    """A schedule as a person says it."""
    if description and description not in ("", summary):
        return description
    return summary or "None"


def recent_runs(dag_ids: Iterable[str], limit: int) -> dict[str, list[dict[str, Any]]]:
    """The last runs of each DAG by logical date, newest first: one statement, an index range for each DAG.

    Values: pk, run_id, state, run_type, logical_date, start_date, end_date.
    """
    names = list(dag_ids)
    if not names:
        return {}
    quote = connection.ops.quote_name
    columns = ("id", "dag_id", "run_id", "state", "run_type", "logical_date", "start_date", "end_date")
    listed = ", ".join(quote(name) for name in columns)
    # Only this program's own names are put into the text; ids are parameters.
    one = (
        f"SELECT * FROM (SELECT {listed} FROM {quote(DagRun._meta.db_table)} "  # noqa: S608
        f"WHERE {quote('dag_id')} = %s ORDER BY {quote('logical_date')} DESC LIMIT {int(limit)}) AS r"
    )
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for row in DagRun.objects.raw(" UNION ALL ".join([one] * len(names)), names):
        found[row.dag_id].append(
            {
                "pk": row.pk,
                "run_id": row.run_id,
                "state": row.state,
                "run_type": row.run_type,
                "logical_date": row.logical_date,
                "start_date": row.start_date,
                "end_date": row.end_date,
            }
        )
    for runs in found.values():
        runs.sort(key=lambda run: run["logical_date"], reverse=True)
    return found


def seconds(start: datetime | None, end: datetime | None) -> float | None:
    """From start to end."""
    return (end - start).total_seconds() if start is not None and end is not None else None
