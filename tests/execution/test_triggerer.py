"""The triggerer: who has which trigger, and what becomes of tasks when they fire."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from orchestration.conf import conf
from orchestration.execution import logs
from orchestration.execution.triggerer import clean_up, take
from orchestration.models import Job, TaskInstance, Trigger
from orchestration.states import JobState, JobType
from orchestration.states import TaskInstanceState as S
from tests.factories import JobFactory, TriggerFactory, make_dag, make_run
from tests.live import MANAGE


def triggerer_job(**columns: Any) -> Job:
    job: Any = JobFactory(job_type=JobType.TRIGGERER, **columns)
    return Job.objects.get(pk=job.pk)


def deferred(
    classpath: str = "airflow.triggers.testing.SuccessTrigger", kwargs: str = "{}", **columns: Any
) -> TaskInstance:
    run = make_run(make_dag("a"))
    ti = run.task_instances.get()
    trigger = Trigger.objects.create(classpath=classpath, kwargs=kwargs)
    values = {"state": S.DEFERRED, "trigger": trigger, "next_method": "go_on", "try_number": 1, **columns}
    for name, value in values.items():
        setattr(ti, name, value)
    ti.save()
    return ti


def fresh(ti: TaskInstance) -> TaskInstance:
    return TaskInstance.objects.select_related("run").get(pk=ti.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("owner", "is_taken"),
    [
        (None, True),
        ({"state": JobState.RUNNING}, False),
        ({"state": JobState.RUNNING, "latest_heartbeat": timezone.now() - timedelta(hours=1)}, True),
        ({"state": JobState.SUCCESS}, True),
    ],
)
def test_a_triggerer_takes_what_nobody_runs_or_a_dead_one_had(now, owner, is_taken):
    TriggerFactory(triggerer=None if owner is None else triggerer_job(**owner))
    me = triggerer_job()
    assert take(me, 10, now=now) == int(is_taken)
    assert (Trigger.objects.get().triggerer == me) is is_taken


@pytest.mark.django_db
def test_a_triggerer_takes_no_more_than_it_has_room_for(now):
    TriggerFactory.create_batch(5)
    one, other = triggerer_job(), triggerer_job()
    assert (take(one, 3, now=now), take(other, 3, now=now), take(one, 3, now=now)) == (3, 2, 0)


@pytest.mark.django_db
def test_triggers_that_no_task_waits_for_are_deleted():
    kept, cleared = deferred(), deferred()
    TriggerFactory()
    TaskInstance.objects.filter(pk=cleared.pk).update(state=S.NONE)
    assert clean_up() == 2
    assert [trigger.pk for trigger in Trigger.objects.all()] == [kept.trigger_id]
    assert fresh(cleared).trigger_id is None


@contextlib.contextmanager
def running_triggerer(**options: Any):
    extra = {f"AIRFLOW__{name.upper()}": str(value) for name, value in options.items()}
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "airflowsite.settings", **extra}
    process = subprocess.Popen([*MANAGE, "triggerer"], env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            assert process.wait(20) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def until(condition: Callable[[], Any], seconds: float = 40) -> Any:
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"It did not happen within {seconds} s.")


OWN_TRIGGERS = """
import asyncio, os, time
from airflow.triggers.base import BaseTrigger, TaskFailedEvent, TaskSuccessEvent, TriggerEvent
from airflow.models import Variable
class Own(BaseTrigger):
    def __init__(self, what):
        super().__init__()
        self.what = what
    def serialize(self):
        return ("own_triggers.Own", {"what": self.what})
    async def run(self):
        self.log.info("own trigger of %s", self.task_instance.task_id)
        if self.what == "block":
            time.sleep(2)
        if self.what == "raise":
            raise ValueError("broken trigger")
        if self.what == "die":
            if not os.path.exists(os.environ["AIRFLOW_HOME"] + "/died"):
                open(os.environ["AIRFLOW_HOME"] + "/died", "w").close()
                os._exit(1)
        if self.what == "ask":
            yield TriggerEvent(await asyncio.to_thread(Variable.get, "asked"))
        elif self.what == "succeed":
            yield TaskSuccessEvent(xcoms={"x": [1]})
        elif self.what == "poison":
            yield TriggerEvent({"n": 2**80, "half": "\\ud800"})
        elif self.what == "fail":
            yield TaskFailedEvent()
        elif self.what == "never":
            await asyncio.sleep(600)
        else:
            yield TriggerEvent({"what": self.what})
