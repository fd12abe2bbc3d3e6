"""Workers and queues: who runs what, how much waits, and the way to stop it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone

from orchestration.access import permissions as p
from orchestration.access.permissions import READ, Pair
from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Page
from orchestration.admin.queries import workers as read
from orchestration.conf import conf


class WorkersPage(Page):
    """The page. ``?host=`` and ``?queue=`` narrow the tries that are listed."""

    pairs = (Pair(READ, p.JOBS), Pair(READ, p.TASK_INSTANCES))
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


PAGES: tuple[tuple[str, str, type[Page]], ...] = (("workers/", "desk_workers", WorkersPage),)
