"""All runs side by side over time: what ran when, of every DAG that the caller may read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.utils import timezone

from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Data, Page
from orchestration.admin.queries import charts
from orchestration.admin.queries.grid import parse_moment

#: Hours that one page shows.
SPANS: Final = (1, 3, 6, 12, 24)


class OfTimeline(Page):
    """``hours`` and ``until`` in the address' query."""

    pairs = BY_ID["get_dag_runs"].pairs
    is_dag_list = True

    def span(self) -> tuple[int, datetime | None]:
        """Hours, and the last moment (None: now)."""
        asked = self.request.GET.get("hours", "")
        hours = int(asked) if asked in {str(known) for known in SPANS} else 3
        return hours, parse_moment(self.request.GET.get("until", ""))


class TimelinePage(OfTimeline):
    """The page; its data are fetched."""

    template_name = "desk/timeline.html"
    title = "Timeline"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """No query of its own."""
        hours, until = self.span()
        return super().get_context_data(hours=hours, until=until, spans=SPANS, **kwargs)


class TimelineData(Data, OfTimeline):
    """The runs that were at work."""

    pairs = OfTimeline.pairs
    is_dag_list = True

    def data(self) -> Any:
        """``since``, ``until`` (null: now), ``dags``; two queries."""
        hours, until = self.span()
        end = until or timezone.now()
        since = end - timedelta(hours=hours)
        shown = charts.timeline(self.request.user, since, end)
        return {"hours": hours, "until": until, "dags": shown, "is_cut": _number(shown) >= charts.MOST_RUNS}


def _number(dags: dict[str, list[dict[str, Any]]]) -> int:
    return sum(len(runs) for runs in dags.values())


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("timeline/", "desk_timeline", TimelinePage),
    ("timeline.json", "desk_timeline_data", TimelineData),
)
