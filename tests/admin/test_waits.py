"""Why a run or a task does not go on: one sentence for each reason, what it leads to, and what it costs."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.urls import reverse
from django.utils import timezone

from orchestration.access import permissions, roles
from orchestration.models import DagRun, Job, TaskInstance
from tests.admin.conftest import client_of
from tests.factories import BackfillFactory, JobFactory, PoolFactory, TriggerFactory, make_dag, make_run, serialized
from tests.people import person, role

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)"
#: No page may cost more.
MOST_QUERIES = 30


@pytest.fixture
def alive() -> Job:
    """A scheduler and a triggerer that live."""
    JobFactory(job_type="TriggererJob", hostname="night")
    return JobFactory(hostname="day")


def run_page(run: DagRun) -> str:
    return reverse("admin:desk_run", args=(run.dag_id, run.run_id))


def task_page(run: DagRun, task_id: str = "a") -> str:
    return reverse("admin:desk_task", args=(run.dag_id, run.run_id, task_id))


def told(client, address: str) -> list[str]:
    """What the page's banner says, line by line, its links as ``[text]``; nothing where there is none."""
    page = client.get(address).content.decode()
    banner = re.search(
        r"<strong>Why it (?:is not running yet|does not go on|did not run)</strong><ul.*?</ul>", page, re.S
    )
    lines = re.findall(r"<li>(.*?)</li>", banner.group() if banner else "", re.S)
    return [unescape(re.sub(r"<[^>]+>", "", re.sub(r"<a [^>]*>(.*?)</a>", r"[\1]", line))) for line in lines]


def links(client, address: str) -> set[str]:
    page = client.get(address).content.decode()
    return set(re.findall(r"<li>.*?href='([^']*)'.*?</li>", page))


def one_task(states: str = "", *, task=None, dag=None, run=None) -> DagRun:
    """A run of a DAG with the one task a, in this state."""
    row = make_dag(serialized("a", dag_id="d1", tasks={"a": task or {}}), **(dag or {}))
    return make_run(row, {"a": states}, **{"run_id": "r1", **(run or {})})


# ------------------------------------------------------------ runs that wait for each other


def jammed(most: int = 1) -> tuple[DagRun, list[DagRun]]:
    """A queued run, and the active ones that fill max_active_runs and wait for it."""
    shape = serialized("a", dag_id="d1", tasks={"a": {"depends_on_past": True}}, catchup=False)
    dag = make_dag(shape, max_active_runs=most)
    first = make_run(dag, run_id="first", state="queued")
    return first, [make_run(dag, run_id=f"later{number}") for number in range(most)]


WAYS = (
    "Mark {} as queued, so that {} goes first. Or mark as success {} what is waited for, delete one of {}, or raise "
    "max_active_runs in the DAG’s file."
)


def test_two_runs_that_wait_for_each_other_say_so_on_each_page(desk, alive):
    first, (later,) = jammed()
    ways = WAYS.format("this run", "[first]", "there", "the two")
    rest = (
        "for the run [first] before it, which is queued: only 1 run of this DAG may be active (max_active_runs), and "
        "this one is, so neither goes on by itself. " + ways
    )
    assert told(desk, run_page(later)) == [f"Run before: [a] waits {rest}"]
    assert f"Previous Dagrun State: It waits {rest}" in told(desk, task_page(later))
    there = (
        "Active runs: Only 1 run of this DAG may be active (max_active_runs), and [later0] is. That run waits in turn "
        "for this one (depends_on_past), so neither goes on by itself. "
    ) + WAYS.format("[later0]", "this one", "here", "the two")
    assert told(desk, run_page(first)) == [there]
    assert there in told(desk, task_page(first))
    assert links(desk, run_page(first)) == {run_page(later)}
    assert links(desk, run_page(later)) == {task_page(later)}
    assert run_page(first) in desk.get(run_page(later)).content.decode()


