"""Datasets: who writes and who waits for them, their events, and both as a graph."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery

from orchestration.access.permissions import Caller
from orchestration.admin.queries.common import readable
from orchestration.models import (
    Dag,
    DagDatasetReference,
    DagRun,
    Dataset,
    DatasetEvent,
    DatasetQueuedEvent,
    TaskOutletReference,
)
from orchestration.services import datasets

#: Datasets and events on one page; nodes of one graph.
PAGE_SIZE: Final = 50
MOST_IN_GRAPH: Final = 300
#: How far the lineage of a dataset is followed, and how far it can be.
DEFAULT_HOPS: Final = 3
MOST_HOPS: Final = 10
#: How far back events are counted.
WINDOW: Final = timedelta(days=7)


def page(user: Caller, now: datetime, *, search: str, number: int) -> tuple[list[dict[str, Any]], bool]:
    """One page of the visible datasets by URI, and whether there are more; four queries.

    Each: id, uri, is_orphaned, last (its newest event's moment or None), recent (events in ``WINDOW``), producers
    (DAG and task ids) and consumers (DAG ids), of readable DAGs.
    """
    rows = datasets.visible(user).order_by("is_orphaned", "uri")
    if search:
        rows = rows.filter(uri__icontains=search)
    last = DatasetEvent.objects.filter(dataset=OuterRef("pk")).order_by("-timestamp").values("timestamp")[:1]
    start = (number - 1) * PAGE_SIZE
    columns = rows.annotate(last=Subquery(last)).values("id", "uri", "is_orphaned", "last")
    found = list(columns[start : start + PAGE_SIZE + 1])
    ids = [row["id"] for row in found[:PAGE_SIZE]]
    writes, waits, recent = producers(user, ids), consumers(user, ids), _recent(user, ids, now)
    shown = [
        {**row, "producers": writes[pk], "consumers": waits[pk], "recent": recent.get(pk, 0)}
        for pk, row in zip(ids, found, strict=False)
    ]
    return shown, len(found) > PAGE_SIZE


def _recent(user: Caller, ids: Iterable[int], now: datetime) -> dict[int, int]:
    events = datasets.visible_events(user).order_by().filter(dataset__in=list(ids), timestamp__gte=now - WINDOW)
    return dict(events.values_list("dataset").annotate(n=Count("pk")))


def producers(user: Caller, ids: Iterable[int]) -> dict[int, list[tuple[str, str]]]:
    """(DAG, task) of readable DAGs that write each dataset; one query."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    rows = readable(TaskOutletReference.objects.filter(dataset__in=list(ids), dag__is_active=True), user)
    for pk, dag_id, task_id in rows.order_by("dag_id", "task_id").values_list("dataset_id", "dag_id", "task_id"):
        found[pk].append((dag_id, task_id))
    return found


def consumers(user: Caller, ids: Iterable[int]) -> dict[int, list[str]]:
    """Readable DAGs that wait for each dataset; one query."""
    found: dict[int, list[str]] = defaultdict(list)
    rows = readable(DagDatasetReference.objects.filter(dataset__in=list(ids), dag__is_active=True), user)
    for pk, dag_id in rows.order_by("dag_id").values_list("dataset_id", "dag_id"):
        found[pk].append(dag_id)
    return found


def waiting(user: Caller, dag_ids: Sequence[str], dataset: Dataset) -> list[dict[str, Any]]:
    """How far each DAG's next run is: ``ready`` of ``of`` datasets, this one ``since``; three queries."""
    of = dict(
        DagDatasetReference.objects.filter(dag__in=dag_ids).order_by().values_list("dag_id").annotate(n=Count("pk"))
    )
    ready: dict[str, int] = defaultdict(int)
    since: dict[str, datetime] = {}
    for dag_id, pk, created_at in DatasetQueuedEvent.objects.filter(dag__in=dag_ids).values_list(
        "dag_id", "dataset_id", "created_at"
    ):
        ready[dag_id] += 1
        if pk == dataset.pk:
            since[dag_id] = created_at
    paused = dict(Dag.objects.filter(pk__in=dag_ids).values_list("pk", "is_paused"))
    return [
        {
            "dag_id": dag_id,
            "of": of.get(dag_id, 0),
            "ready": ready[dag_id],
            "since": since.get(dag_id),
            "is_paused": paused.get(dag_id, False),
        }
        for dag_id in dag_ids
    ]


def events(user: Caller, *, dataset: Dataset | None, number: int, search: str = "") -> tuple[list[DatasetEvent], bool]:
    """One page of the visible events, newest first, with the readable runs that they started; two queries."""
    rows: QuerySet[DatasetEvent] = datasets.visible_events(user).select_related("dataset")
    if dataset is not None:
        rows = rows.filter(dataset=dataset)
    elif search:
        rows = rows.filter(dataset__in=Dataset.objects.filter(uri__icontains=search).values("pk"))
    runs = readable(DagRun.objects.order_by("dag_id", "id").only("id", "dag_id", "run_id", "state"), user)
    start = (number - 1) * PAGE_SIZE
    ordered = rows.prefetch_related(Prefetch("created_dag_runs", queryset=runs)).order_by("-timestamp", "-id")
    found = list(ordered[start : start + PAGE_SIZE + 1])
    return found[:PAGE_SIZE], len(found) > PAGE_SIZE


def graph(user: Caller, *, search: str = "", dataset_id: int | None = None, hops: int = DEFAULT_HOPS) -> dict[str, Any]:
    """``nodes`` (id, label, kind: dag or dataset, url filled in by the page) and ``edges``; five queries at most.

    ``dataset_id``: that dataset's lineage only, over so many ``hops``. ``is_cut`` says that some were left out.
    """
    rows = datasets.visible(user).order_by("uri")
    only: frozenset[str] | None = None
    if dataset_id is not None:
        around, only = lineage(user, dataset_id, hops)
        rows = rows.filter(pk__in=around)
    elif search:
        rows = rows.filter(uri__icontains=search)
    else:
        rows = rows.filter(is_orphaned=False)
    found = dict(rows.values_list("pk", "uri")[: MOST_IN_GRAPH + 1])
    ids = list(found)[:MOST_IN_GRAPH]
    nodes = {f"dataset:{pk}": {"id": f"dataset:{pk}", "label": found[pk], "kind": "dataset", "key": pk} for pk in ids}
    edges: dict[tuple[str, str], dict[str, str]] = {}

    def dag(dag_id: str) -> str:
        nodes.setdefault(f"dag:{dag_id}", {"id": f"dag:{dag_id}", "label": dag_id, "kind": "dag", "key": dag_id})
        return f"dag:{dag_id}"

    for pk, writers in producers(user, ids).items():
        for dag_id, task_id in writers:
            if only is None or dag_id in only:
                link = (dag(dag_id), f"dataset:{pk}")
                before = edges.get(link)
                label = task_id if before is None else f"{before['label']}, {task_id}"
                edges[link] = {"source": link[0], "target": link[1], "label": label}
    for pk, readers in consumers(user, ids).items():
        for dag_id in readers:
            if only is None or dag_id in only:
                link = (f"dataset:{pk}", dag(dag_id))
                edges[link] = {"source": link[0], "target": link[1], "label": ""}
    return {"nodes": list(nodes.values()), "edges": list(edges.values()), "is_cut": len(found) > len(ids)}


def lineage(user: Caller, dataset_id: int, hops: int) -> tuple[frozenset[int], frozenset[str]]:
    """What the dataset comes from and what is made of it: datasets and readable DAGs; two queries.

    One hop is from a dataset over the DAGs that write it to what those wait for, and likewise the other way; the
    nearest datasets come first into what is kept where there are many.
    """
    writes = readable(TaskOutletReference.objects.filter(dag__is_active=True), user)
    waits = readable(DagDatasetReference.objects.filter(dag__is_active=True), user)
    written = set(writes.order_by().values_list("dag_id", "dataset_id"))
    awaited = set(waits.order_by().values_list("dag_id", "dataset_id"))
    ids, dags = {dataset_id}, set[str]()
    for near, far in ((written, awaited), (awaited, written)):
        dags_of: dict[int, set[str]] = defaultdict(set)
        datasets_of: dict[str, set[int]] = defaultdict(set)
        for dag_id, pk in near:
            dags_of[pk].add(dag_id)
        for dag_id, pk in far:
            datasets_of[dag_id].add(pk)
        reached = {dataset_id}
        edge = {dataset_id}
        for _hop in range(hops):
            passed = {dag_id for pk in edge for dag_id in dags_of[pk]}
            dags |= passed
            edge = {pk for dag_id in passed for pk in datasets_of[dag_id]} - reached
            reached |= edge
            if not edge or len(ids | reached) > MOST_IN_GRAPH:
                break
        ids |= reached
    return frozenset(ids), frozenset(dags)
