"""The scheduler's row among the jobs: its heartbeat, and the burial of schedulers that died.

Heartbeats are written and compared by the database's clock: schedulers need not agree on the time.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from django.db.models import F
from django.db.models.functions import Now

from orchestration.models.job import Job, health_threshold
from orchestration.processes.hosts import hostname
from orchestration.states import JobState, JobType

log = logging.getLogger(__name__)


def start(executor_class: str) -> int:
    """Make the job of this process; its id."""
    return Job.objects.begin(JobType.SCHEDULER, at=Now(), executor_class=executor_class).pk


def is_known(job_id: int) -> bool:
    """Whether the database has the job of this process."""
    return Job.objects.own(job_id, JobType.SCHEDULER).exists()


def beat(job_id: int) -> bool:
    """Say that the scheduler lives. False if others had buried it: what it had queued was queued again by them."""
    mine = Job.objects.own(job_id, JobType.SCHEDULER)
    if mine.filter(state=JobState.RUNNING).update(latest_heartbeat=Now()):
        return True
    mine.update(state=JobState.RUNNING, latest_heartbeat=Now(), end_date=None)
    return False


def end(job_id: int, state: JobState) -> None:
    """The process ends."""
    Job.objects.filter(pk=job_id).update(state=state, end_date=Now(), latest_heartbeat=Now())


def bury_dead() -> int:
    """Mark schedulers as failed that gave no sign of life, or whose process on this machine is gone; how many."""
    running = Job.objects.filter(job_type=JobType.SCHEDULER, state=JobState.RUNNING)
    buried = running.filter(latest_heartbeat__lt=Now() - health_threshold()).update(
        state=JobState.FAILED, end_date=F("latest_heartbeat")
    )
    gone = [
        pk
        for pk, pid in running.filter(hostname=hostname(), pid__isnull=False).values_list("pk", "pid")
        if pid != os.getpid() and not Path(f"/proc/{pid}").exists()
    ]
    if gone:
        buried += running.filter(pk__in=gone).update(state=JobState.FAILED, end_date=F("latest_heartbeat"))
    if buried:
        log.warning("%s scheduler(s) died: what they had queued is queued again.", buried)
    return buried