def test_several_runs_that_wait_for_each_other_name_the_one_behind_them(desk, alive):
    first, (later, last) = jammed(2)
    for run, before, state in ((later, "first", "queued"), (last, "later0", "running")):
        assert told(desk, run_page(run)) == [
            f"Run before: [a] waits for the run [{before}] before it, which is {state}: only 2 runs of this DAG may be "
            "active (max_active_runs), and 2 are, this one among them. Each of them waits for the run before it, the "
            "oldest for [first], which is queued, so none goes on by itself. "
            + WAYS.format("this run", "[first]", "there", "these runs")
        ]
    assert told(desk, run_page(first)) == [
        "Active runs: Only 2 runs of this DAG may be active (max_active_runs), and [later0], [later1] are. Each of "
        "them waits for the run before it (depends_on_past), the oldest for this one, so none goes on by itself. "
        + WAYS.format("one of them", "this one", "here", "these runs")
    ]
    other = make_run(first.dag, run_id="other", state="queued")  # as stuck, and not what is waited for
    assert "the oldest for [first], so none" in told(desk, run_page(other))[0]
    assert (
        "Mark one of them as queued, so that [first] goes first. Or mark as success there"
        in told(desk, run_page(other))[0]
    )


def test_where_the_limit_was_lowered_more_than_one_run_must_make_place(desk, alive):
    first, (later, _) = jammed(2)
    first.dag.max_active_runs = 1
    first.dag.save()
    for run in (first, later):
        assert "Mark 2 of them as queued, so that" in told(desk, run_page(run))[0]


def test_the_way_out_is_a_button_for_those_who_may(desk, alive):
    first, (later,) = jammed()
    button = "Mark this run as queued</button>"
    assert button in desk.get(run_page(later)).content.decode()
    assert button not in desk.get(run_page(first)).content.decode()
    assert button not in client_of(person("Viewer")).get(run_page(later)).content.decode()
    mark = reverse("admin:desk_run_mark", args=("d1", "later0"))
    assert desk.post(mark, {"state": "queued"}, content_type="application/json").json() == {"state": "queued"}
    assert told(desk, run_page(first)) == []
    assert button not in desk.get(run_page(later)).content.decode()


def test_who_may_not_read_tasks_is_told_of_the_runs_only(alive):
    _, (later,) = jammed()
    pairs = [pair for pair in roles.BUILT_IN[roles.VIEWER] if pair.resource != permissions.TASK_INSTANCES]
    role("runs only", pairs)
    (line,) = told(client_of(person("runs only")), run_page(later))
    assert line.startswith("Run before: It waits for the run [first] before it, which is queued: only 1 run")


@pytest.mark.parametrize("many", [1, 12])
def test_pages_of_what_waits_cost_a_fixed_number_of_queries(desk, alive, many, django_assert_max_num_queries):
    first, active = jammed(many)
    dag = make_dag("a, b, c, d, e", dag_id="d2", max_active_tasks=many)
    run = make_run(dag, {"a": "scheduled", "b": "deferred", "c": "up_for_retry"}, run_id="busy")
    for number in range(many):
        make_run(dag, {"a": "scheduled", "b": "queued"}, run_id=f"r{number}")
    PoolFactory.create_batch(many)
    costs = {
        run_page(first): 15,
        run_page(active[-1]): 16,
        run_page(run): 16,
        task_page(first): 24,
        task_page(active[-1]): 26,
        task_page(run): 24,
        task_page(run, "c"): 24,
    }
    for address, cost in costs.items():
        desk.get(address)
        with django_assert_max_num_queries(min(cost, MOST_QUERIES)):
            assert desk.get(address).status_code == 200


def test_names_in_the_sentences_are_never_markup(desk):
    shape = serialized("a", dag_id="d1", tasks={"a": {"depends_on_past": True}}, catchup=False)
    dag = make_dag(shape, max_active_runs=1, put_aside_reason=HOSTILE)
    first = make_run(dag, run_id=f"{HOSTILE}'1", state="queued")
    later = make_run(dag, {"a": ""}, run_id=f"{HOSTILE}'2")
    later.task_instances.update(pool=HOSTILE, queue=HOSTILE)
    other = make_run(dag, {"a": "deferred"}, run_id=f"{HOSTILE}'3")
    other.task_instances.update(trigger=TriggerFactory(classpath=HOSTILE))
    for address in (run_page(first), run_page(later), task_page(later), task_page(other)):
        page = desk.get(address).content.decode()
        assert "<script>alert" not in page, address
        assert "&lt;script&gt;alert" in page, address
    DagRun.objects.filter(pk=first.pk).update(run_id=f"{HOSTILE}</script>")  # no address can hold it
    page = desk.get(run_page(later)).content.decode()
    assert "for the run &lt;script&gt;alert(1)&lt;/script&gt; before it" in page


