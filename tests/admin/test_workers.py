"""Workers and queues: what is counted, whose it is, what it costs."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse
from django.utils import timezone

from orchestration.access.permissions import Pair
from orchestration.models import TaskInstance
from tests.admin.conftest import client_of
from tests.factories import JobFactory, make_dag, make_run
from tests.people import person, restricted, role

pytestmark = pytest.mark.django_db

ADDRESS = "admin:desk_workers"


def fill(dag_id: str = "d1", host: str = "h1") -> None:
    states = {"a": "running", "b": "running", "c": "queued", "d": "scheduled", "e": "success", "f": "failed"}
    run = make_run(make_dag("a, b, c, d, e, f", dag_id=dag_id), states, run_id="r")
    now = timezone.now()
    TaskInstance.objects.filter(run=run).exclude(task_id__in="cd").update(hostname=host, start_date=now)
    TaskInstance.objects.filter(run=run, task_id__in="ef").update(end_date=now - timedelta(minutes=1))
    TaskInstance.objects.filter(run=run, task_id="b").update(pool_slots=3, queue="big")
    TaskInstance.objects.filter(run=run, task_id="c").update(queued_at=now)


def test_hosts_and_queues_say_what_runs_and_waits(desk, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "8")
    JobFactory(job_type="SchedulerJob", state="running", hostname="h1")
    fill()
    context = desk.get(reverse(ADDRESS)).context
    (host,) = context["hosts"]
    assert (host.name, host.running, host.slots, host.capacity, host.share) == ("h1", 2, 4, 8, 25)
    assert (host.ended, host.failed, host.queues) == (2, 1, {"default", "big"})
    counts = {row["queue"]: (row["queued"], row["scheduled"], row["running"]) for row in context["queues"]}
    assert counts == {"default": (1, 1, 1), "big": (0, 0, 1)}
    assert {ti.task_id for ti in context["tries"]} == {"a", "b", "c"}


def test_a_celery_worker_s_capacity_is_its_option_s(desk, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW__CELERY__WORKER_CONCURRENCY", "4")
    fill()
    (host,) = desk.get(reverse(ADDRESS)).context["hosts"]
    assert (host.capacity, host.share) == (4, 50)


def test_tries_are_narrowed_by_host_and_queue_and_can_be_stopped(desk):
    fill()
    fill("d2", "h2")
    context = desk.get(reverse(ADDRESS), {"host": "h2", "queue": "big"}).context
    assert [(ti.dag_id, ti.task_id) for ti in context["tries"]] == [("d2", "b")]
    stop = urlsplit(context["stop"])
    assert parse_qs(stop.query) == {"id__in": [str(context["tries"][0].pk)]}
    assert desk.get(context["stop"]).status_code == 200


def test_only_readable_dags_are_counted():
    fill()
    fill("d2", "h2CANARY")
    also = [Pair("can_read", name) for name in ("Website", "Jobs", "Task Instances")]
    page = client_of(restricted(also=also)).get(reverse(ADDRESS))
    assert page.status_code == 200
    assert "CANARY" not in page.content.decode()
    assert [host.name for host in page.context["hosts"]] == ["h1"]


def test_it_asks_the_permissions_of_jobs_and_task_instances():
    role("jobs", [Pair("can_read", "Website"), Pair("can_read", "Jobs")])
    assert client_of(person("jobs")).get(reverse(ADDRESS)).status_code == 403
    viewer = client_of(person("Viewer")).get(reverse(ADDRESS))
    assert viewer.status_code == 200
    assert viewer.context["stop"] == ""


@pytest.mark.parametrize("dags", [1, 12])
def test_it_costs_the_same_for_few_and_many(desk, dags, django_assert_max_num_queries):
    for number in range(dags):
        fill(f"d{number}", f"h{number}")
    desk.get(reverse(ADDRESS))
    with django_assert_max_num_queries(10):
        assert desk.get(reverse(ADDRESS)).status_code == 200
