"""The long-running processes and their heartbeats."""

from __future__ import annotations

import getpass
import os
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Now

from orchestration.conf import conf
from orchestration.processes.hosts import hostname
from orchestration.states import JobState, JobType


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs."""

    def alive(self, now: datetime) -> Self:
        """Those that say they run and whose heartbeat is fresh."""
        return self.filter(state=JobState.RUNNING, latest_heartbeat__gte=now - health_threshold())

    def begin(self, job_type: JobType, *, at: datetime | Now, executor_class: str | None = None) -> Job:
        """Make the job of this process, which runs from ``at``: a moment, or ``Now()`` of the database's clock."""
        return self.create(
            job_type=job_type,
            state=JobState.RUNNING,
            start_date=at,
            latest_heartbeat=at,
            executor_class=executor_class,
            hostname=hostname(),
            unixname=getpass.getuser(),
            pid=os.getpid(),
        )

    def own(self, pk: int, job_type: JobType) -> Self:
        """The job that this process made; none where an older database was restored, which knows it not."""
        return self.filter(pk=pk, job_type=job_type, pid=os.getpid(), hostname=hostname())


def health_threshold() -> timedelta:
    """The age at which a heartbeat is too old."""
    return timedelta(seconds=conf.getint("scheduler", "scheduler_health_check_threshold"))


class Job(models.Model):
    """One process: scheduler, DAG processor, triggerer."""

    job_type = models.CharField(max_length=30, choices=[(t.value, t.value) for t in JobType])
    state = models.CharField(max_length=20, choices=[(s.value, s.value) for s in JobState], default=JobState.RUNNING)
    dag_id = models.CharField(max_length=250, null=True, blank=True)
    start_date = models.DateTimeField()
    end_date = models.DateTimeField(null=True, blank=True)
    latest_heartbeat = models.DateTimeField()
    executor_class = models.CharField(max_length=500, null=True, blank=True)
    hostname = models.CharField(max_length=500, blank=True)
    unixname = models.CharField(max_length=1000, blank=True)
    pid = models.IntegerField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["job_type", "state", "latest_heartbeat"], name="job_health")]

    def __str__(self) -> str:
        return f"{self.job_type} {self.pk}"