# ------------------------------------------------------------ what keeps a run


def test_a_run_that_is_over_or_goes_on_says_nothing(desk, alive):
    dag = make_dag("a", dag_id="d1")
    for state, task in (("success", "success"), ("failed", "failed"), ("running", "running"), ("queued", "")):
        assert told(desk, run_page(make_run(dag, {"a": task}, run_id=state, state=state))) == [], state


@pytest.mark.parametrize(
    ("dag", "run", "expected"),
    [
        ({"is_paused": True}, {}, ["DAG: The DAG is paused: no task of this run starts until it is made active."]),
        ({"is_paused": True}, {"run_type": "backfill"}, []),
        ({"put_aside_reason": "it has a cycle"}, {}, ["DAG: The scheduler has put the DAG aside: it has a cycle"]),
        (
            {"is_active": False},
            {"state": "queued"},
            ["DAG: No file defines this DAG any more: the run stays queued until one does. Else delete it."],
        ),
        ({"is_active": False}, {}, []),
    ],
)
def test_the_dag_s_switches_are_told_on_a_run_s_page(desk, alive, dag, run, expected):
    assert told(desk, run_page(one_task("", dag=dag, run=run))) == expected


def test_a_run_ahead_of_its_date_says_when_it_goes_on(desk, alive, monkeypatch):
    ahead = timezone.now() + timedelta(days=1)
    run = one_task(run={"logical_date": ahead, "state": "queued"})
    assert told(desk, run_page(run)) == [
        f"Date: It is for {ahead:%Y-%m-%d %H:%M:%S} UTC, which lies ahead. It goes on then."
    ]
    monkeypatch.setenv("AIRFLOW__SCHEDULER__ALLOW_TRIGGER_IN_FUTURE", "True")
    assert told(desk, run_page(run)) == []


def test_a_run_behind_others_names_them(desk, alive):
    dag = make_dag("a", dag_id="d1", max_active_runs=4)
    for number in range(4):
        make_run(dag, {"a": "running"}, run_id=f"r{number}")
    run = make_run(dag, run_id="waits", state="queued")
    assert told(desk, run_page(run)) == [
        "Active runs: Only 4 runs of this DAG may be active (max_active_runs), and [r0], [r1], [r2] and 1 more are. "
        "It starts when one of them has ended."
    ]
    dag.max_active_runs = 5
    dag.save()
    assert told(desk, run_page(run)) == []


def test_a_backfill_s_run_waits_for_its_backfill_and_not_for_the_dag_s_places(desk, alive):
    dag = make_dag("a", dag_id="d1", max_active_runs=1)
    make_run(dag, {"a": "running"}, run_id="r0")
    backfill = BackfillFactory(dag=dag, max_active_runs=1)
    run = make_run(dag, run_id="r1", state="queued", run_type="backfill", backfill=backfill)
    assert told(desk, run_page(run)) == []
    make_run(dag, {"a": "running"}, run_id="r2", run_type="backfill", backfill=backfill)
    assert told(desk, run_page(run)) == [
        "Backfill: As many runs of its backfill are active as may be: 1. It starts when one of them has ended."
    ]
    backfill.is_paused = True
    backfill.save()
    assert told(desk, run_page(run)) == ["Backfill: Its backfill is paused. Unpause it to let its runs start."]


