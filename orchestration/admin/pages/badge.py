"""A DAG's state as a small picture and as JSON, for a wall or another page of the same site."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone

from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Data, Page
from orchestration.admin.pages.dag import OfDag
from orchestration.admin.queries.schedule import lateness
from orchestration.models import DagRun

#: Width of a letter in the picture, in pixels.
_LETTER: Final = 6.6
_COLOURS: Final = {
    "success": "#1a7f37",
    "failed": "#c62828",
    "running": "#3f7d00",
    "queued": "#5b6270",
    "late": "#9a6700",
    "overdue": "#c62828",
    "paused": "#5b6270",
    "never ran": "#5b6270",
}


class OfBadge(OfDag):
    """What a badge says."""

    pairs = BY_ID["get_dag_runs"].pairs

    def told(self) -> dict[str, Any]:
        """``dag_id``, ``state`` (overdue and late before the last run's), ``run_id``, ``ended``; two queries."""
        runs = DagRun.objects.filter(dag=self.dag).order_by("-logical_date")
        last = runs.values("run_id", "state", "end_date").first()
        state = "paused" if self.dag.is_paused else lateness(self.dag, timezone.now())
        return {
            "dag_id": self.dag.dag_id,
            "state": state or (last["state"] if last else "never ran"),
            "run_id": last["run_id"] if last else None,
            "last_state": last["state"] if last else None,
            "ended": last["end_date"] if last else None,
        }


class BadgeData(Data, OfBadge):
    """The badge as JSON."""

    pairs = OfBadge.pairs

    def data(self) -> Any:
        """As ``told``."""
        return self.told()


class BadgePicture(OfBadge):
    """The badge as SVG."""

    def get(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        """The picture; names are text in it and never markup."""
        said = self.told()
        name, state = said["dag_id"][:60], said["state"]
        left, right = round(len(name) * _LETTER) + 14, round(len(state) * _LETTER) + 14
        values = {"name": name, "state": state, "left": left, "right": right, "width": left + right}
        picture = render_to_string(
            "desk/badge.svg",
            {**values, "name_x": left / 2, "state_x": left + right / 2, "colour": _COLOURS.get(state, "#5b6270")},
        )
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HttpResponse(picture, content_type="image/svg+xml", headers={"Content-Security-Policy": policy})


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("dags/<str:dag_id>/badge.svg", "desk_badge", BadgePicture),
    ("dags/<str:dag_id>/badge.json", "desk_badge_data", BadgeData),
)
