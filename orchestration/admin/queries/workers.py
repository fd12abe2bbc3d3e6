"""Who runs tasks: hosts with what they run and have run, queues with what waits in them. All of it from the tables.

A host is seen by the tries that it holds: nothing is asked of a broker, and what is shown survives any restart. So one
that never ran a try in the period is not shown; Celery's workers are asked apart, by ``celery_control``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max, Min, Q, Sum

from orchestration.access.permissions import Caller
from orchestration.admin.queries.common import readable
from orchestration.admin.queries.expressions import Rare
from orchestration.conf import conf
from orchestration.execution import celery_control
from orchestration.models import Job, TaskInstance
from orchestration.states import JobState, JobType, TaskInstanceState

_S = TaskInstanceState
#: How far back ended tries tell of a host.
RECENT: Final = timedelta(minutes=15)
#: Hosts, queues and tries that are listed.
MOST: Final = 100
_ENDED: Final = (_S.SUCCESS, _S.FAILED, _S.UP_FOR_RETRY, _S.SKIPPED)


@dataclass(slots=True)
class Host:
    """One host: tries that run on it and pool slots they take, the oldest's start, and what ended lately."""

    name: str
    running: int = 0
    slots: int = 0
    since: datetime | None = None
    queues: set[str] = field(default_factory=set)
    ended: int = 0
    failed: int = 0
    last_end: datetime | None = None
    #: Tries that it runs at once; None where that is not known here.
    capacity: int | None = None

    @property
    def share(self) -> int:
        """Percent of the capacity in use."""
        return min(100, round(100 * self.running / self.capacity)) if self.capacity else 0


def hosts(user: Caller, now: datetime) -> list[Host]:
    """Hosts that run tries or lately ran some, the busiest first; three queries."""
    found: dict[str, Host] = {}
    rows = readable(TaskInstance.objects.order_by(), user)
    running = rows.filter(Rare(Q(state__in=[_S.RUNNING, _S.RESTARTING]))).values_list("hostname", "queue")
    for name, queue, number, slots, since in running.annotate(
        n=Count("pk"), slots=Sum("pool_slots"), since=Min("start_date")
    ):
        host = found.setdefault(name, Host(name))
        host.running += number
        host.slots += slots or 0
        host.since = min(filter(None, (host.since, since)), default=None)
        host.queues.add(queue)
    lately = rows.filter(end_date__gte=now - RECENT, end_date__lte=now, state__in=_ENDED).exclude(hostname="")
    for name, number, failed, last in lately.values_list("hostname").annotate(
        n=Count("pk"), failed=Count("pk", filter=~Q(state__in=[_S.SUCCESS, _S.SKIPPED])), last=Max("end_date")
    ):
        host = found.setdefault(name, Host(name))
        host.ended, host.failed, host.last_end = number, failed, last
    capacity = _capacity()
    for host in found.values():
        host.capacity = capacity
    return sorted(found.values(), key=lambda host: (-host.running, -host.ended, host.name))[:MOST]


def _capacity() -> int | None:
    """Tries that one host runs at once by the options; None with Celery, where each worker has a pool of its own."""
    if celery_control.is_used():
        return None
    schedulers = Job.objects.filter(job_type=JobType.SCHEDULER, state=JobState.RUNNING).order_by()
    per_host = max((n for _, n in schedulers.values_list("hostname").annotate(n=Count("pk"))), default=1)
    return (conf.getint("core", "parallelism") or 0) * per_host or None


def queues(user: Caller) -> list[dict[str, Any]]:
    """Queues with tries: ``queue``, ``queued`` (sent to an executor), ``scheduled``, ``running``, ``since``; one query.

    ``since`` is when the one was queued that waits longest.
    """
    rows = readable(TaskInstance.objects.order_by(), user).filter(
        Rare(Q(state__in=[_S.QUEUED, _S.SCHEDULED, _S.RUNNING]))
    )
    counted = rows.values("queue").annotate(
        queued=Count("pk", filter=Q(state=_S.QUEUED)),
        scheduled=Count("pk", filter=Q(state=_S.SCHEDULED)),
        running=Count("pk", filter=Q(state=_S.RUNNING)),
        since=Min("queued_at", filter=Q(state=_S.QUEUED)),
    )
    return [dict(row) for row in counted.order_by("-queued", "queue")[:MOST]]


def held(user: Caller, *, host: str, queue: str) -> list[TaskInstance]:
    """Tries that run or are queued, those that began first at the top; one query. ``""`` is every host or queue."""
    rows = readable(TaskInstance.objects.filter(Rare(Q(state__in=[_S.RUNNING, _S.RESTARTING, _S.QUEUED]))), user)
    if host:
        rows = rows.filter(hostname=host)
    if queue:
        rows = rows.filter(queue=queue)
    return list(rows.select_related("run").order_by("queued_at", "pk")[:MOST])