@pytest.mark.parametrize(
    ("job", "command", "expected"),
    [
        ("SchedulerJob", "scheduler", "Nothing starts until one runs: airflowsite scheduler"),
        ("TriggererJob", "triggerer", "No trigger fires until one runs: airflowsite triggerer"),
    ],
)
def test_a_process_that_is_gone_is_told_with_its_last_sign_of_life(desk, alive, job, command, expected):
    run = one_task("deferred")
    run.task_instances.update(trigger=TriggerFactory())
    told_by = {address: told(desk, address) for address in (run_page(run), task_page(run))}
    assert not any("until one runs" in line for lines in told_by.values() for line in lines)
    silent = timezone.now() - timedelta(hours=1)
    Job.objects.filter(job_type=job).update(latest_heartbeat=silent)
    gone = f"No {command} is alive; the last sign of life was at {silent:%Y-%m-%d %H:%M:%S} UTC. {expected}"
    for address, lines in told_by.items():
        assert set(told(desk, address)) - set(lines) == {f"{command.title()}: {gone}"}
    Job.objects.filter(job_type=job).delete()
    for address in told_by:
        assert f"{command.title()}: No {command} was ever started. {expected}" in told(desk, address)


def test_a_run_whose_tasks_all_wait_says_for_what_and_since_when(desk, alive):
    now = timezone.now()
    run = make_run(make_dag("a, b, c, d", dag_id="d1"), run_id="r1")
    run.task_instances.filter(task_id="a").update(state="up_for_retry", not_before=now + timedelta(hours=2))
    run.task_instances.filter(task_id="b").update(state="up_for_reschedule", not_before=now + timedelta(hours=1))
    run.task_instances.filter(task_id__in="cd").update(state="deferred")
    due = f"{now + timedelta(hours=1):%Y-%m-%d %H:%M:%S}"
    assert told(desk, run_page(run)) == [
        f"Time: 2 tasks wait for a next try or check, the first due at {due} UTC.",
        "Triggers: 2 tasks are deferred, until a trigger fires.",
    ]
    run.task_instances.filter(task_id="a").update(state="queued", queued_at=now - timedelta(minutes=5))
    sent = f"{now - timedelta(minutes=5):%Y-%m-%d %H:%M:%S}"
    assert told(desk, run_page(run)) == [
        f"Executor: 1 task waits for a process of the executor to begin, the longest since {sent} UTC."
    ]
    run.task_instances.filter(task_id="a").update(state="running")
    assert told(desk, run_page(run)) == []


# ------------------------------------------------------------ places


@pytest.mark.parametrize(
    ("slots", "wanted", "expected"),
    [
        (0, 1, "The pool p has no slots, so nothing starts in it. Give it some."),
        (
            2,
            3,
            "The pool p has 2 slots in all, and 3 are wanted at once. Raise the pool’s slots, or lower pool_slots in "
            "the DAG’s file.",
        ),
        (
            2,
            1,
            "Of the 2 slots of the pool p 2 are taken, and 1 is wanted. It starts when they are free. [See what runs]",
        ),
        (3, 1, None),
        (-1, 9, None),
    ],
)
def test_a_pool_without_room_is_told_on_both_pages(desk, alive, slots, wanted, expected):
    PoolFactory(name="p", slots=slots)
    run = one_task("scheduled")
    run.task_instances.update(pool="p", pool_slots=wanted)
    other = make_run(run.dag, {"a": "running"}, run_id="other")
    other.task_instances.update(pool="p", pool_slots=2)
    assert told(desk, run_page(run)) == ([] if expected is None else [f"Pool: {expected}"])
    assert told(desk, task_page(run)) == ([] if expected is None else [f"Pool Slots Available: {expected}"])


def test_a_pool_that_is_not_there_is_told_on_both_pages(desk, alive):
    run = one_task("scheduled")
    run.task_instances.update(pool="nowhere")
    assert told(desk, run_page(run)) == [
        "Pool: There is no pool nowhere. Make it, or name another one in the DAG’s file."
    ]
    assert told(desk, task_page(run))[0].startswith("Pool Slots Available: There is no pool nowhere.")


def test_max_active_tasks_leads_to_what_runs(desk, alive):
    run = one_task("scheduled", dag={"max_active_tasks": 1})
    make_run(run.dag, {"a": "running"}, run_id="other")
    sentence = (
        "As many tasks of the DAG are at work as may be (max_active_tasks): 1. It starts when one ends. [See what runs]"
    )
    assert told(desk, run_page(run)) == [f"Active tasks: {sentence}"]
    assert told(desk, task_page(run)) == [f"Task Instance Slots Available: {sentence}"]
    (address,) = links(desk, task_page(run))
    assert "other" in desk.get(unescape(address)).content.decode()


