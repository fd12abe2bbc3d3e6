"""The health of the database and of the long-running processes, by their heartbeats."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db import DatabaseError
from django.db.models import Max, Q
from django.utils import timezone

from orchestration.conf import conf
from orchestration.models import Job
from orchestration.states import JobState, JobType

log = logging.getLogger(__name__)

HEALTHY: Final = "healthy"
UNHEALTHY: Final = "unhealthy"


@dataclass(frozen=True, slots=True)
class Process:
    """One kind of process: ``status`` None and no heartbeat when none was ever started."""

    status: str | None
    latest_heartbeat: datetime | None


@dataclass(frozen=True, slots=True)
class Health:
    """Of the whole system."""

    metadatabase: str
    scheduler: Process
    triggerer: Process
    dag_processor: Process


def check(now: datetime | None = None) -> Health:
    """How the system is; one query. Without a database everything is unhealthy, which is no error here.

    A scheduler that was never started is unhealthy: nothing would run. The others may be left out.
    """
    try:
        beats = _heartbeats()
    except DatabaseError as error:
        log.warning("The database did not answer the health check: %s", error)
        lost = Process(UNHEALTHY, None)
        return Health(UNHEALTHY, lost, lost, lost)
    moment = now or timezone.now()
    scheduler = _process(beats, JobType.SCHEDULER, moment, "scheduler_health_check_threshold")
    return Health(
        metadatabase=HEALTHY,
        scheduler=Process(scheduler.status or UNHEALTHY, scheduler.latest_heartbeat),
        triggerer=_process(beats, JobType.TRIGGERER, moment, "triggerer_health_check_threshold"),
        dag_processor=_process(beats, JobType.DAG_PROCESSOR, moment, "scheduler_health_check_threshold"),
    )


def _heartbeats() -> Mapping[str, tuple[datetime, datetime | None]]:
    """By kind: the latest heartbeat of any job, and of one that says it runs."""
    rows = (
        Job.objects.filter(job_type__in=(JobType.SCHEDULER, JobType.TRIGGERER, JobType.DAG_PROCESSOR))
        .order_by()
        .values_list("job_type")
        .annotate(
            latest=Max("latest_heartbeat"),
            running=Max("latest_heartbeat", filter=Q(state=JobState.RUNNING)),
        )
    )
    return {kind: (latest, running) for kind, latest, running in rows}


def _process(
    beats: Mapping[str, tuple[datetime, datetime | None]], kind: JobType, now: datetime, threshold: str
) -> Process:
    if kind not in beats:
        return Process(None, None)
    latest, running = beats[kind]
    section = "triggerer" if threshold.startswith("triggerer") else "scheduler"
    limit = timedelta(seconds=conf.getint(section, threshold))
    is_alive = running is not None and now - running <= limit
    return Process(HEALTHY if is_alive else UNHEALTHY, running or latest)
