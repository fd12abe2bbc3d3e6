"""What the list of DAGs shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from orchestration.access import permissions as p
from orchestration.access.permissions import Caller, is_allowed
from orchestration.access.requirements import BY_ID
from orchestration.admin.queries.common import readable, recent_runs, schedule_words, seconds
from orchestration.admin.queries.schedule import lateness
from orchestration.models import Dag, DagRun, DagTag, TaskInstance
from orchestration.models.dag import owners_of
from orchestration.states import RUN_UNFINISHED, DagRunState

#: DAGs on a page: those that can be chosen, the first without a choice.
PAGE_SIZES: Final = (25, 50, 100)
#: Runs shown as bars beside each DAG.
RECENT: Final = 14
STATUSES: Final = ("all", "active", "paused", "running", "failed")
#: What the list can be sorted by.
ORDERS: Final = {"dag_id": "dag_id", "next": "next_dagrun_create_after", "owners": "owners"}


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the list is asked for."""

    status: str = "all"
    tags: tuple[str, ...] = ()
    owner: str = ""
    search: str = ""
    order: str = "dag_id"
    page: int = 1
    size: int = PAGE_SIZES[0]

    @classmethod
    def of(cls, query: Mapping[str, Any], tags: Sequence[str]) -> Filters:
        """From an address' query; what is unknown is left out."""
        status, order, page = query.get("status", "all"), query.get("order", "dag_id"), query.get("page", "1")
        size = query.get("size", "")
        return cls(
            status=status if status in STATUSES else "all",
            tags=tuple(tags),
            owner=query.get("owner", ""),
            search=query.get("search", "").strip(),
            order=order if order.lstrip("-") in ORDERS else "dag_id",
            page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
            size=int(size) if size in {str(known) for known in PAGE_SIZES} else PAGE_SIZES[0],
        )


def _matching(user: Caller, filters: Filters) -> QuerySet[Dag]:
    dags = readable(Dag.objects.active(), user)
    for tag in filters.tags:
        dags = dags.filter(Exists(DagTag.objects.filter(dag=OuterRef("pk"), name=tag)))
    if filters.owner:
        dags = dags.filter(owners__icontains=filters.owner)
    if filters.search:
        word = filters.search
        dags = dags.filter(
            Q(dag_id__icontains=word) | Q(dag_display_name__icontains=word) | Q(description__icontains=word)
        )
    return dags


_running = Exists(DagRun.objects.filter(dag=OuterRef("pk"), state__in=RUN_UNFINISHED))
_last_state = Subquery(DagRun.objects.filter(dag=OuterRef("pk")).order_by("-logical_date").values("state")[:1])


def counts(user: Caller, filters: Filters) -> dict[str, int]:
    """How many DAGs each status has under the other filters; one query."""
    found: dict[str, int] = (
        _matching(user, filters)
        .annotate(is_running=_running, last_state=_last_state)
        .aggregate(
            all=Count("pk"),
            active=Count("pk", filter=~Q(is_paused=True)),
            paused=Count("pk", filter=Q(is_paused=True)),
            running=Count("pk", filter=Q(is_running=True)),
            failed=Count("pk", filter=Q(last_state=DagRunState.FAILED)),
        )
    )
    return found


def page(user: Caller, filters: Filters) -> list[dict[str, Any]]:
    """One page of DAGs with tags, recent runs and the states of their tasks; four queries."""
    dags = _matching(user, filters)
    if filters.status == "active":
        dags = dags.exclude(is_paused=True)
    elif filters.status == "paused":
        dags = dags.filter(is_paused=True)
    elif filters.status == "running":
        dags = dags.filter(_running)
    elif filters.status == "failed":
        dags = dags.annotate(last_state=_last_state).filter(last_state=DagRunState.FAILED)
    sign, column = ("-" if filters.order.startswith("-") else ""), ORDERS[filters.order.lstrip("-")]
    start = (filters.page - 1) * filters.size
    chosen = list(dags.order_by(f"{sign}{column}", "dag_id")[start : start + filters.size])
    ids = [dag.dag_id for dag in chosen]
    tags: dict[str, list[str]] = defaultdict(list)
    for dag_id, name in DagTag.objects.filter(dag__in=ids).values_list("dag_id", "name").order_by("name"):
        tags[dag_id].append(name)
    activity, now = states(user, ids), timezone.now()
    return [
        {
            "dag": dag,
            "schedule": schedule_words(dag.timetable_summary, dag.timetable_description),
            "tags": tags[dag.dag_id],
            "owners": owners_of(dag.owners),
            "can_edit": BY_ID["patch_dag"].allows(user, dag.dag_id),
            "can_trigger": BY_ID["post_dag_run"].allows(user, dag.dag_id),
            "can_delete": BY_ID["delete_dag"].allows(user, dag.dag_id),
            "lateness": lateness(dag, now),
            **activity[dag.dag_id],
        }
        for dag in chosen
    ]


def states(user: Caller, dag_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By DAG: ``runs``, oldest first with ``height`` 15 to 100, ``last`` (a run), ``tasks`` (state, number).

    Two queries.
    """
    ids = list(dag_ids)
    runs = recent_runs(ids, RECENT) if is_allowed(user, p.READ, p.DAG_RUNS) else {}
    wanted = {
        run["pk"]: dag_id
        for dag_id, several in runs.items()
        for number, run in enumerate(several)
        if number == 0 or run["state"] in RUN_UNFINISHED
    }
    tasks: dict[str, list[tuple[str, int]]] = defaultdict(list)
    if wanted and is_allowed(user, p.READ, p.TASK_INSTANCES):
        rows = TaskInstance.objects.order_by("state").filter(run__in=list(wanted))
        for dag_id, state, number in rows.values_list("dag_id", "state").annotate(n=Count("pk")):
            tasks[dag_id].append((state, number))
    return {dag_id: {**_bars(runs.get(dag_id, [])), "tasks": tasks[dag_id]} for dag_id in ids}


def _bars(runs: list[dict[str, Any]]) -> dict[str, Any]:
    took = [seconds(run["start_date"], run["end_date"]) or 0.0 for run in runs]
    longest = max(took, default=0.0) or 1.0
    bars = [
        {**run, "seconds": length, "height": round(15 + 85 * length / longest)}
        for run, length in zip(runs, took, strict=True)
    ]
    return {"runs": bars[::-1], "last": runs[0] if runs else None}


def tags_in_use(user: Caller) -> list[str]:
    """The tags of the DAGs that the user may read, at most 200."""
    rows = readable(DagTag.objects.filter(dag__is_active=True), user)
    return list(rows.order_by("name").values_list("name", flat=True).distinct()[:200])


def owners_in_use(user: Caller) -> list[str]:
    """The owners of the DAGs that the user may read, at most 200."""
    rows = readable(Dag.objects.active(), user).order_by().values_list("owners", flat=True).distinct()[:1000]
    return sorted({name for text in rows for name in owners_of(text)})[:200]