def test_schedulers_that_have_all_the_tries_they_may_have_are_told(desk, alive, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "1")
    run = one_task("scheduled")
    assert told(desk, run_page(run)) == told(desk, task_page(run)) == []
    make_run(run.dag, {"a": "running"}, run_id="other")
    expected = [
        "Executor: The schedulers have as many tries in hand as they may: 1 (core.parallelism is 1 for each "
        "scheduler). It is sent when one of them has ended."
    ]
    assert told(desk, run_page(run)) == told(desk, task_page(run)) == expected
    JobFactory()
    assert told(desk, run_page(run)) == told(desk, task_page(run)) == []


# ------------------------------------------------------------ what keeps an instance


def test_an_instance_in_the_executor_s_hands_says_since_when_and_what_it_needs(desk, alive, monkeypatch):
    at = timezone.now() - timedelta(minutes=5)
    run = one_task("queued")
    run.task_instances.update(queued_at=at, queued_by_job=alive, queue="big")
    begin = f"Executor: It was sent to the executor at {at:%Y-%m-%d %H:%M:%S} UTC and waits for"
    end = "After 10 min without one it is sent again. [Workers and queues] shows who is there."
    assert told(desk, task_page(run)) == [f"{begin} a process on day. {end}"]
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    assert told(desk, task_page(run)) == [f"{begin} a worker that serves the queue big. {end}"]
    role("narrow", [pair for pair in roles.BUILT_IN[roles.VIEWER] if pair.resource != permissions.JOBS])
    assert told(client_of(person("narrow")), task_page(run)) == [
        f"{begin} a worker that serves the queue big. After 10 min without one it is sent again."
    ]
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor,CeleryExecutor")
    assert told(desk, task_page(run)) == [f"{begin} a process on day. {end}"]
    run.task_instances.update(executor="CeleryExecutor")
    assert told(desk, task_page(run)) == [f"{begin} a worker that serves the queue big. {end}"]
    JobFactory()
    Job.objects.filter(pk=alive.pk).update(latest_heartbeat=timezone.now() - timedelta(hours=1))
    assert told(desk, task_page(run)) == [
        f"Executor: The scheduler that sent it at {at:%Y-%m-%d %H:%M:%S} UTC is gone. The next one sends it again."
    ]


def test_a_deferred_instance_says_what_it_waits_for(desk, alive):
    run = one_task("deferred")
    trigger = TriggerFactory(classpath="x.Hour")
    run.task_instances.update(trigger=trigger)
    assert told(desk, task_page(run)) == [
        "Trigger: It goes on when the trigger x.Hour fires, which no triggerer has taken yet."
    ]
    trigger.triggerer = Job.objects.get(job_type="TriggererJob")
    trigger.save()
    until = timezone.now() + timedelta(hours=1)
    run.task_instances.update(trigger_timeout_at=until)
    assert told(desk, task_page(run)) == [
        "Trigger: It goes on when the trigger x.Hour fires, in the triggerer on night, at the latest at "
        f"{until:%Y-%m-%d %H:%M:%S} UTC."
    ]
    run.task_instances.update(trigger=None)
    assert told(desk, task_page(run)) == [
        "Trigger: Its trigger is gone, so nothing wakes it. Clear the task to try it again."
    ]


@pytest.mark.parametrize(
    ("state", "name", "begin"),
    [
        ("up_for_retry", "Retry", "Try 2 did not succeed; the next"),
        ("up_for_reschedule", "Next check", "It is a sensor that checks again; that"),
    ],
)
def test_what_is_tried_or_checked_again_says_when_and_what_else_keeps_it(desk, alive, state, name, begin):
    run = one_task(state)
    at = timezone.now() + timedelta(hours=1)
    run.task_instances.update(try_number=2, not_before=at)
    assert told(desk, task_page(run)) == [f"{name}: {begin} is due at {at:%Y-%m-%d %H:%M:%S} UTC."]
    past = timezone.now() - timedelta(minutes=1)
    run.task_instances.update(not_before=past)
    run.dag.is_paused = True
    run.dag.save()
    assert told(desk, task_page(run)) == [
        f"{name}: {begin} was due at {past:%Y-%m-%d %H:%M:%S} UTC: the scheduler’s next look starts it.",
        "Dag Not Paused: The DAG d1 is paused. Unpause it to let its tasks start.",
    ]


