"""Queued runs start, as many as may."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestration.models import DagRun
from orchestration.scheduling.starting import start_queued
from tests.factories import START, BackfillFactory, DagRunFactory, make_dag

pytestmark = pytest.mark.django_db


def queued(dag, number=1, **fields) -> list[DagRun]:
    return [DagRunFactory.create(dag=dag, state="queued", **fields) for _ in range(number)]


def test_a_queued_run_starts(now):
    (run,) = queued(make_dag("a"))
    assert start_queued(now=now, limit=10) == [run.pk]
    run.refresh_from_db()
    assert (run.state, run.start_date) == ("running", now)


def test_older_dates_start_first_within_the_limit(now):
    runs = queued(make_dag("a", max_active_runs=2), 4)
    assert start_queued(now=now, limit=10) == [run.pk for run in runs[:2]]
    assert start_queued(now=now, limit=10) == []


def test_runs_of_a_full_dag_do_not_hide_those_of_others(now):
    full, free = make_dag("a", max_active_runs=1), make_dag("a")
    DagRunFactory.create(dag=full, state="running")
    queued(full, 5)
    (run,) = queued(free)
    assert start_queued(now=now, limit=2) == [run.pk]


@pytest.mark.parametrize(
    "fields",
    [{"is_paused": True}, {"is_active": False}, {"put_aside_until": START + timedelta(days=100_000)}],
    ids=lambda fields: next(iter(fields)),
)
def test_runs_of_a_dag_that_is_switched_off_stay_queued(now, fields):
    queued(make_dag("a", **fields))
    assert start_queued(now=now, limit=10) == []


def test_a_run_dated_ahead_stays_queued_unless_allowed(now, monkeypatch):
    (run,) = queued(make_dag("a"), logical_date=now + timedelta(days=1))
    assert start_queued(now=now, limit=10) == []
    monkeypatch.setenv("AIRFLOW__SCHEDULER__ALLOW_TRIGGER_IN_FUTURE", "true")
    assert start_queued(now=now, limit=10) == [run.pk]


def test_a_backfills_runs_start_within_its_own_limit_also_of_a_paused_dag(now):
    dag = make_dag("a", max_active_runs=1, is_paused=True)
    backfill = BackfillFactory.create(dag=dag, max_active_runs=2)
    runs = queued(dag, 3, run_type="backfill", backfill=backfill)
    assert start_queued(now=now, limit=10) == [run.pk for run in runs[:2]]
    assert start_queued(now=now, limit=10) == []


def test_a_paused_backfill_starts_nothing(now):
    dag = make_dag("a")
    queued(dag, run_type="backfill", backfill=BackfillFactory.create(dag=dag, is_paused=True))
    assert start_queued(now=now, limit=10) == []


@pytest.mark.parametrize("fields", [{"completed_at": START}, {"cancelled_at": START}])
def test_a_run_that_is_cleared_after_its_backfill_runs_again(now, fields):
    dag = make_dag("a")
    (run,) = queued(dag, run_type="backfill", backfill=BackfillFactory.create(dag=dag, **fields))
    assert start_queued(now=now, limit=10) == [run.pk]


def test_runs_of_a_full_backfill_do_not_hide_those_of_others(now):
    dag = make_dag("a")
    backfill = BackfillFactory.create(dag=dag, max_active_runs=1)
    DagRunFactory.create(dag=dag, state="running", run_type="backfill", backfill=backfill)
    queued(dag, 5, run_type="backfill", backfill=backfill)
    (run,) = queued(make_dag("a"))
    assert start_queued(now=now, limit=2) == [run.pk]


def test_a_backfill_that_runs_backwards_starts_with_the_latest_date(now):
    dag = make_dag("a")
    backfill = BackfillFactory.create(dag=dag, max_active_runs=2, run_backwards=True)
    runs = queued(dag, 4, run_type="backfill", backfill=backfill)
    assert start_queued(now=now, limit=10) == [runs[3].pk, runs[2].pk]


def test_starting_asks_once_where_nothing_is_queued(now, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert start_queued(now=now, limit=10) == []
