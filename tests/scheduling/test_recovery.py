"""What nobody works on any more is found and mended."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from datetime import timedelta

import pytest

from orchestration.models import CallbackRequest, EventLog, Job, TaskInstance
from orchestration.scheduling import jobs, recovery
from orchestration.scheduling.recovery import STUCK_RETRIES
from orchestration.states import JobState
from tests.factories import JobFactory, make_dag, make_run, serialized, states_of

pytestmark = pytest.mark.django_db


def in_work(state: str, graph="a", **columns) -> TaskInstance:
    """An instance in its first try."""
    run = make_run(make_dag(graph))
    columns = {"try_number": 1, "claim": uuid.uuid4(), "updated_at": columns.get("start_date"), **columns}
    run.task_instances.update(state=state, **{name: value for name, value in columns.items() if value is not None})
    return run.task_instances.get()


# Lost tries


@pytest.mark.parametrize(("retries", "expected"), [(0, "failed"), (1, "up_for_retry")])
def test_a_running_try_without_a_heartbeat_is_failed_or_retried(now, retries, expected):
    old = now - timedelta(seconds=301)
    ti = in_work("running", serialized("a", tasks={"a": {"retries": retries}}), start_date=old, last_heartbeat_at=old)
    TaskInstance.objects.update(max_tries=retries)
    assert recovery.end_zombies(now=now) == {ti.run_id}
    ti.refresh_from_db()
    assert (ti.state, ti.claim) == (expected, None)
    assert "no sign of life for 300 seconds" in ti.reason
    assert EventLog.objects.filter(event="heartbeat timeout", task_id="a").count() == 1


def test_a_try_whose_heartbeat_is_fresh_or_that_just_began_lives(now):
    old = now - timedelta(seconds=301)
    in_work("running", serialized("a", dag_id="beats"), start_date=old, last_heartbeat_at=now - timedelta(seconds=299))
    in_work("running", serialized("a", dag_id="began"), start_date=now)
    assert recovery.end_zombies(now=now) == set()


def test_the_callback_of_a_lost_try_is_asked_for(now):
    graph = serialized("a", tasks={"a": {"has_on_failure_callback": True}})
    in_work("running", graph, start_date=now - timedelta(hours=1))
    recovery.end_zombies(now=now)
    assert CallbackRequest.objects.get().data["task_id"] == "a"


def test_a_lost_try_whose_dag_cannot_be_read_fails(now):
    ti = in_work("running", start_date=now - timedelta(hours=1))
    ti.run.dag_version = None
    ti.run.save()
    assert recovery.end_zombies(now=now) == {ti.run_id}


# Schedulers that died


def test_what_a_dead_scheduler_had_queued_is_ready_again_and_the_old_message_is_fenced(now):
    dead = JobFactory.create(state="failed")
    ti = in_work("queued", queued_by_job=dead, queued_at=now)
    assert recovery.requeue_orphans(now=now) == 1
    ti.refresh_from_db()
    assert (ti.state, ti.claim, ti.queued_by_job, ti.queued_at, ti.try_number) == ("scheduled", None, None, None, 1)


def test_what_a_living_scheduler_had_queued_is_left_to_it(now):
    in_work("queued", queued_by_job=JobFactory.create(), queued_at=now)
    assert recovery.requeue_orphans(now=now) == 0


def test_what_was_queued_by_a_job_that_was_deleted_is_ready_again(now):
    in_work("queued", queued_at=now)
    assert recovery.requeue_orphans(now=now) == 1


def test_a_scheduler_without_heartbeat_is_buried(now):
    silent = JobFactory.create(latest_heartbeat=now - timedelta(seconds=31), hostname="elsewhere")
    living = JobFactory.create(latest_heartbeat=now - timedelta(seconds=20), hostname="elsewhere")
    assert jobs.bury_dead() == 1
    assert dict(Job.objects.values_list("pk", "state")) == {silent.pk: "failed", living.pk: "running"}


def test_a_scheduler_of_this_machine_whose_process_is_gone_is_buried_at_once():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    mine = Job.objects.get(pk=jobs.start("LocalExecutor"))
    gone = JobFactory.create(hostname=mine.hostname, pid=process.pid)
    assert mine.pid == os.getpid()
    assert jobs.bury_dead() == 1
    assert dict(Job.objects.values_list("pk", "state")) == {mine.pk: "running", gone.pk: "failed"}


def test_a_scheduler_that_was_taken_for_dead_lives_on_and_knows_it():
    job_id = jobs.start("LocalExecutor")
    assert jobs.beat(job_id)
    Job.objects.update(state="failed")
    assert not jobs.beat(job_id)
    assert jobs.beat(job_id)
    jobs.end(job_id, JobState.SUCCESS)
    assert Job.objects.get().state == "success"


# Messages that went astray


def test_what_the_executor_does_not_have_is_ready_again_after_a_moment(now):
    job = JobFactory.create()
    lost = in_work("queued", serialized("a", dag_id="lost"), queued_by_job=job, queued_at=now - timedelta(seconds=6))
    has = in_work("queued", serialized("a", dag_id="has"), queued_by_job=job, queued_at=now - timedelta(seconds=6))
    new = in_work("queued", serialized("a", dag_id="new"), queued_by_job=job, queued_at=now)
    assert recovery.requeue_unsent(job_id=job.pk, in_hand={has.pk}, now=now) == 1
    states = dict(TaskInstance.objects.values_list("pk", "state"))
    assert states == {lost.pk: "scheduled", has.pk: "queued", new.pk: "queued"}


def test_a_try_that_waits_too_long_is_sent_again_and_fails_in_the_end(now):
    job = JobFactory.create()
    ti = in_work("queued", queued_by_job=job, queued_at=now - timedelta(seconds=601))
    for _ in range(STUCK_RETRIES):
        assert recovery.requeue_stuck(job_id=job.pk, now=now) == (frozenset({ti.pk}), set())
        ti.refresh_from_db()
        assert (ti.state, ti.claim) == ("scheduled", None)
        TaskInstance.objects.update(
            state="queued", queued_by_job=job, queued_at=now - timedelta(seconds=601), claim=uuid.uuid4()
        )
    assert recovery.requeue_stuck(job_id=job.pk, now=now) == (frozenset({ti.pk}), {ti.run_id})
    ti.refresh_from_db()
    assert ti.state == "failed"
    assert EventLog.objects.filter(event="stuck in queued reschedule").count() == STUCK_RETRIES


def test_a_try_that_waits_a_while_waits_on(now):
    job = JobFactory.create()
    in_work("queued", queued_by_job=job, queued_at=now - timedelta(seconds=599))
    assert recovery.requeue_stuck(job_id=job.pk, now=now) == (frozenset(), set())


# What operators took away


@pytest.mark.parametrize(
    ("state", "has_claim", "is_lost"),
    [
        ("running", True, False),
        ("queued", True, False),
        ("running", False, True),
        ("success", False, True),
        ("", False, True),
        ("restarting", False, True),
    ],
)
def test_a_try_without_its_claim_is_lost_to_its_executor(state, has_claim, is_lost):
    ti = in_work(state, claim=uuid.uuid4())
    if not has_claim:
        TaskInstance.objects.update(claim=None)
    assert recovery.lost_claims({ti.pk}) == ({ti.pk} if is_lost else frozenset())


def test_a_deleted_instance_is_lost_to_its_executor():
    assert recovery.lost_claims({12345}) == {12345}


def test_a_cleared_try_whose_process_nobody_has_may_be_scheduled_again(now):
    old = now - timedelta(seconds=31)
    gone = in_work("restarting", serialized("a", dag_id="gone"), start_date=old, last_heartbeat_at=old)
    held = in_work("restarting", serialized("a", dag_id="held"), start_date=old, last_heartbeat_at=old)
    beats = in_work("restarting", serialized("a", dag_id="beats"), start_date=old, last_heartbeat_at=now)
    assert recovery.free_restarting(in_hand={held.pk}, now=now) == {gone.run_id}
    states = dict(TaskInstance.objects.values_list("pk", "state"))
    assert states == {gone.pk: "", held.pk: "restarting", beats.pk: "restarting"}


def test_deferred_tasks_time_out(now):
    ti = in_work("deferred", trigger_timeout_at=now - timedelta(seconds=1))
    in_work("deferred", serialized("a", dag_id="waits"), trigger_timeout_at=now + timedelta(seconds=1))
    assert recovery.time_out_deferred(now=now) == {ti.run_id}
    ti.refresh_from_db()
    assert (ti.state, ti.next_method) == ("scheduled", "__fail__")


def test_instances_that_became_ready_in_an_ended_run_lose_their_state(now):
    run = make_run(make_dag("a"), {"a": "scheduled"}, state="failed")
    other = make_run(make_dag("a"), {"a": "scheduled"})
    assert recovery.drop_scheduled_of_ended_runs(now=now) == 1
    assert (states_of(run), states_of(other)) == ({"a": ""}, {"a": "scheduled"})


def test_looking_costs_one_query_each_while_there_is_nothing_to_mend(now, django_assert_max_num_queries):
    with django_assert_max_num_queries(1):
        recovery.end_zombies(now=now)
    with django_assert_max_num_queries(1):
        recovery.requeue_unsent(job_id=1, in_hand=(), now=now)
    with django_assert_max_num_queries(1):
        recovery.requeue_stuck(job_id=1, now=now)
    with django_assert_max_num_queries(1):
        recovery.free_restarting(in_hand=(), now=now)