def test_a_cleared_try_that_still_runs_is_ended_first(desk, alive):
    assert told(desk, task_page(one_task("restarting"))) == [
        "Process: It was cleared while it ran: its process is being ended, and then it is tried again."
    ]


def test_an_instance_of_a_run_that_does_not_run_says_why_the_run_does_not(desk, alive):
    run = one_task(run={"state": "queued"}, dag={"max_active_runs": 1})
    make_run(run.dag, {"a": "running"}, run_id="other")
    lines = told(desk, task_page(run))
    assert lines[0] == "Dagrun Running: Tasks start while their run is running; this run is queued."
    assert lines[1].startswith("Active runs: Only 1 run of this DAG may be active (max_active_runs), and [other] is.")
    DagRun.objects.filter(pk=run.pk).update(state="failed")
    assert told(desk, task_page(run))[0].endswith("this run is failed. Clear the task, and the run goes on with it.")


@pytest.mark.parametrize(
    ("state", "task", "expected"),
    [
        ("running", "running", ", and where [a] is running. It goes on when that has succeeded."),
        ("queued", "", ", and where [a] has no state. It goes on when that has succeeded."),
        ("failed", "failed", ", and where [a] is failed. Clear that, or mark it as success."),
        (
            "failed",
            None,
            " and has no instance of this task. Queue new tasks there, or set ignore_first_depends_on_past if no run "
            "before had one.",
        ),
    ],
)
def test_the_run_before_is_linked_with_what_it_lacks(desk, alive, state, task, expected):
    shape = serialized("a", dag_id="d1", tasks={"a": {"depends_on_past": True}}, catchup=False)
    dag = make_dag(shape)
    make_run(dag, {"a": "success"}, run_id="older", state="success")
    before = make_run(dag, {"a": task or ""}, run_id="before", state=state)
    if task is None:
        before.task_instances.all().delete()
    run = make_run(dag, run_id="r1")
    assert (
        f"Previous Dagrun State: It waits for the run [before] before it (depends_on_past), which is {state}{expected}"
        in (told(desk, task_page(run)))
    )
    then = "Its page says what it waits for."
    then = "What did not succeed there must be cleared, or marked as success." if state == "failed" else then
    assert told(desk, run_page(run)) == [
        f"Run before: [a] waits for the run [before] before it (depends_on_past), which is {state}. {then}"
    ]


def test_with_wait_for_downstream_what_follows_the_task_is_named_too(desk, alive):
    tasks = {"a": {"depends_on_past": True, "wait_for_downstream": True}}
    dag = make_dag(serialized("a >> b", dag_id="d1", tasks=tasks, catchup=False))
    make_run(dag, {"a": "success", "b": "running"}, run_id="before")
    run = make_run(dag, run_id="r1")
    assert any("and where [b] is running." in line for line in told(desk, task_page(run)))


def test_what_did_not_run_by_its_trigger_rule_says_what_the_rule_met(desk, alive):
    run = make_run(
        make_dag("a >> d, b >> d, c >> d", dag_id="d1"),
        {"a": "success", "b": "failed", "c": "upstream_failed", "d": "upstream_failed"},
        run_id="r1",
        state="failed",
    )
    expected = (
        "Trigger Rule: Its trigger rule is all_success, and upstream of it [b] is failed, [c] is upstream failed, "
    )
    assert told(desk, task_page(run, "d")) == [expected + "[a] is success."]
    DagRun.objects.update(state="running")
    TaskInstance.objects.filter(task_id="c").update(state="")
    TaskInstance.objects.filter(task_id="b").update(state="running")
    TaskInstance.objects.filter(task_id="d").update(state="")
    assert told(desk, task_page(run, "d")) == [
        "Trigger Rule: Its trigger rule is all_success, and upstream of it [b] is running, [c] has no state.",
        "Task Instance State: The scheduler has not chosen it yet: it has no state.",
    ]
    TaskInstance.objects.filter(task_id="d").update(state="skipped", reason="Skipped by b.")
    assert told(desk, task_page(run, "d")) == []
