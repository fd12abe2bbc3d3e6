"""A run's page, and what operators do with a run."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from django.db.models import Count
from django.urls import reverse
from django.utils import timezone

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, editable_dag_ids, is_allowed
from orchestration.access.requirements import BY_ID
from orchestration.admin import text
from orchestration.admin.pages.base import Data, Page, Verb
from orchestration.admin.pages.dag import OfDag
from orchestration.admin.queries import events, waits
from orchestration.admin.queries.common import seconds
from orchestration.errors import Forbidden, Invalid, NotFound
from orchestration.models import DagRun, DatasetEvent, TaskInstance, versions
from orchestration.services import dag_runs, task_instances
from orchestration.services.bulk import touched_by_mark
from orchestration.states import FAILED_STATES, DagRunState, DagRunType, TaskInstanceState

#: Instances on one page of the table.
PAGE_SIZE: Final = 100
#: Events of datasets that are listed as what made a run.
MOST_EVENTS: Final = 50
#: Failed instances that stand at the head of a failed run.
MOST_CULPRITS: Final = 5
#: Instances that a preview names.
MOST_NAMED: Final = 200
_MARKS: Final = {"success": DagRunState.SUCCESS, "failed": DagRunState.FAILED, "queued": DagRunState.QUEUED}


class OfRun(OfDag):
    """A page of one run. Raises NotFound (404) for a run that is not there."""

    pairs = BY_ID["get_dag_run"].pairs

    @cached_property
    def run(self) -> DagRun:
        """The run of the address; one query."""
        found = DagRun.objects.select_related("dag_version", "note_author", "triggered_by")
        run = (
            found.defer("dag_version__document").filter(dag=self.kwargs["dag_id"], run_id=self.kwargs["run_id"]).first()
        )
        if run is None:
            raise NotFound(f"DAG {self.kwargs['dag_id']!r} has no run {self.kwargs['run_id']!r}.")
        return run

    def crumbs(self) -> list[tuple[str, str]]:
        """The DAG; pages below the run's own add it."""
        return self.crumbs_below()


class RunPage(OfRun):
    """The run with its instances."""

    template_name = "desk/run.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Eleven queries at most of a finished run, and of others what ``waits.of_run`` adds."""
        run, user = self.run, self.request.user
        shows_tasks = self.allows("get_task_instances")
        live = live_state(run, None, shows_tasks=shows_tasks)  # read first, so that a later move is noticed
        instances = TaskInstance.objects.filter(run=run)
        state = self.request.GET.get("state")
        counts: list[tuple[str, int]] = []
        rows: list[TaskInstance] = []
        page, asked = 1, self.request.GET.get("page", "1")
        if asked.isascii() and asked.isdigit() and 0 < len(asked) < 6:
            page = max(1, int(asked))
        if shows_tasks:
            counts = list(instances.order_by("state").values_list("state").annotate(n=Count("pk")))
            if state in set(TaskInstanceState):
                instances = instances.filter(state=state)
            start = (page - 1) * PAGE_SIZE
            rows = list(instances.order_by("start_date", "task_id", "map_index")[start : start + PAGE_SIZE + 1])
        shows_log = is_allowed(user, READ, p.AUDIT_LOGS)
        shape = None if run.is_finished else self.shape
        waiting = waits.of_run(run, self.dag, shape, counts=counts if shows_tasks else None, now=timezone.now())
        return super().get_context_data(
            title=run.run_id,
            dag=self.dag,
            run=run,
            live=live,
            seconds=seconds(run.start_date, run.end_date),
            conf=text.json_text(orjson.dumps(run.conf or {}, option=orjson.OPT_INDENT_2).decode()),
            conf_text=orjson.dumps(run.conf or {}, option=orjson.OPT_INDENT_2).decode(),
            counts=counts,
            state=state,
            rows=rows[:PAGE_SIZE],
            page=page,
            has_more=len(rows) > PAGE_SIZE,
            events=events.of(events.of_run(run.dag_id, run.run_id)) if shows_log else [],
            why=self._why(),
            waits=waiting.listed,
            is_jammed=waiting.is_jammed,
            has_failed=run.state == DagRunState.FAILED or any(name in FAILED_STATES for name, _ in counts),
            culprits=self._culprits() if shows_tasks else [],
            bulk_query=urlencode({"run__exact": run.pk, **({"state__in": state} if state else {})}),
            can_edit=self.allows("update_dag_run_state"),
            can_clear=self.allows("clear_dag_run"),
            can_delete=self.allows("delete_dag_run"),
            can_trigger=self.allows("post_dag_run"),
            has_new_version=run.dag_version_id != self.dag.current_version_id,
            **kwargs,
        )

    def _culprits(self) -> list[TaskInstance]:
        """The first instances that failed by themselves, where the run failed; one query then."""
        if self.run.state != DagRunState.FAILED:
            return []
        failed = TaskInstance.objects.filter(run=self.run, state=TaskInstanceState.FAILED)
        return list(failed.order_by("end_date", "task_id", "map_index")[:MOST_CULPRITS])

    def _why(self) -> dict[str, Any]:
        """Why there is this run: ``kind``, and for one that datasets started the ``events``; a query for these."""
        run = self.run
        found: dict[str, Any] = {"kind": run.run_type, "by": run.triggered_by}
        if run.run_type == DagRunType.DATASET_TRIGGERED and is_allowed(self.request.user, READ, p.DATASETS):
            consumed = DatasetEvent.objects.filter(created_dag_runs=run).select_related("dataset").order_by("timestamp")
            found["events"] = [
                {"event": event, "is_readable": self._may_read(event.source_dag_id)} for event in consumed[:MOST_EVENTS]
            ]
        return found

    def _may_read(self, dag_id: str | None) -> bool:
        return dag_id is not None and BY_ID["get_dag_run"].allows(self.request.user, dag_id)


