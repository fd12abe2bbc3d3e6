"""What the tabs of a DAG's page fetch: grid, graph, gantt, calendar and durations as JSON."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from orchestration.admin.pages.base import Data, Page
from orchestration.admin.pages.dag import READ_RUNS, READ_TASKS, OfDag
from orchestration.admin.queries import charts, graph, grid
from orchestration.errors import NotFound
from orchestration.models import DagRun, versions


class GridData(Data, OfDag):
    """The grid: runs, tasks, cells."""

    pairs = READ_TASKS

    def data(self) -> Any:
        """Four queries, whatever the number of runs and tasks."""
        runs = grid.runs(self.dag.dag_id, grid.Window.of(self.request.GET))
        pks = [run["pk"] for run in runs]
        mapped = self.request.GET.get("mapped")
        if mapped:
            return {"runs": runs, "indexes": grid.mapped_cells(pks, mapped)}
        cells = grid.cells(pks)
        return {"runs": runs, "tree": grid.tree(self.shape, set(cells)), "cells": cells}


class GraphData(Data, OfDag):
    """The graph with the states of one run (``run_id``; the newest without it), in the shape that the run has."""

    pairs = READ_TASKS

    def data(self) -> Any:
        """Four queries."""
        runs = DagRun.objects.filter(dag=self.dag).select_related("dag_version").defer("dag_version__document")
        run_id = self.request.GET.get("run_id")
        run = (runs.filter(run_id=run_id) if run_id else runs.order_by("-logical_date")).first()
        if run_id and run is None:
            raise NotFound(f"DAG {self.dag.dag_id!r} has no run {run_id!r}.")
        shape = self.shape
        if run is not None and run.dag_version is not None and run.dag_version_id != self.dag.current_version_id:
            version = run.dag_version
            shape = versions.load({version.pk: version.updated_at}).get(version.pk, shape)
        if shape is None:
            raise NotFound(f"DAG {self.dag.dag_id!r} was never parsed well. Look at its import error.")
        return {
            **graph.nodes_and_edges(shape),
            "run": None if run is None else {"run_id": run.run_id, "state": run.state},
            "cells": {} if run is None else {t: c[run.pk] for t, c in grid.cells([run.pk]).items()},
        }


class GanttData(Data, OfDag):
    """The instances of one run with their times, and with those of their earlier tries."""

    pairs = READ_TASKS

    def data(self) -> Any:
        """Four queries."""
        runs = DagRun.objects.filter(dag=self.dag)
        run_id = self.request.GET.get("run_id")
        run = (runs.filter(run_id=run_id) if run_id else runs.order_by("-logical_date")).first()
        if run is None:
            return {"run": None, "bars": []}
        about = {
            "run_id": run.run_id,
            "state": run.state,
            "queued_at": run.queued_at,
            "start_date": run.start_date,
            "end_date": run.end_date,
        }
        return {"run": about, "bars": charts.bars(run.pk)}


class CalendarData(Data, OfDag):
    """A year's days."""

    pairs = READ_RUNS

    def data(self) -> Any:
        """Two queries."""
        asked = self.request.GET.get("year", "")
        year = int(asked) if asked.isascii() and asked.isdigit() and 1 <= int(asked[:5]) < 9999 else timezone.now().year
        return {"year": year, "days": charts.calendar(self.dag.dag_id, year)}


class DurationsData(Data, OfDag):
    """A measure of runs and of their tasks: how long, how late, how many tries, how long they waited."""

    pairs = READ_TASKS

    def data(self) -> Any:
        """Three queries."""
        window = grid.Window.of(self.request.GET)
        asked = self.request.GET.get("measure", "")
        measure = asked if asked in charts.MEASURES else "duration"
        runs = grid.runs(self.dag.dag_id, window)
        return {"measure": measure, "runs": runs, **charts.measured(measure, runs)}


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("dags/<str:dag_id>/grid.json", "desk_grid", GridData),
    ("dags/<str:dag_id>/graph.json", "desk_graph", GraphData),
    ("dags/<str:dag_id>/gantt.json", "desk_gantt", GanttData),
    ("dags/<str:dag_id>/calendar.json", "desk_calendar", CalendarData),
    ("dags/<str:dag_id>/durations.json", "desk_durations", DurationsData),
)
