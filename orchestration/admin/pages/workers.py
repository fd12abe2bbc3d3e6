"""Workers and queues: who runs what, how much waits, the way to stop it, and what is changed of a Celery worker."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from orchestration.access import permissions as p
from orchestration.access.permissions import EDIT, READ, Pair, meets
from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Page, Verb
from orchestration.admin.queries import workers as read
from orchestration.conf import conf
from orchestration.errors import Invalid, Unavailable
from orchestration.execution import celery_changes, celery_control

#: What the list of workers asks, and what it asks to change one: the rights to limits of work and to end tries.
READS = (Pair(READ, p.JOBS), Pair(READ, p.TASK_INSTANCES))
CHANGES = (*READS, Pair(EDIT, p.POOLS), Pair(EDIT, p.TASK_INSTANCES))


class WorkersPage(Page):
    """The page. ``?host=`` and ``?queue=`` narrow the tries that are listed."""

    pairs = READS
    template_name = "desk/workers.html"
    title = "Workers and queues"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Five queries of its own."""
        user, now = self.request.user, timezone.now()
        host, queue = (self.request.GET.get(name, "")[:1000] for name in ("host", "queue"))
        tries = read.held(user, host=host, queue=queue)
        keys = ",".join(str(ti.pk) for ti in tries)
        may_stop = BY_ID["post_set_task_instances_state"].allows(user) and bool(tries)
        return super().get_context_data(
            executor=conf.get("core", "executor"),
            has_celery=celery_control.is_used(),
            hosts=read.hosts(user, now),
            queues=read.queues(user),
            tries=tries,
            host=host,
            queue=queue,
            most=read.MOST,
            minutes=int(read.RECENT.total_seconds() // 60),
            stop=f"{reverse('admin:desk_bulk', args=('tasks',))}?{urlencode({'id__in': keys})}" if may_stop else "",
            **kwargs,
        )


class CeleryWorkers(Page):
    """The part of the page that a broker is asked for: a table, or a sentence where there is nothing to list.

    Loaded by the page's script, so that the page itself waits for no broker.
    """

    pairs = READS
    template_name = "desk/celery_workers.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """No query of its own."""
        found: list[celery_control.Worker] = []
        problem = ""
        if not celery_control.is_used():
            problem = "No executor of this installation is Celery's, so there is no worker to ask."
        else:
            try:
                found = celery_control.workers()
            except Unavailable as error:
                problem = error.detail or ""
        return {
            "workers": found,
            "problem": problem,
            "may_change": meets(self.request.user, CHANGES),
            **kwargs,
        }


class CeleryChange(Verb):
    """``{"worker", "verb", "value"}``: change a worker that runs; see ``celery_changes.change``.

    With ``"dry_run": true`` it tells what would be done; its ``seen`` goes with the verb itself, which is refused (409)
    when that has changed meanwhile.
    """

    event = "change_celery_worker"
    pairs = CHANGES

    def act(self, body: dict[str, Any]) -> Any:
        """``told`` in words, and ``seen``."""
        name, verb = body.get("worker"), body.get("verb")
        if not isinstance(name, str) or not isinstance(verb, str) or not name:
            raise Invalid("worker and verb must be texts: a worker's name from the list, and what to change.")
        done = celery_changes.change(
            name, verb, body.get("value"), seen=body.get("seen"), dry_run=body.get("dry_run") is True
        )
        return {"told": done.told, "seen": done.seen}


PAGES: tuple[tuple[str, str, type[Page]], ...] = (
    ("workers/", "desk_workers", WorkersPage),
    ("workers/celery", "desk_celery_workers", CeleryWorkers),
    ("workers/celery/change", "desk_celery_change", CeleryChange),
)
