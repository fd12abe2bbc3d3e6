"""Home: how the system is, what runs and fails, and what to look at."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, WEBSITE, Pair, is_allowed
from orchestration.admin.pages.base import Page
from orchestration.admin.queries import home as read
from orchestration.admin.queries import schedule
from orchestration.states import DagRunState


class HomePage(Page):
    """The site's first page. What the caller may not see is left out."""

    pairs = (Pair(READ, WEBSITE),)
    template_name = "desk/home.html"
    title = "Home"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Everything of the page: at most thirteen queries."""
        user, now = self.request.user, timezone.now()
        asked = self.request.GET.get("hours", "")
        hours = int(asked) if asked in {str(known) for known in read.WINDOWS} else 24
        since = now - timedelta(hours=hours)
        shows_runs = is_allowed(user, READ, p.DAG_RUNS)
        bars = read.runs_over_time(user, since, now) if shows_runs else []
        most = max((bar["success"] + bar["failed"] for bar in bars), default=0) or 1
        for number, bar in enumerate(bars):
            failed, success = 60 * bar["failed"] / most, 60 * bar["success"] / most
            bar.update(
                x=number * 20,
                failed_y=64 - failed,
                failed_height=failed,
                success_y=64 - failed - success,
                success_height=success,
            )
        return super().get_context_data(
            processes=read.processes(now),
            dags=read.dag_counts(user),
            runs=read.run_counts(user, since) if shows_runs else dict.fromkeys(DagRunState, 0),
            shows_runs=shows_runs,
            tasks=read.task_counts(user) if is_allowed(user, READ, p.TASK_INSTANCES) else [],
            bars=bars,
            bars_width=len(bars) * 20 - 4,
            hours=hours,
            window=read.WINDOWS[hours],
            windows=read.WINDOWS,
            slowest=read.slowest(user, since) if shows_runs else [],
            late=schedule.late(user, now),
            pools=read.pools() if is_allowed(user, READ, p.POOLS) else [],
            problems=read.problems(user),
            **kwargs,
        )


PAGES: tuple[tuple[str, str, type[Page]], ...] = ()
