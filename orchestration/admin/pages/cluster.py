"""Cluster activity: health, pools and what runs now, and runs and task instances of a chosen period."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, Pair, is_allowed
from orchestration.admin.pages.base import Page
from orchestration.admin.queries import cluster as read
from orchestration.admin.queries import home
from orchestration.admin.queries.grid import parse_moment

#: The chart's height, and the width of one bar with its gap.
_HEIGHT = 64
_STEP = 20


class ClusterPage(Page):
    """The page; parts that the caller may not read are left out.

    ``?period=`` is a name of ``read.PERIODS``; ``?start=`` and ``?end=`` are ISO 8601, UTC where no zone is given.
    """

    pairs = (Pair(READ, p.CLUSTER_ACTIVITY),)
    template_name = "desk/cluster.html"
    title = "Cluster activity"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Fourteen queries at most."""
        user, now = self.request.user, timezone.now()
        given = self.request.GET
        start, end = parse_moment(given.get("start", "")), parse_moment(given.get("end", ""))
        period = read.Period.of(given.get("period", ""), start, end, now)
        shows_runs = is_allowed(user, READ, p.DAG_RUNS)
        shows_tasks = is_allowed(user, READ, p.TASK_INSTANCES)
        bars = _drawn(read.ended(user, period)) if shows_runs else []
        instances, is_cut = read.instance_states(user, period) if shows_tasks else ([], False)
        return super().get_context_data(
            period=period,
            periods=[(name, title) for name, title, _ in read.PERIODS],
            processes=home.processes(now),
            jobs=read.jobs(now) if is_allowed(user, READ, p.JOBS) else [],
            pools=home.pools() if is_allowed(user, READ, p.POOLS) else [],
            shows_runs=shows_runs,
            shows_tasks=shows_tasks,
            runs=_shares(read.run_states(user, period)) if shows_runs else [],
            types=_shares(read.run_types(user, period)) if shows_runs else [],
            instances=_shares(instances),
            is_cut=is_cut,
            most=read.MOST_INSTANCES,
            bars=bars,
            width=len(bars) * _STEP or _STEP,
            failing=read.failing(user, period) if shows_runs else [],
            running=read.running_runs(user) if shows_runs else [],
            tasks=read.running_tasks(user) if shows_tasks else [],
            now=now,
            **kwargs,
        )


def _shares(counts: list[tuple[str, int]]) -> list[dict[str, Any]]:
    whole = sum(number for _, number in counts)
    return [{"name": name, "number": number, "share": round(100 * number / whole, 1)} for name, number in counts]


def _drawn(bars: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bars with their places in the chart."""
    most = max((bar["success"] + bar["failed"] for bar in bars), default=0) or 1
    for number, bar in enumerate(bars):
        failed, success = _HEIGHT * bar["failed"] / most, _HEIGHT * bar["success"] / most
        bar.update(
            x=number * _STEP,
            failed_y=_HEIGHT - failed,
            failed_height=failed,
            success_y=_HEIGHT - failed - success,
            success_height=success,
        )
    return bars


PAGES: tuple[tuple[str, str, type[Page]], ...] = (("cluster/", "desk_cluster", ClusterPage),)
