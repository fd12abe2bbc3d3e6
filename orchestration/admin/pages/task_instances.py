"""A task instance's page, and what operators do with it."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from django.urls import reverse
from django.utils import timezone

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, editable_dag_ids, is_allowed
from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Page, Verb
from orchestration.admin.pages.runs import OfRun, live_state, named, note_of
from orchestration.admin.queries import events, waits
from orchestration.errors import Invalid, NotFound
from orchestration.models import (
    RenderedFields,
    TaskInstance,
    TaskInstanceHistory,
    TaskReschedule,
    XCom,
    versions,
)
from orchestration.services import extra_links, task_instances
from orchestration.states import TaskInstanceState

_READ_TI = BY_ID["get_task_instance"].pairs
_EDIT_TI = BY_ID["post_clear_task_instances"].pairs
#: Instances of a mapped task that are listed, XComs and lines of the log of changes that are shown.
MOST_LISTED: Final = 200
#: Characters of a value that are shown.
MOST_SHOWN: Final = 20_000


class OfTask(OfRun):
    """A page of one task in one run; ``map_index`` in the address' query, else -1."""

    pairs = _READ_TI

    @cached_property
    def map_index(self) -> int:
        """The map index asked for. Raises NotFound for what is no number."""
        asked = self.request.GET.get("map_index", "-1")
        if asked.removeprefix("-").isdigit() and asked.isascii() and len(asked) < 10:
            return int(asked)
        raise NotFound(f"{asked!r} is no map index.")

    def crumbs(self) -> list[tuple[str, str]]:
        """The DAG and the run."""
        run = self.run
        return [*self.crumbs_below(), (run.run_id, reverse("admin:desk_run", args=(run.dag_id, run.run_id)))]

    def find(self) -> TaskInstance | None:
        """The instance; one query."""
        found = TaskInstance.objects.select_related("note_author", "trigger__triggerer").defer("trigger__kwargs")
        instance = found.filter(run=self.run, task_id=self.kwargs["task_id"], map_index=self.map_index).first()
        if instance is not None:
            instance.run = self.run
        return instance

    @cached_property
    def instance(self) -> TaskInstance:
        """The instance. Raises NotFound."""
        found = self.find()
        if found is None:
            name = f"{self.kwargs['task_id']}[{self.map_index}]" if self.map_index >= 0 else self.kwargs["task_id"]
            raise NotFound(f"Run {self.run.run_id!r} of {self.run.dag_id!r} has no task instance {name!r}.")
        return found


class TaskPage(OfTask):
    """What a task instance did or waits for; for a mapped task without an index its instances."""

    template_name = "desk/task.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """About a dozen queries, more by what a dependency needs while the instance waits."""
        task_id, user = self.kwargs["task_id"], self.request.user
        live = live_state(self.run, task_id, shows_tasks=True)  # read first, so that a later move is noticed
        instances = TaskInstance.objects.filter(run=self.run, task_id=task_id, map_index__gte=0).order_by("map_index")
        mapped = list(instances.values("map_index", "state", "duration", "rendered_map_index")[: MOST_LISTED + 1])
        instance = self.find()
        if instance is None and not (mapped and self.map_index < 0):
            self.instance  # noqa: B018 raises NotFound with its sentence
        context = super().get_context_data(
            title=task_id + (f"[{self.map_index}]" if self.map_index >= 0 else ""),
            dag=self.dag,
            run=self.run,
            live=live,
            map_index=self.map_index,
            mapped=mapped[:MOST_LISTED],
            has_more_mapped=len(mapped) > MOST_LISTED,
            instance=instance,
            shape=self.shape.tasks.get(task_id) if self.shape is not None else None,
            can_edit=self.allows("post_clear_task_instances"),
            query=f"?map_index={self.map_index}" if self.map_index >= 0 else "",
            **kwargs,
        )
        if instance is not None:
            context.update(self._about(instance))
        if is_allowed(user, READ, p.AUDIT_LOGS):
            context["events"] = events.of(events.of_task(self.run.dag_id, self.run.run_id, task_id, self.map_index))
        return context

    def _about(self, instance: TaskInstance) -> dict[str, Any]:
        tries = list(
            TaskInstanceHistory.objects.filter(task_instance=instance, try_number__gt=0).order_by("try_number")
        )
        present = instance.try_number
        numbers = sorted({each.try_number for each in tries} | ({present} if present else set()))
        asked = self.request.GET.get("try", "")
        number = int(asked) if asked in {str(each) for each in numbers} else (numbers[-1] if numbers else 0)
        rendered = RenderedFields.objects.filter(task_instance=instance).values_list("fields", flat=True).first()
        xcoms = None
        if self.allows("get_xcom_entries"):
            rows = XCom.objects.filter(task_instance=instance).order_by("key")[:MOST_LISTED]
            xcoms = [(row.key, row.timestamp, row.value[:MOST_SHOWN]) for row in rows]
        return {
            "waits": waits.of_instance(instance, self.dag, self.shape, user=self.request.user, now=timezone.now()),
            "tries": [each for each in tries if each.try_number != present],
            "numbers": numbers,
            "try_number": number,
            "reschedules": list(TaskReschedule.objects.filter(task_instance=instance).order_by("-id")[:20]),
            "rendered": [(name, _shown(value)) for name, value in (rendered or {}).items()],
            "xcoms": xcoms,
            "shows_log": self.allows("get_log"),
            "links": self._links(instance),
        }

    def _links(self, instance: TaskInstance) -> list[tuple[str, str | None]]:
        """The operator's extra links: name and address on the desk, None for one that is not known yet."""
        task = self.shape.tasks.get(instance.task_id) if self.shape is not None else None
        found = extra_links.targets(task, instance) if task is not None else {}
        return [(name, None if target is None else _address(target)) for name, target in found.items()]


