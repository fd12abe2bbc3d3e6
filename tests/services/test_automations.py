"""Automations: what they see, whom they concern, what they do, once."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError
from django.utils import timezone

from orchestration.errors import Conflict, Forbidden, Invalid
from orchestration.models import (
    Automation,
    Dag,
    DagImportError,
    DagRun,
    Delivery,
    EventLog,
    NotificationChannel,
    SlaMiss,
    TaskInstance,
    outcomes,
    versions,
)
from orchestration.services import automations, dag_runs, datasets, deliveries, task_instances
from orchestration.services import notification_channels as channels
from orchestration.services.deliveries import Collector
from orchestration.services.notifier import Notifier
from orchestration.states import DagRunState, TaskInstanceState
from tests.authoring.hooks.servers import http_server
from tests.factories import (
    DagImportErrorFactory,
    DagTagFactory,
    DatasetEventFactory,
    DatasetFactory,
    JobFactory,
    make_dag,
    make_run,
    states_of,
)
from tests.people import person

pytestmark = pytest.mark.django_db

S = TaskInstanceState
KEY = "a-key-of-sixteen-or-more"
LATER = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def private(monkeypatch):
    """Servers of the tests are on this machine."""
    monkeypatch.setenv("AIRFLOW__NOTIFICATIONS__ALLOW_PRIVATE_TARGETS", "True")


@pytest.fixture
def channel() -> NotificationChannel:
    return channels.create(actor=None, name="ops", kind="webhook", url="https://hooks.example/x", secret=KEY)


def rule(event: str = "run_failed", action: str = "notify", **fields) -> Automation:
    if action == "notify" and "channel" not in fields:
        fields["channel"] = NotificationChannel.objects.get()
    made = automations.create(actor=None, **{"name": f"{event} {action}", "event": event, "action": action, **fields})
    # The tests' events may be a little older than the rule.
    past = timezone.now() - timedelta(minutes=1)
    Automation.objects.filter(pk=made.pk).update(active_since=past, seen_until=past)
    made.refresh_from_db()
    return made


def collect(now=None) -> list[Delivery]:
    """What a process that knows nothing writes down."""
    Collector().collect(now=now or timezone.now())
    return list(Delivery.objects.order_by("pk"))


def failed_run(**fields) -> DagRun:
    run = make_run(make_dag("a >> b", **fields), {"a": S.FAILED, "b": S.UPSTREAM_FAILED}, state=DagRunState.RUNNING)
    now = timezone.now()
    TaskInstance.objects.filter(run=run, task_id="a").update(end_date=now, updated_at=now, try_number=1)
    DagRun.objects.filter(pk=run.pk).move(DagRunState.FAILED, now=now)
    run.refresh_from_db()
    return run


class TestWhatIsSeen:
    def test_a_run_that_failed_is_told_once_whoever_looks(self, channel):
        rule()
        run = failed_run(dag_id="d1")
        (row,) = collect()
        assert (row.dag_id, row.run_id, row.state, row.channel) == ("d1", run.run_id, "pending", channel)
        assert row.payload["summary"] == f"d1 run {run.run_id}: failed"
        assert row.payload["url"].endswith(f"/admin/dags/d1/runs/{run.run_id.replace(':', '%3A').replace('+', '%2B')}/")
        assert len(collect()) == 1

    def test_a_run_that_fails_again_is_told_again(self, channel):
        rule()
        run = failed_run()
        collect()
        dag_runs.set_state(run, DagRunState.QUEUED, actor=None)
        DagRun.objects.filter(pk=run.pk).override(DagRunState.FAILED, now=timezone.now())
        assert len(collect()) == 2

    def test_a_run_that_succeeds_is_told_to_those_who_ask_for_it(self, channel):
        rule("run_success")
        rule("run_failed")
        run = make_run(make_dag("a"), state=DagRunState.RUNNING)
        DagRun.objects.filter(pk=run.pk).move(DagRunState.SUCCESS, now=timezone.now())
        assert [row.event for row in collect()] == ["run_success"]

    def test_a_change_by_hand_is_told_even_of_a_run_that_ended_long_ago(self, channel):
        rule("run_success")
        rule("task_failed")
        run = failed_run()
        old = timezone.now() - timedelta(days=40)
        DagRun.objects.filter(pk=run.pk).update(end_date=old, updated_at=old)
        TaskInstance.objects.filter(run=run).update(end_date=old, updated_at=old, start_date=old)
        assert collect() == []
        dag_runs.set_state(run, DagRunState.SUCCESS, actor=person("Admin"))
        assert [row.event for row in collect()] == ["run_success"]

    def test_a_task_marked_as_failed_by_hand_is_told(self, channel):
        rule("task_failed")
        run = make_run(make_dag("a"), {"a": S.SUCCESS}, state=DagRunState.SUCCESS)
        old = timezone.now() - timedelta(days=3)
        TaskInstance.objects.filter(run=run).update(end_date=old, updated_at=old, start_date=old, try_number=1)
        task_instances.set_state(versions.current(run.dag_id), run, "a", S.FAILED, actor=person("Admin"))
        assert [row.payload["task_id"] for row in collect()] == ["a"]

    def test_a_note_on_an_old_run_is_no_event(self, channel):
        rule()
        run = failed_run()
        old = timezone.now() - timedelta(days=40)
        DagRun.objects.filter(pk=run.pk).update(end_date=old, updated_at=old)
        run.refresh_from_db()
        dag_runs.set_note(run, "seen", actor=person("Admin"))
        assert collect() == []

    def test_what_happened_before_the_rule_was_made_does_not_count(self, channel):
        failed_run()
        automations.create(actor=None, name="new", channel=channel)
        assert collect(timezone.now() + LATER) == []

    def test_a_rule_that_is_off_sees_nothing(self, channel):
        made = rule()
        automations.update(made, actor=None, is_enabled=False)
        failed_run()
        assert collect() == []

    def test_tasks_that_fail_for_good_and_those_that_are_tried_again_are_told_apart(self, channel):
        rule("task_failed")
        rule("task_retry")
        dag = make_dag("a, b")
        run = make_run(dag, {"a": S.RUNNING, "b": S.RUNNING}, state=DagRunState.RUNNING)
        run.task_instances.update(try_number=1, max_tries=1, start_date=timezone.now())
        a, b = (run.task_instances.select_related("run").get(task_id=name) for name in "ab")
        now = timezone.now()
        for ti, state in ((a, S.UP_FOR_RETRY), (b, S.FAILED)):
            ended = outcomes.Outcome(held=outcomes.Held.of(ti), state=state, ended_at=now, not_before=now)
            assert outcomes.write([ended])
        assert {(row.event, row.payload["task_id"]) for row in collect()} == {("task_retry", "a"), ("task_failed", "b")}
        # The next try began at once; the retry is told nevertheless, and as the same one.
        TaskInstance.objects.filter(pk=a.pk).update(state=S.RUNNING, try_number=2)
        assert len(collect()) == 2

    def test_runs_that_take_long_are_told_by_each_rule_s_own_minutes(self, channel):
        rule("run_long", minutes=10)
        rule("run_long", minutes=120, name="very long")
        now = timezone.now()
        run = make_run(make_dag("a"), state=DagRunState.RUNNING)
        DagRun.objects.filter(pk=run.pk).update(start_date=now - timedelta(minutes=10, seconds=5))
        (row,) = collect(now)
        assert "longer than 10 minutes" in row.payload["summary"]
        assert len(collect(now + LATER)) == 1

    def test_a_late_dag_is_told(self, channel):
        rule("dag_late", minutes=5)
        now = timezone.now()
        due = now - timedelta(minutes=5, seconds=5)
        make_dag("a", dag_id="d1", next_dagrun_create_after=due, is_paused=False)
        make_dag("a", dag_id="paused", next_dagrun_create_after=due, is_paused=True)
        assert [row.dag_id for row in collect(now)] == ["d1"]

    def test_missed_slas_import_errors_silent_processes_and_datasets_are_told(self, channel):
        for event in ("sla_miss", "import_error", "unhealthy", "dataset"):
            rule(event)
        now = timezone.now()
        SlaMiss.objects.create(dag=make_dag("a"), task_id="a", logical_date=datetime(2024, 1, 1, tzinfo=UTC))
        DagImportErrorFactory(filename="/dags/x.py", stack_trace="Traceback\nValueError: no", timestamp=now)
        JobFactory(job_type="SchedulerJob", state="running", latest_heartbeat=now - timedelta(seconds=45))
        DatasetEventFactory(dataset=DatasetFactory(uri="s3://a"), timestamp=now)
        rows = {row.event: row.payload["summary"] for row in collect(now)}
        assert rows.keys() == {"sla_miss", "import_error", "unhealthy", "dataset"}
        assert rows["import_error"] == "/dags/x.py cannot be imported: ValueError: no"
        # A file that is parsed again with the same error is no new event.
        DagImportError.objects.update(timestamp=now + timedelta(seconds=1))
        assert len(collect(now + LATER)) == 4


class TestWhomItConcerns:
    @pytest.mark.parametrize(
        ("fields", "is_told"),
        [
            ({"dag_pattern": "sales_*"}, True),
            ({"dag_pattern": "stock_*"}, False),
            ({"tag": "daily"}, True),
            ({"tag": "dai"}, False),
            ({"owner": "ann"}, True),
            ({"owner": "an"}, False),
            ({"tag": "daily", "owner": "cid"}, False),
        ],
    )
    def test_dags_are_chosen_by_pattern_tag_and_owner(self, channel, fields, is_told):
        rule(**fields)
        DagTagFactory(dag=failed_run(dag_id="sales_1", owners="ann, bob").dag, name="daily")
        assert bool(collect()) is is_told

    def test_datasets_are_chosen_by_pattern(self, channel):
        rule("dataset", dataset_pattern="s3://shop/*")
        for uri in ("s3://shop/a", "s3://bank/a"):
            DatasetEventFactory(dataset=DatasetFactory(uri=uri), timestamp=timezone.now())
        assert [row.payload["dataset"] for row in collect()] == ["s3://shop/a"]

    def test_what_is_of_no_dag_is_not_narrowed_by_dags(self, channel):
        rule("import_error", dag_pattern="sales_*", tag="daily", owner="ann")
        DagImportErrorFactory(filename="/dags/x.py", timestamp=timezone.now())
        assert len(collect()) == 1

    @pytest.mark.parametrize(("fields", "is_told"), [({}, True), ({"dag_pattern": "d*"}, False), ({"tag": "t"}, False)])
    def test_a_dataset_written_by_nobody_s_task_is_told_to_those_who_ask_for_no_dag(self, channel, fields, is_told):
        rule("dataset", **fields)
        DatasetEventFactory(dataset=DatasetFactory(uri="s3://a"), source_dag_id=None, timestamp=timezone.now())
        assert bool(collect()) is is_told


class TestWhatItCosts:
    def test_one_query_where_there_is_no_automation(self, django_assert_num_queries):
        failed_run()
        with django_assert_num_queries(2):
            assert Collector().collect(now=timezone.now()) == 0
            assert deliveries.deliver(now=timezone.now()) == 0

    @pytest.mark.parametrize("runs", [1, 12])
    def test_as_many_for_one_run_as_for_many(self, channel, runs, django_assert_max_num_queries):
        rule(tag="t")
        rule("task_failed", tag="t")
        rule("task_retry")
        for number in range(runs):
            DagTagFactory(dag=failed_run(dag_id=f"d{number}").dag, name="t")
        with django_assert_max_num_queries(10):  # with the savepoint
            assert Collector().collect(now=timezone.now()) == 2 * runs

    def test_what_was_written_is_remembered(self, channel, django_assert_max_num_queries):
        rule(tag="t")
        failed_run()
        collector = Collector()
        collector.collect(now=timezone.now())
        with django_assert_max_num_queries(2):
            collector.collect(now=timezone.now())


class TestNotices:
    def send_to(self, port: int) -> Delivery:
        made = channels.create(actor=None, name="w", kind="webhook", url=f"http://127.0.0.1:{port}/in", secret=KEY)
        rule(channel=made)
        failed_run(dag_id="d1")
        (row,) = collect()
        return row

    def test_an_error_is_tried_again_later_under_the_same_number(self):
        with http_server({"/in": [(500, {}, ""), (200, {}, "")]}) as (port, calls):
            row = self.send_to(port)
            now = timezone.now()
            assert deliveries.deliver(now=now) == 1
            row.refresh_from_db()
            assert (row.state, row.attempts, row.last_answer) == ("pending", 1, "answered 500")
            assert row.next_try_at == now + timedelta(seconds=10)
            assert deliveries.deliver(now=now + timedelta(seconds=9)) == 0
            assert deliveries.deliver(now=now + timedelta(seconds=11)) == 1
            row.refresh_from_db()
            assert (row.state, row.attempts, row.last_answer) == ("delivered", 2, "answered 200")
            assert deliveries.deliver(now=now + timedelta(days=1)) == 0
        assert [call["headers"]["X-Airflowsite-Delivery"] for call in calls] == [str(row.pk)] * 2
        body = json.loads(calls[1]["body"])
        assert (body["event"], body["dag_id"], body["delivery"]) == ("run_failed", "d1", row.pk)
        stamp = calls[1]["headers"]["X-Airflowsite-Timestamp"]
        assert calls[1]["headers"]["X-Airflowsite-Signature"] == channels.signature(
            KEY, stamp, calls[1]["body"].encode()
        )

    def test_it_is_given_up_after_a_number_of_tries_and_sent_again_on_request(self):
        with http_server({"/in": (500, {}, "")}) as (port, _):
            row = self.send_to(port)
            now = timezone.now()
            for _try in range(deliveries.MOST_ATTEMPTS):
                now += timedelta(hours=2)
                assert deliveries.deliver(now=now) == 1
            assert deliveries.deliver(now=now + timedelta(days=1)) == 0
            row.refresh_from_db()
            assert row.state == "failed"
            with pytest.raises(Forbidden):
                deliveries.resend(row, actor=person("Op"), now=now)
            deliveries.resend(row, actor=person("Admin", username="boss"), now=now)
            assert EventLog.objects.get(event="delivery.resend").owner == "boss"
            assert deliveries.deliver(now=now) == 1

    def test_pauses_grow_to_an_hour(self):
        pauses = [deliveries.pause(number).total_seconds() for number in range(1, 8)]
        assert pauses == [10, 40, 160, 640, 2560, 3600, 3600]

    def test_a_channel_that_is_off_keeps_its_notices(self, channel):
        rule()
        failed_run()
        collect()
        channels.update(channel, actor=None, is_enabled=False)
        assert deliveries.deliver(now=timezone.now()) == 0
        assert Delivery.objects.get().state == "pending"

    def test_old_rows_go_and_those_that_wait_stay(self, channel):
        rule()
        failed_run()
        collect()
        old = timezone.now() - timedelta(days=31)
        Delivery.objects.update(created_at=old)
        assert deliveries.clean_up(now=timezone.now()) == 0
        Delivery.objects.update(state="delivered")
        assert deliveries.clean_up(now=timezone.now()) == 1


class TestActions:
    def test_a_dag_is_triggered_once_and_the_log_names_the_rule(self):
        make_dag("x", dag_id="mend")
        rule(action="trigger", dag_pattern="d*", target_dag_id="mend", target_conf={"n": 1})
        failed_run(dag_id="d1")
        (row,) = collect()
        assert deliveries.deliver(now=timezone.now()) == 1
        run = DagRun.objects.get(dag="mend")
        assert (run.run_id, run.conf) == (f"automation__{row.pk}", {"n": 1})
        row.refresh_from_db()
        assert (row.state, row.last_answer) == ("delivered", f"started mend automation__{row.pk}")
        assert EventLog.objects.get(event="automation.trigger").owner == "automation run_failed trigger"
        with pytest.raises(Conflict):
            deliveries.resend(row, actor=None, now=timezone.now())

    def test_what_is_refused_is_told_and_not_tried_again(self):
        dag = make_dag("x", dag_id="mend")
        rule(action="trigger", dag_pattern="d*", target_dag_id="mend")
        failed_run(dag_id="d1")
        collect()
        Dag.objects.filter(pk=dag.pk).update(is_active=False)
        deliveries.deliver(now=timezone.now())
        row = Delivery.objects.get()
        assert row.state == "failed"
        assert "not found" in row.last_answer
        assert not DagRun.objects.filter(dag="mend").exists()

    def test_two_rules_do_not_start_each_other_s_dags_for_ever(self):
        for name in "ab":
            make_dag("x", dag_id=name)
        rule("run_success", "trigger", name="a to b", dag_pattern="a", target_dag_id="b")
        rule("run_success", "trigger", name="b to a", dag_pattern="b", target_dag_id="a")
        make_run(Dag.objects.get(pk="a"), state=DagRunState.RUNNING)
        for _round in range(4):
            DagRun.objects.unfinished().update(state="success", end_date=timezone.now(), updated_at=timezone.now())
            collect()
            deliveries.deliver(now=timezone.now())
        assert DagRun.objects.filter(dag="b").count() == 1
        assert DagRun.objects.filter(dag="a").count() == 2

    def test_the_dag_is_paused(self):
        rule(action="pause")
        failed_run(dag_id="d1", is_paused=False)
        collect()
        deliveries.deliver(now=timezone.now())
        assert Dag.objects.get(pk="d1").is_paused is True

    def test_a_dataset_event_is_made(self):
        DatasetFactory(uri="s3://done")
        rule(action="dataset_event", target_dataset="s3://done")
        failed_run()
        collect()
        deliveries.deliver(now=timezone.now())
        assert datasets.visible_events(None).get().dataset.uri == "s3://done"

    def test_failed_tasks_are_cleared_once_for_each_run(self):
        rule(action="clear_failed")
        run = failed_run()
        collect()
        deliveries.deliver(now=timezone.now())
        assert states_of(run) == {"a": "", "b": ""}
        DagRun.objects.filter(pk=run.pk).override(DagRunState.FAILED, now=timezone.now())
        TaskInstance.objects.filter(run=run, task_id="a").update(state=S.FAILED)
        collect()
        deliveries.deliver(now=timezone.now())
        assert states_of(run) == {"a": "failed", "b": ""}
        assert Delivery.objects.count() == 1

    def test_a_row_that_another_process_took_is_left_to_it(self, channel):
        rule()
        failed_run()
        (row,) = collect()
        Delivery.objects.update(attempts=1)
        assert deliveries._take(row, timezone.now()) is False


@pytest.mark.parametrize(
    "fields",
    [
        {"name": " "},
        {"dag_pattern": " "},
        {"channel": None},
        {"action": "clear_failed", "event": "run_success"},
        {"action": "pause", "event": "dataset"},
        {"action": "trigger", "target_dag_id": "nowhere"},
        {"action": "trigger", "target_dag_id": "d1"},
        {"action": "trigger", "target_dag_id": "d1", "target_conf": [1], "dag_pattern": "x"},
        {"action": "dataset_event", "target_dataset": "s3://nowhere"},
        {"action": "dataset_event", "target_dataset": "s3://a", "event": "dataset"},
    ],
)
def test_rules_that_cannot_work_or_would_not_end_are_refused(channel, fields):
    make_dag("a", dag_id="d1")
    DatasetFactory(uri="s3://a")
    with pytest.raises(Invalid):
        automations.create(actor=None, **{"name": "r", "channel": channel, **fields})
    assert not Automation.objects.exists()


def test_a_name_is_taken_once(channel):
    automations.create(actor=None, name="r", channel=channel)
    with pytest.raises(Conflict):
        automations.create(actor=None, name="r", channel=channel)


@pytest.mark.django_db(transaction=True)
def test_the_thread_finds_and_does_and_outlives_a_problem(monkeypatch):
    looked, done = [], threading.Event()

    def deliver(*, now):
        looked.append(now)
        if len(looked) == 1:
            raise DatabaseError("away")
        done.set()
        return 0

    make_dag("a", dag_id="d1")
    automations.create(actor=None, name="r", event="run_failed", action="pause")
    Automation.objects.update(active_since=timezone.now() - timedelta(minutes=1))
    failed_run(dag_id="d2")
    monkeypatch.setattr(deliveries, "deliver", deliver)
    with Notifier(poll=0.01):
        assert done.wait(60)
    assert Delivery.objects.get().dag_id == "d2"