"""


@pytest.fixture
def own_triggers():
    path = conf.path("core", "dags_folder") / "own_triggers.py"
    path.write_text(OWN_TRIGGERS)


def own(what: str, **columns: Any) -> TaskInstance:
    return deferred("own_triggers.Own", f'{{"what": "{what}"}}', **columns)


@pytest.mark.processes
def test_triggers_fire_fail_end_and_ask(transactional_db, own_triggers):
    from orchestration.models import Variable, XCom

    Variable.objects.create(key="asked", val="answer")
    words = ("fire", "raise", "ask", "succeed", "fail", "die", "block", "never")
    tis = {word: own(word) for word in words}
    tis["late"] = own("never", trigger_timeout_at=timezone.now() + timedelta(seconds=1))
    tis["unknown"] = deferred("no.such.Trigger")
    tis["no_trigger"] = deferred("orchestration.conf.Configuration")
    tis["unreadable"] = own("fire")
    tis["poisoned"] = own("poison")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE orchestration_trigger SET kwargs = 'gAAAAAunderanotherkey' WHERE id = %s",
            [tis["unreadable"].trigger_id],
        )
    with running_triggerer(scheduler__trigger_timeout_check_interval=1):
        waiting = [ti for word, ti in tis.items() if word != "never"]
        until(lambda: all(fresh(ti).state != S.DEFERRED for ti in waiting))
        found = {word: fresh(ti) for word, ti in tis.items()}
        until(lambda: Trigger.objects.count() == 1)
    assert found["fire"].next_kwargs == {"event": {"what": "fire"}}
    assert found["ask"].next_kwargs == {"event": "answer"}
    assert {found[word].state for word in ("fire", "ask", "raise", "die", "block", "late")} == {S.SCHEDULED}
    assert "ValueError: broken trigger\n" in found["raise"].next_kwargs["traceback"]
    assert found["late"].next_kwargs == {"error": "Trigger timeout"}
    assert (found["succeed"].state, found["fail"].state) == (S.SUCCESS, S.FAILED)
    assert XCom.objects.get(task_instance=found["succeed"]).value == "[1]"
    assert found["die"].next_kwargs == {"event": {"what": "die"}}  # the process that runs triggers was started again
    assert found["never"].state == S.DEFERRED
    assert found["poisoned"].state == S.SCHEDULED
    for word in ("unknown", "no_trigger", "unreadable"):
        assert (found[word].next_method, found[word].next_kwargs["error"]) == ("__fail__", "Trigger failure")
    path = logs.log_path(
        dag_id=found["fire"].dag_id, run_id=found["fire"].run.run_id, task_id="a", map_index=-1, try_number=1
    )
    assert b"own trigger of a" in logs.read_try(path)[0]
    assert Trigger.objects.get().triggerer is None  # given back at the end
    assert Job.objects.get(job_type=JobType.TRIGGERER).state == JobState.SUCCESS


@pytest.mark.processes
def test_a_triggerer_that_was_taken_for_dead_loses_its_triggers_and_fires_nothing_twice(transactional_db, own_triggers):
    ti = own("never")
    options = {"scheduler__scheduler_health_check_threshold": 2, "triggerer__job_heartbeat_sec": 1}
    with running_triggerer(**options) as first:
        until(lambda: Trigger.objects.filter(triggerer__isnull=False).exists())
        owner = Trigger.objects.get().triggerer_id
        first.send_signal(signal.SIGSTOP)
        with running_triggerer(**options):
            until(lambda: Trigger.objects.get().triggerer_id not in {owner, None})
            first.send_signal(signal.SIGCONT)
            time.sleep(1)
            assert fresh(ti).state == S.DEFERRED