def _address(target: extra_links.Target) -> str:
    if target.run_id is not None:
        return reverse("admin:desk_run", args=(target.dag_id, target.run_id))
    page = reverse("admin:desk_dag", args=(target.dag_id,))
    return page if target.logical_date is None else f"{page}?{urlencode({'base': target.logical_date.isoformat()})}"


def _shown(value: Any) -> str:
    written = value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    return str(written)[:MOST_SHOWN]


def _flags(body: dict[str, Any], *names: str) -> dict[str, bool]:
    return {name: body.get(name) is True for name in names}


class ClearTask(Verb, OfTask):
    """Clear the task; options: upstream, downstream, past, future, recursive, only_failed, all_mapped."""

    event = "post_clear_task_instances"
    pairs = _EDIT_TI

    def act(self, body: dict[str, Any]) -> Any:
        """What was, or would be, cleared."""
        flags = _flags(body, "upstream", "downstream", "past", "future", "recursive", "only_failed", "all_mapped")
        is_one = self.map_index >= 0 and not flags["all_mapped"]
        cleared = task_instances.clear(
            versions.current(self.run.dag_id),
            actor=self.request.user,
            run=self.run,
            task_ids=[self.kwargs["task_id"]],
            map_indexes=[self.map_index] if is_one else None,
            only_failed=flags["only_failed"],
            include_upstream=flags["upstream"],
            include_downstream=flags["downstream"],
            include_past=flags["past"],
            include_future=flags["future"],
            include_subdags=flags["recursive"],
            include_parentdag=flags["recursive"],
            others=editable_dag_ids(self.request.user),
            dry_run=body.get("dry_run") is True,
        )
        return named(cleared)


class MarkTask(Verb, OfTask):
    """Mark the task (``state``: success, failed, skipped); options: upstream, downstream, past, future, all_mapped."""

    event = "post_set_task_instances_state"
    pairs = BY_ID["post_set_task_instances_state"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """What was, or would be, marked."""
        if body.get("state") not in ("success", "failed", "skipped"):
            raise Invalid("state must be success, failed or skipped.")
        flags = _flags(body, "upstream", "downstream", "past", "future", "all_mapped")
        is_one = self.map_index >= 0 and not flags.pop("all_mapped")
        flags.pop("all_mapped", None)
        marked = task_instances.set_state(
            versions.current(self.run.dag_id),
            self.run,
            self.kwargs["task_id"],
            TaskInstanceState(body["state"]),
            actor=self.request.user,
            map_index=self.map_index if is_one else None,
            dry_run=body.get("dry_run") is True,
            **flags,
        )
        return named(marked)


class NoteTask(Verb, OfTask):
    """Write the instance's note (``note``: text)."""

    event = "set_task_instance_note"
    pairs = BY_ID["set_task_instance_note"].pairs

    def act(self, body: dict[str, Any]) -> Any:
        """The note."""
        return {"note": task_instances.set_note(self.instance, note_of(body), actor=self.request.user).note}


_TASK: Final = "dags/<str:dag_id>/runs/<str:run_id>/tasks/<str:task_id>/"
PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    (_TASK, "desk_task", TaskPage),
    (f"{_TASK}clear", "desk_task_clear", ClearTask),
    (f"{_TASK}mark", "desk_task_mark", MarkTask),
    (f"{_TASK}note", "desk_task_note", NoteTask),
)
