"""Cluster activity: periods, counts, health and what runs now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from orchestration.admin.queries.cluster import LONGEST, Period, ended
from orchestration.models import DagRun, Job, TaskInstance
from tests.factories import JobFactory, make_dag, make_run
from tests.people import person

pytestmark = pytest.mark.django_db

NOW = datetime(2024, 3, 5, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "start", "end", "length"),
    [
        ("1h", None, None, timedelta(hours=1)),
        ("nonsense", None, None, timedelta(hours=24)),
        ("", NOW - timedelta(days=2), None, timedelta(days=2)),
        ("", NOW - timedelta(days=2), NOW - timedelta(days=1), timedelta(days=1)),
        ("", NOW + timedelta(days=2), None, timedelta(hours=24)),
        ("", datetime(1, 1, 1, tzinfo=UTC), None, LONGEST),
    ],
)
def test_a_period_is_named_or_chosen_and_never_too_long(name, start, end, length):
    period = Period.of(name, start, end, NOW)
    assert period.end - period.start == length


def test_runs_that_ended_are_counted_by_hour_and_by_day():
    dag = make_dag("a", dag_id="d1")
    for number, (state, ago) in enumerate([("success", 0), ("failed", 0), ("success", 3)]):
        run = make_run(dag, run_id=f"r{number}", state=state)
        DagRun.objects.filter(pk=run.pk).update(end_date=NOW - timedelta(hours=ago, minutes=5))
    user = person("Admin")
    bars = ended(user, Period.of("24h", None, None, NOW))
    assert (bars[-1]["success"], bars[-1]["failed"], bars[-4]["success"]) == (1, 1, 1)
    assert len(bars) == 25
    assert sum(bar["success"] for bar in ended(user, Period.of("30d", None, None, NOW))) == 2


def test_the_page_counts_what_started_in_the_period(desk):
    now = timezone.now()
    dag = make_dag("a >> b", dag_id="d1")
    for number, days in enumerate([0, 0, 10]):
        run = make_run(dag, run_id=f"r{number}", state="failed")
        moment = now - timedelta(days=days, minutes=10)
        DagRun.objects.filter(pk=run.pk).update(start_date=moment, end_date=moment)
        TaskInstance.objects.filter(run=run).update(start_date=moment, state="success")
    address = reverse("admin:desk_cluster")
    context = desk.get(address).context
    assert [(row["name"], row["number"]) for row in context["runs"]] == [("failed", 2)]
    assert [(row["name"], row["number"], row["share"]) for row in context["instances"]] == [("success", 4, 100.0)]
    assert list(context["failing"]) == [("d1", 2)]
    assert desk.get(address, {"period": "30d"}).context["failing"] == [("d1", 3)]


def test_a_silent_process_is_shown_as_such(desk):
    JobFactory(hostname="lively")
    silent = JobFactory(hostname="silent")
    Job.objects.filter(pk=silent.pk).update(latest_heartbeat=timezone.now() - timedelta(hours=1))
    rows = {row["job"].hostname: row["is_late"] for row in desk.get(reverse("admin:desk_cluster")).context["jobs"]}
    assert rows == {"lively": False, "silent": True}


def test_what_runs_now_is_listed(desk):
    run = make_run(make_dag("a >> b", dag_id="d1"), {"a": "running"}, run_id="r1")
    context = desk.get(reverse("admin:desk_cluster")).context
    assert [row.run_id for row in context["running"]] == [run.run_id]
    assert [row.task_id for row in context["tasks"]] == ["a"]
