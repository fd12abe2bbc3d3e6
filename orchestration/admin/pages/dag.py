"""A DAG's page: its tabs and their data."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

import orjson
from django.urls import reverse
from django.utils import timezone

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, Pair, meets
from orchestration.access.requirements import BY_ID
from orchestration.admin import text
from orchestration.admin.pages.base import Page
from orchestration.admin.queries import charts, events, grid, schedule
from orchestration.admin.queries.common import readable, schedule_words
from orchestration.errors import NotFound
from orchestration.models import Dag, DagRun, DagVersion, versions
from orchestration.serialization.values import SerializedDag
from orchestration.states import DagRunState, DagRunType

_READ_DAG = BY_ID["get_dag"].pairs
READ_RUNS = BY_ID["get_dag_runs"].pairs
READ_TASKS = BY_ID["get_task_instances"].pairs
_READ_CODE = (Pair(READ, p.DAG_CODE), *_READ_DAG)
READ_AUDIT = (Pair(READ, p.AUDIT_LOGS), *_READ_DAG)
#: Tab, title, key, pairs.
TABS = (
    ("grid", "Grid", "g", READ_TASKS),
    ("graph", "Graph", "r", READ_TASKS),
    ("gantt", "Gantt", "", READ_TASKS),
    ("calendar", "Calendar", "", READ_RUNS),
    ("durations", "Durations", "", READ_TASKS),
    ("runs", "Runs", "", READ_RUNS),
    ("code", "Code", "c", _READ_CODE),
    ("details", "Details", "", _READ_DAG),
    ("docs", "Docs", "", _READ_DAG),
    ("audit", "Audit log", "", READ_AUDIT),
)


class OfDag(Page):
    """A page of one DAG. Raises NotFound (404) for a DAG that is not there."""

    pairs = _READ_DAG

    @cached_property
    def dag(self) -> Dag:
        """The DAG of the address; one query."""
        found = Dag.objects.select_related("current_version").defer("current_version__document")
        dag = found.filter(pk=self.kwargs["dag_id"]).first()
        if dag is None:
            raise NotFound(f"There is no DAG {self.kwargs['dag_id']!r}.")
        return dag

    @cached_property
    def shape(self) -> SerializedDag | None:
        """The DAG as its file defines it; None where it was never parsed well."""
        if self.dag.current_version is None:
            return None
        return versions.load({self.dag.current_version.pk: self.dag.current_version.updated_at}).get(
            self.dag.current_version.pk
        )

    def crumbs(self) -> list[tuple[str, str]]:
        """The list of DAGs; pages below the DAG's own add it."""
        return [("DAGs", reverse("admin:desk_dags"))]

    def crumbs_below(self) -> list[tuple[str, str]]:
        """The way to the DAG itself."""
        name = self.dag.dag_display_name or self.dag.dag_id
        return [*OfDag.crumbs(self), (name, reverse("admin:desk_dag", args=(self.dag.dag_id,)))]

    def allows(self, operation: str) -> bool:
        """Whether the caller may do an operation of the API on this DAG."""
        return BY_ID[operation].allows(self.request.user, self.kwargs["dag_id"])