def live_state(run: DagRun, task_id: str | None, *, shows_tasks: bool) -> dict[str, Any]:
    """What moves on a run's page, or on a task's: the run's state, and how many instances each state has; one query."""
    if not shows_tasks:
        return {"state": run.state}
    rows = TaskInstance.objects.filter(run=run)
    if task_id:
        rows = rows.filter(task_id=task_id)
    return {"state": run.state, "tasks": list(rows.order_by("state").values_list("state").annotate(n=Count("pk")))}


class RunState(Data, OfRun):
    """What moves on the pages of a run and of its instances (``?task_id=…``)."""

    pairs = BY_ID["get_dag_run"].pairs

    def data(self) -> Any:
        """As ``live_state``."""
        shows_tasks = self.allows("get_task_instances")
        return live_state(self.run, self.request.GET.get("task_id"), shows_tasks=shows_tasks)


def named(instances: Iterable[TaskInstance]) -> dict[str, Any]:
    """What a preview shows: ``count``, and of the first ones run, task, map index and state. A query for the runs."""
    listed = list(instances)
    first = listed[:MOST_NAMED]
    names = dict(DagRun.objects.filter(pk__in={ti.run_id for ti in first}).values_list("pk", "run_id"))
    return {
        "count": len(listed),
        "affected": [
            {"run_id": names[ti.run_id], "task_id": ti.task_id, "map_index": ti.map_index, "state": ti.state}
            for ti in first
        ],
    }


class ClearRun(Verb, OfRun):
    """Clear the run, or with ``only_failed`` what failed of it, so that it goes on from there.

    With ``new_tasks`` nothing is cleared: tasks that the DAG has and the run has not are added, and it goes on.
    """

    event = "clear_dag_run"
    pairs = BY_ID["clear_dag_run"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """What was, or would be, cleared."""
        is_dry = body.get("dry_run") is True
        others = editable_dag_ids(self.request.user)
        if body.get("new_tasks"):
            made = task_instances.add_new(self.run, actor=self.request.user, dry_run=is_dry)
            return named(made)
        if not body.get("only_failed"):
            cleared = task_instances.clear_run(self.run, actor=self.request.user, dry_run=is_dry, others=others)
            return named(cleared)
        if not self.allows("post_clear_task_instances"):
            raise Forbidden("You may not clear task instances of this DAG.")
        dag = versions.current(self.run.dag_id)
        return named(
            task_instances.clear(
                dag, actor=self.request.user, run=self.run, only_failed=True, dry_run=is_dry, others=others
            )
        )


class MarkRun(Verb, OfRun):
    """Mark the run (``state``: success, failed, queued)."""

    event = "update_dag_run_state"
    pairs = BY_ID["update_dag_run_state"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """The run's state, or the instances whose state may change."""
        state = _MARKS.get(str(body.get("state")))
        if state is None:
            raise Invalid("state must be success, failed or queued.")
        if body.get("dry_run") is True:
            return named(touched_by_mark(self.run, state))
        return {"state": dag_runs.set_state(self.run, state, actor=self.request.user).state}


class DeleteRun(Verb, OfRun):
    """Delete the run with all that belongs to it."""

    event = "delete_dag_run"
    pairs = BY_ID["delete_dag_run"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """Where to go then, or what goes with the run."""
        if body.get("dry_run") is True:
            shown = named(TaskInstance.objects.filter(run=self.run).order_by("pk"))
            return {**shown, "count": max(1, shown["count"])}
        dag_runs.delete(self.run, actor=self.request.user)
        return {"url": reverse("admin:desk_dag", args=(self.kwargs["dag_id"],))}


class NoteRun(Verb, OfRun):
    """Write the run's note (``note``: text)."""

    event = "set_dag_run_note"
    pairs = BY_ID["set_dag_run_note"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """The note."""
        return {"note": dag_runs.set_note(self.run, note_of(body), actor=self.request.user).note}


def note_of(body: dict[str, Any]) -> str:
    """The note that was sent, at most 1,000 characters. Raises Invalid."""
    note = body.get("note")
    if not isinstance(note, str) or len(note) > 1000:
        raise Invalid("note must be a text of at most 1,000 characters.")
    return note


_RUN: Final = "dags/<str:dag_id>/runs/<str:run_id>/"
PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    (_RUN, "desk_run", RunPage),
    (f"{_RUN}state.json", "desk_run_state", RunState),
    (f"{_RUN}clear", "desk_run_clear", ClearRun),
    (f"{_RUN}mark", "desk_run_mark", MarkRun),
    (f"{_RUN}delete", "desk_run_delete", DeleteRun),
    (f"{_RUN}note", "desk_run_note", NoteRun),
)
