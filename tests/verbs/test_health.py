"""Health by heartbeats."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError

from orchestration.services import health
from orchestration.states import JobState, JobType
from tests.factories import JobFactory

pytestmark = pytest.mark.django_db


def beat(kind, now, age, state=JobState.RUNNING):
    return JobFactory(job_type=kind, state=state, latest_heartbeat=now - timedelta(seconds=age))


def test_where_nothing_was_started_only_the_scheduler_is_missed(now, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = health.check(now)
    assert found.metadatabase == "healthy"
    assert (found.scheduler.status, found.scheduler.latest_heartbeat) == ("unhealthy", None)
    assert (found.triggerer.status, found.dag_processor.status) == (None, None)


@pytest.mark.parametrize(
    ("age", "state", "status"),
    [
        (0, JobState.RUNNING, "healthy"),
        (29, JobState.RUNNING, "healthy"),
        (31, JobState.RUNNING, "unhealthy"),
        (0, JobState.SUCCESS, "unhealthy"),
        (0, JobState.FAILED, "unhealthy"),
    ],
)
@pytest.mark.parametrize(
    ("kind", "name"),
    [(JobType.SCHEDULER, "scheduler"), (JobType.TRIGGERER, "triggerer"), (JobType.DAG_PROCESSOR, "dag_processor")],
)
def test_a_process_is_healthy_while_it_runs_and_beats(now, kind, name, age, state, status):
    beat(kind, now, age, state)
    process = getattr(health.check(now), name)
    assert (process.status, process.latest_heartbeat) == (status, now - timedelta(seconds=age))


def test_one_that_runs_counts_beside_one_that_ended_later(now):
    beat(JobType.SCHEDULER, now, 0, JobState.SUCCESS)
    beat(JobType.SCHEDULER, now, 10)
    found = health.check(now).scheduler
    assert (found.status, found.latest_heartbeat) == ("healthy", now - timedelta(seconds=10))


def test_the_triggerer_has_a_threshold_of_its_own(now, monkeypatch):
    monkeypatch.setenv("AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD", "100")
    beat(JobType.TRIGGERER, now, 60)
    assert health.check(now).triggerer.status == "healthy"


def test_without_a_database_everything_is_unhealthy(now, monkeypatch):
    def lost():
        raise OperationalError("gone")

    monkeypatch.setattr(health, "_heartbeats", lost)
    found = health.check(now)
    assert found.metadatabase == "unhealthy"
    assert {found.scheduler.status, found.triggerer.status, found.dag_processor.status} == {"unhealthy"}
