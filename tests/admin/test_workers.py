"""Workers and queues: what is counted, whose it is, what it costs."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from orchestration.access.permissions import Pair
from orchestration.execution import celery_control as control
from orchestration.execution.celery_control import Worker
from orchestration.models import EventLog, TaskInstance
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


def test_with_celery_the_workers_and_no_option_say_how_much_runs_at_once(desk, celery, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CELERY__WORKER_CONCURRENCY", "77")
    fill()
    page = desk.get(reverse(ADDRESS))
    (host,) = page.context["hosts"]
    assert (host.running, host.capacity) == (2, None)
    assert "77" not in page.content.decode()
    assert "At once" not in page.content.decode()
    (worker,) = desk.get(reverse(LIST)).context["workers"]
    assert (worker.host, worker.size) == ("h1", 4)


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


# Celery workers

LIST, CHANGE = "admin:desk_celery_workers", "admin:desk_celery_change"
IDLE = Worker(
    "w1@h1", "h1", 11, size=4, running=0, queues=("big", "default"), rate="", limit=0, up=90,
)  # fmt: skip


class Workers:
    """The workers behind a broker: what they say, and what they were told. Real ones are in ``test_celery_control``."""

    def __init__(self, *workers: Worker) -> None:
        self.workers = {worker.name: worker for worker in workers}
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        self.answer: Any = {"ok": "done"}

    def ask(self, command: str, name: str | None = None, /, *, is_answered: bool = True, **arguments: Any) -> Any:
        if command == control.DESCRIBE:
            return {
                worker.name: {**asdict(worker), "queues": list(worker.queues)}
                for worker in self.workers.values()
                if name in (None, worker.name)
            }
        assert name is not None
        self.told.append((name, command, arguments))
        return {name: self.answer} if is_answered else {}


@pytest.fixture
def celery(monkeypatch) -> Workers:
    """An installation with a Celery executor and one idle worker."""
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor,airflow.providers.celery.CeleryExecutor")
    monkeypatch.setattr(control, "_looks", looks := control._Looks())
    monkeypatch.setattr(control, "forget", looks.forget)
    there = Workers(IDLE)
    monkeypatch.setattr(control, "_ask", there.ask)
    return there


def change(client: Client, verb: str, value: Any = None, **more: Any) -> Any:
    body = {"worker": IDLE.name, "verb": verb, "value": value, **more}
    return client.post(reverse(CHANGE), body, content_type="application/json")


def test_a_broker_is_asked_nothing_where_no_executor_is_celery_s(desk, celery, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    monkeypatch.setattr(control, "_ask", lambda *_, **__: pytest.fail("A broker was asked."))
    assert "data-celery" not in desk.get(reverse(ADDRESS)).content.decode()
    page = desk.get(reverse(LIST))
    assert page.status_code == 200
    assert "No executor of this installation is Celery&#x27;s" in page.content.decode()
    refused = change(desk, "stop", dry_run=True)
    assert refused.status_code == 400
    assert "no worker to change" in refused.json()["detail"]


def test_the_page_itself_waits_for_no_broker(desk, celery, monkeypatch):
    monkeypatch.setattr(control, "_ask", lambda *_, **__: pytest.fail("A broker was asked."))
    page = desk.get(reverse(ADDRESS)).content.decode()
    assert f'data-celery="{reverse(LIST)}"' in page
    assert "orchestration/js/workers.js" in page


def test_an_idle_worker_is_listed_with_what_it_is(desk, celery):
    celery.workers["w2@h2"] = replace(IDLE, name="w2@h2", running=3, rate="10/m", limit=120.0, queues=())
    page = desk.get(reverse(LIST))
    assert [(each.name, each.size, each.running, each.share) for each in page.context["workers"]] == [
        ("w1@h1", 4, 0, 0),
        ("w2@h2", 4, 3, 75),
    ]
    text = page.content.decode()
    for words in ("as they come", "10 a minute", "never", "2 min", "1 min 30 s", "big", "Change …"):
        assert words in text, words


def test_a_broker_that_is_away_is_told_in_a_sentence(desk, celery, monkeypatch):
    def away(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError("redis://user:s3cret@broker")

    monkeypatch.setattr(control, "_ask", away)
    page = desk.get(reverse(LIST))
    assert page.status_code == 200
    assert "The broker cannot be reached (ConnectionRefusedError)" in page.content.decode()
    refused = change(desk, "resize", 5, dry_run=True)
    assert refused.status_code == 503
    assert "cannot be reached" in refused.json()["detail"]
    assert "s3cret" not in page.content.decode() + refused.content.decode()


@pytest.mark.parametrize(
    ("verb", "value", "seen", "command", "arguments", "words"),
    [
        ("resize", 6, 4, "pool_grow", {"n": 2}, "runs 4 tries at once; it will run 6"),
        ("resize", 1, 4, "pool_shrink", {"n": 3}, "it will run 1."),
        ("leave", "big", ["big", "default"], "cancel_consumer", {"queue": "big"}, "no more tries from 'big'"),
        ("rate", 5, "", "rate_limit", {"task_name": control.RUN_TRY, "rate_limit": "5/m"}, "5 a minute at most"),
        ("rate", 0, "", "rate_limit", {"task_name": control.RUN_TRY, "rate_limit": None}, "as they come"),
        ("limit", 60, 0, "time_limit", {"task_name": control.RUN_TRY, "hard": 60, "soft": None}, "after 60 s"),
        ("limit", 0, 0, "time_limit", {"task_name": control.RUN_TRY, "hard": None, "soft": None}, "take their time"),
        ("stop", None, 11, "shutdown", {}, "take no more tries and end"),
    ],
)  # fmt: skip
def test_a_change_is_told_first_and_then_done_and_logged(desk, celery, verb, value, seen, command, arguments, words):
    preview = change(desk, verb, value, dry_run=True)
    assert preview.status_code == 200
    assert words in preview.json()["told"]
    assert preview.json()["seen"] == seen
    assert celery.told == []
    assert not EventLog.objects.filter(event="change_celery_worker").exists()
    assert change(desk, verb, value, seen=seen).status_code == 200
    assert celery.told == [(IDLE.name, command, arguments)]
    row = EventLog.objects.get(event="change_celery_worker")
    assert row.owner == "boss"
    assert json.loads(row.extra) == {"worker": IDLE.name, "verb": verb, "value": value, "seen": seen}


def test_a_queue_to_take_tries_from_is_bound_as_the_executor_sends(desk, celery):
    assert change(desk, "consume", "slow", seen=["big", "default"]).status_code == 200
    ((_, command, arguments),) = celery.told
    assert command == "add_consumer"
    assert arguments == {"queue": "slow", "exchange": "slow", "exchange_type": "direct", "routing_key": "slow"}


def test_shrinking_below_what_runs_and_leaving_the_last_queue_are_pointed_out(desk, celery):
    celery.workers[IDLE.name] = replace(IDLE, running=3, queues=("default",))
    assert "The 3 that run go on" in change(desk, "resize", 2, dry_run=True).json()["told"]
    assert "only queue" in change(desk, "leave", "default", dry_run=True).json()["told"]
    assert "3 tries on it will go on to the end first" in change(desk, "stop", dry_run=True).json()["told"]


@pytest.mark.parametrize(
    ("verb", "value"),
    [
        ("resize", 0), ("resize", 1001), ("resize", "5"), ("resize", True), ("resize", None), ("resize", 4),
        ("consume", ""), ("consume", "a b"), ("consume", "a,b"), ("consume", "x" * 251), ("consume", "amq.gen"),
        ("consume", "a\0"), ("consume", 5), ("consume", "big"), ("leave", "other"),
        ("rate", -1), ("rate", 1.5), ("limit", -1), ("limit", 1e9), ("limit", None), ("grow", 1), ("", 1), (None, 1),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_a_sentence_and_told_to_nobody(desk, celery, verb, value):
    refused = change(desk, verb, value, seen=4)
    assert refused.status_code == 400
    assert len(refused.json()["detail"]) > 20
    assert celery.told == []


def test_a_worker_that_is_not_there_or_was_changed_meanwhile_is_left_alone(desk, celery):
    assert change(desk, "resize", 5, seen=4, worker="gone@h1").status_code == 404
    late = change(desk, "resize", 5, seen=3)
    assert late.status_code == 409
    assert "Look again" in late.json()["detail"]
    assert change(desk, "resize", 5).status_code == 409  # without a preview
    assert celery.told == []
    assert EventLog.objects.filter(event="change_celery_worker").count() == 3


@pytest.mark.parametrize("answer", [None, {"error": "not supported"}, "done"])
def test_a_worker_that_does_not_say_that_it_is_done_is_told_as_such(desk, celery, answer):
    celery.answer = answer
    refused = change(desk, "resize", 5, seen=4)
    assert refused.status_code == 503
    assert ("not supported" if isinstance(answer, dict) else "did not say that it is done") in refused.json()["detail"]


def test_changing_asks_an_operator_s_permissions_and_reading_a_viewer_s(celery):
    for name in ("Viewer", "User"):
        client = client_of(person(name))
        page = client.get(reverse(LIST))
        assert page.status_code == 200
        assert IDLE.name in page.content.decode()
        assert "data-celery-change" not in page.content.decode()
        assert change(client, "resize", 5, seen=4).status_code == 403
    assert celery.told == []
    assert change(client_of(person("Op")), "resize", 5, seen=4).status_code == 200
    role("pools", [Pair("can_read", "Website"), Pair("can_read", "Jobs"), Pair("can_edit", "Pools")])
    client = client_of(person("pools"))
    assert client.get(reverse(LIST)).status_code == 403
    assert change(client, "resize", 5, seen=4).status_code == 403
    assert Client().get(reverse(LIST)).status_code == 302


def test_changing_needs_the_page_s_token_and_is_not_done_by_reading(desk, celery):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("Admin"), backend="orchestration.access.backends.RoleBackend")
    assert change(client, "stop", seen=11).status_code == 403
    assert desk.get(reverse(CHANGE)).status_code == 405
    assert celery.told == []
    client.get(reverse(ADDRESS))
    token = client.get(reverse(ADDRESS)).context["csrf_token"]
    body = {"worker": IDLE.name, "verb": "stop", "seen": 11}
    done = client.post(reverse(CHANGE), body, content_type="application/json", headers={"X-CSRFToken": str(token)})
    assert done.status_code == 200
    assert [command for _, command, _ in celery.told] == ["shutdown"]


def test_what_a_worker_says_never_becomes_markup(desk, celery):
    bad = "<img src=x onerror=alert(1)>\"'"
    celery.workers = {bad: replace(IDLE, name=bad, host=bad, queues=(bad,), rate=bad)}
    page = desk.get(reverse(LIST)).content.decode()
    assert "<img" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;&quot;&#x27;" in page


@pytest.mark.parametrize("workers", [1, 40])
def test_the_list_of_workers_costs_the_same_for_few_and_many(desk, celery, workers, django_assert_max_num_queries):
    celery.workers = {f"w{n}@h": replace(IDLE, name=f"w{n}@h") for n in range(workers)}
    desk.get(reverse(LIST))
    with django_assert_max_num_queries(3):
        assert len(desk.get(reverse(LIST)).context["workers"]) == workers


def test_many_who_look_at_once_are_one_question(desk, celery, monkeypatch):
    asked: list[str] = []

    def ask(command: str, *_: Any, **__: Any) -> Any:
        asked.append(command)
        return celery.ask(control.DESCRIBE)

    monkeypatch.setattr(control, "_ask", ask)
    for _ in range(5):
        desk.get(reverse(LIST))
    assert asked == [control.DESCRIBE]