class DagTab(OfDag):
    """A tab. Subclasses set ``tab``; their template is ``desk/dag/<tab>.html``."""

    tab: ClassVar[str]

    def get_template_names(self) -> list[str]:
        """By the tab's name."""
        return [f"desk/dag/{self.tab}.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The DAG's head and tabs, with the tab's own."""
        dag, user = self.dag, self.request.user
        return super().get_context_data(
            dag=dag,
            tab=self.tab,
            tabs=[
                (name, title, key, reverse("admin:desk_dag_tab", args=(dag.dag_id, name)))
                for name, title, key, pairs in TABS
                if meets(user, pairs, dag_id=dag.dag_id)
            ],
            schedule=schedule_words(dag.timetable_summary, dag.timetable_description),
            lateness=schedule.lateness(dag, timezone.now()),
            can_edit=self.allows("patch_dag"),
            can_trigger=self.allows("post_dag_run"),
            can_delete=self.allows("delete_dag"),
            **{"title": dag.dag_display_name or dag.dag_id, **self.more(), **kwargs},
        )

    def more(self) -> dict[str, Any]:
        """The tab's own context."""
        return {}


class GridTab(DagTab):
    """Runs beside tasks."""

    tab = "grid"
    pairs = READ_TASKS

    def more(self) -> dict[str, Any]:
        """The filters; the rest is fetched."""
        return {
            "window": grid.Window.of(self.request.GET),
            "sizes": grid.SIZES,
            "run_types": [str(kind) for kind in DagRunType],
            "states": [str(state) for state in DagRunState],
        }


class GraphTab(DagTab):
    """Tasks and what follows what."""

    tab = "graph"
    pairs = READ_TASKS

    def more(self) -> dict[str, Any]:
        """The runs to choose from, newest first."""
        runs = DagRun.objects.filter(dag=self.dag).order_by("-logical_date").values("run_id", "state")
        return {"runs": list(runs[:50]), "chosen": self.request.GET.get("run_id", "")}


class GanttTab(GraphTab):
    """When the tasks of a run waited and ran."""

    tab = "gantt"


class CalendarTab(DagTab):
    """Each day's runs, a year at a time."""

    tab = "calendar"
    pairs = READ_RUNS

    def more(self) -> dict[str, Any]:
        """The years that have runs, and the chosen one."""
        ends = charts.years(self.dag.dag_id)
        listed = list(range(ends[0], ends[1] + 1)) if ends else [timezone.now().year]
        asked = self.request.GET.get("year", "")
        year = int(asked) if asked in {str(each) for each in listed} else listed[-1]
        return {"years": listed[-50:], "year": year}


class DurationsTab(DagTab):
    """How long runs and tasks took, how late they were, how long they waited, and how often they were tried."""

    tab = "durations"
    pairs = READ_TASKS

    def more(self) -> dict[str, Any]:
        """The window and the measures."""
        query = self.request.GET.copy()
        asked = query.pop("measure", [""])[0]
        return {
            "window": grid.Window.of(self.request.GET),
            "sizes": grid.SIZES,
            "measure": asked if asked in charts.MEASURES else "duration",
            "measures": [
                (name, title, f"?{urlencode({**query.dict(), 'measure': name})}")
                for name, title in charts.MEASURES.items()
            ],
        }


class RunsTab(DagTab):
    """The DAG's runs as a table."""

    tab = "runs"
    pairs = READ_RUNS

    def more(self) -> dict[str, Any]:
        """The window's runs, newest first."""
        window = grid.Window.of({"size": "50", **self.request.GET.dict()})
        return {
            "window": window,
            "bulk_query": urlencode(_as_filters(self.dag.dag_id, window)),
            "runs": grid.runs(self.dag.dag_id, window)[::-1],
            "sizes": grid.SIZES,
            "run_types": [str(kind) for kind in DagRunType],
            "states": [str(state) for state in DagRunState],
        }


def _as_filters(dag_id: str, window: grid.Window) -> dict[str, str]:
    """The window as the list of runs filters; all of them, not only the first ``size``."""
    found = {"dag__exact": dag_id}
    if window.run_type:
        found["run_type__in"] = window.run_type
    if window.state:
        found["state__in"] = window.state
    if window.base is not None:
        found["logical_date__lte"] = window.base.isoformat()
    return found


class CodeTab(DagTab):
    """The file's text at any version."""

    tab = "code"
    pairs = _READ_CODE

    def more(self) -> dict[str, Any]:
        """The text of the chosen version, where all DAGs of its file may be read."""
        hidden = Dag.objects.filter(fileloc=self.dag.fileloc)
        if hidden.exclude(pk__in=readable(hidden, self.request.user).values("pk")).exists():
            return {"refused": "This file defines DAGs that you may not read, so its text is not shown.", "listed": []}
        found = DagVersion.objects.filter(dag=self.dag).order_by("-number").values("number", "created_at", "source_id")
        listed = list(found[:100])
        asked = self.request.GET.get("version", "")
        chosen = next((each for each in listed if str(each["number"]) == asked), None)
        source = None
        if chosen is not None:
            version = DagVersion.objects.select_related("source").defer("document")
            source = version.get(dag=self.dag, number=chosen["number"]).source
        elif self.dag.source_id is not None:
            source = self.dag.source
        written = source.text if source is not None else ""
        return {
            "listed": listed,
            "chosen": chosen["number"] if chosen else None,
            "source": written,
            "coloured": text.python(written),
        }


class DetailsTab(DagTab):
    """The DAG's settings."""

    tab = "details"

    def more(self) -> dict[str, Any]:
        """Settings in the order they are shown, and params."""
        dag, shape = self.dag, self.shape
        facts: list[tuple[str, Any]] = [
            ("DAG id", dag.dag_id),
            ("Description", dag.description),
            ("Schedule", dag.timetable_summary),
            ("In words", dag.timetable_description),
            ("Next run", dag.next_dagrun_create_after),
            ("Owners", dag.owners),
            ("File", dag.fileloc),
            ("Last parsed", dag.last_parsed_at),
            ("Max active runs", dag.max_active_runs),
            ("Max active tasks", dag.max_active_tasks),
        ]
        if shape is not None:
            facts += [
                ("Time zone", shape.timezone),
                ("Start date", shape.start_date),
                ("End date", shape.end_date),
                ("Catch up", "yes" if shape.catchup else "no"),
                ("Run timeout (seconds)", shape.dagrun_timeout_seconds),
                ("Pauses after failed runs", shape.max_consecutive_failed_dag_runs or None),
                ("Tags", ", ".join(shape.tags)),
                ("Tasks", len(shape.tasks)),
                ("Groups", len(shape.groups) - 1),
            ]
        params = [
            (name, "***" if stored.get("is_masked") else orjson.dumps(stored.get("value")).decode(), stored)
            for name, stored in (shape.params if shape is not None else {}).items()
        ]
        tasks = list(shape.tasks.values()) if shape is not None else []
        return {
            "facts": facts,
            "params": params,
            "tasks": tasks[:500],
            "upcoming": schedule.upcoming(dag, shape) if shape is not None else [],
            "shows_badge": self.allows("get_dag_runs"),
        }


class DocsTab(DagTab):
    """What the authors wrote about the DAG and its tasks."""

    tab = "docs"

    def more(self) -> dict[str, Any]:
        """Markdown made safe."""
        shape = self.shape
        if shape is None:
            return {"doc": None, "tasks": []}
        tasks = [
            (task.task_id, text.from_markdown(task.doc_md) if task.doc_md else None, written)
            for task in shape.tasks.values()
            if (written := task.doc or task.doc_rst or task.doc_json or task.doc_yaml) or task.doc_md
        ]
        return {"doc": text.from_markdown(shape.doc_md) if shape.doc_md else None, "tasks": tasks}


class AuditTab(DagTab):
    """Who did what to the DAG, its runs and tasks."""

    tab = "audit"
    pairs = READ_AUDIT

    def more(self) -> dict[str, Any]:
        """A page of the log, newest first; one query."""
        who, before = self.request.GET.get("who", "").strip()[:250], self.request.GET.get("before", "")
        people = "people" in self.request.GET
        rows = events.of_dag(self.dag.dag_id)
        if who:
            rows = rows.filter(owner=who)
        if people:
            rows = events.of_people(rows)
        if before.isascii() and before.isdigit() and len(before) < 19:
            rows = rows.filter(pk__lt=int(before))
        found = events.of(rows, events.PAGE_SIZE + 1)
        kept = {"who": who, **({"people": "on"} if people else {})}
        has_more = len(found) > events.PAGE_SIZE
        return {
            "events": found[: events.PAGE_SIZE],
            "who": who,
            "people": people,
            "before": urlencode({**kept, "before": found[events.PAGE_SIZE - 1].pk}) if has_more else None,
        }


class DagPage(GridTab):
    """The address without a tab: the grid, or what the caller may see."""

    pairs = _READ_DAG

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """The grid where it may be seen, else the details."""
        if meets(request.user, READ_TASKS, dag_id=kwargs["dag_id"]):
            return super().get(request, *args, **kwargs)
        assert self.site is not None
        return DetailsTab.as_view(site=self.site)(request, *args, **kwargs)


#: One address for all tabs, so that templates can name it.
TAB_PAGES: dict[str, type[DagTab]] = {
    page.tab: page
    for page in (
        GridTab,
        GraphTab,
        GanttTab,
        CalendarTab,
        DurationsTab,
        RunsTab,
        CodeTab,
        DetailsTab,
        DocsTab,
        AuditTab,
    )
}


class AnyTab(Page):
    """``dags/<dag_id>/view/<tab>/``: the tab's page, with its own permissions."""

    pairs = _READ_DAG

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """The tab. Raises NotFound (404) for one that is not there."""
        assert self.site is not None
        tab = kwargs.pop("tab")
        page = TAB_PAGES.get(tab)
        if page is None:
            raise NotFound(f"A DAG's page has no tab {tab!r}.")
        return page.as_view(site=self.site)(request, *args, **kwargs)


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("dags/<str:dag_id>/", "desk_dag", DagPage),
    ("dags/<str:dag_id>/view/<str:tab>/", "desk_dag_tab", AnyTab),
)
