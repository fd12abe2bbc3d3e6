"""Due runs are made: by timetables, by dataset events, within limits, each once."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from orchestration.models import Dag, DagDatasetReference, DagRun, DatasetEvent, DatasetQueuedEvent
from orchestration.scheduling import creation, due
from orchestration.scheduling.creation import create_for_datasets, create_scheduled, renew, renew_stalled
from tests.factories import (
    START,
    BackfillFactory,
    DatasetAliasFactory,
    DatasetEventFactory,
    DatasetFactory,
    DatasetQueuedEventFactory,
    make_dag,
    make_run,
    serialized,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
DAILY = {"type": "cron_data_interval", "expression": "0 0 * * *", "timezone": "UTC"}
#: A moment at which the runs of the first ten days are due.
LATER = START + 10 * DAY


def due_dag(dag_id: str = "daily", **fields):
    """A daily DAG from START on, of which no run was made yet."""
    columns = {name: fields.pop(name) for name in ("is_paused", "is_active", "has_import_errors") if name in fields}
    graph = serialized("a", **{"dag_id": dag_id, "timetable": DAILY, "max_active_runs": 16, **fields})
    return make_dag(
        graph,
        next_dagrun=START,
        next_dagrun_data_interval_start=START,
        next_dagrun_data_interval_end=START + DAY,
        next_dagrun_create_after=START + DAY,
        **columns,
    )


def create(now=LATER, limit=10) -> int:
    return create_scheduled(now=now, job_id=None, limit=limit)


def test_the_next_run_is_made_with_its_instances_and_the_one_after_it_noted():
    dag = due_dag()
    assert create() == 1
    run = DagRun.objects.get()
    assert (run.run_id, run.run_type, run.state) == ("scheduled__2024-01-01T00:00:00+00:00", "scheduled", "queued")
    assert (run.logical_date, run.data_interval_end, run.queued_at) == (START, START + DAY, LATER)
    assert (run.external_trigger, run.dag_version, run.conf) == (False, dag.current_version, {})
    assert run.task_instances.get().task_id == "a"
    dag.refresh_from_db()
    assert (dag.next_dagrun, dag.next_dagrun_create_after) == (START + DAY, START + 2 * DAY)
    assert (dag.next_dagrun_data_interval_start, dag.next_dagrun_data_interval_end) == (START + DAY, START + 2 * DAY)


@pytest.mark.parametrize(
    "fields",
    [{"is_paused": True}, {"is_active": False}, {"has_import_errors": True}],
    ids=lambda fields: next(iter(fields)),
)
def test_no_run_is_made_of_a_dag_that_is_switched_off(fields):
    due_dag(**fields)
    assert create() == 0
    assert not DagRun.objects.exists()


def test_no_run_is_made_before_its_time():
    due_dag()
    assert create(now=START + DAY - timedelta(seconds=1)) == 0


def test_with_catchup_all_missed_runs_are_made_without_gap_and_only_as_many_as_may_be_active():
    dag = due_dag(max_active_runs=3)
    for _ in range(6):
        create()
    assert list(DagRun.objects.values_list("logical_date", flat=True)) == [START, START + DAY, START + 2 * DAY]
    dag.refresh_from_db()
    # As the API of the reference shows it: the last run made, and no moment for another.
    assert (dag.next_dagrun, dag.next_dagrun_create_after) == (START + 2 * DAY, None)


def test_the_end_of_a_run_makes_room_for_the_next_one():
    dag = due_dag(max_active_runs=1)
    create()
    DagRun.objects.update(state="success")
    renew([dag.dag_id], now=LATER)
    dag.refresh_from_db()
    assert dag.next_dagrun_create_after == START + 2 * DAY
    create()
    assert DagRun.objects.count() == 2


def test_a_dag_that_got_room_by_other_ways_goes_on_too():
    dag = due_dag(max_active_runs=1)
    create()
    assert renew_stalled(now=LATER) == 0
    DagRun.objects.all().delete()
    assert renew_stalled(now=LATER) == 1
    dag.refresh_from_db()
    assert dag.next_dagrun_create_after == START + DAY


def test_a_backfills_runs_take_no_room():
    dag = due_dag(max_active_runs=1)
    make_run(dag, run_type="backfill", backfill=BackfillFactory.create(dag=dag), logical_date=START - DAY)
    create()
    assert DagRun.objects.filter(run_type="scheduled").count() == 1


def test_without_catchup_a_long_pause_makes_one_run(now):
    due_dag(catchup=False)
    for _ in range(5):
        create(now=now)
    run = DagRun.objects.get()
    assert timedelta(0) <= now - run.data_interval_end < DAY


def test_a_run_that_is_there_already_is_passed_by():
    dag = due_dag()
    make_run(dag, logical_date=START, state="success")
    create()
    assert DagRun.objects.count() == 1
    create()
    assert DagRun.objects.filter(run_type="scheduled", logical_date=START + DAY).exists()


def test_a_run_that_somebody_makes_at_the_same_moment_is_no_error(monkeypatch):
    dag = due_dag()
    make_run(dag, logical_date=START, state="success")
    monkeypatch.setattr(creation, "_taken_dates", lambda wanted: frozenset())  # it came after the look
    assert create() == 1
    dag.refresh_from_db()
    assert (DagRun.objects.count(), dag.next_dagrun) == (1, START + DAY)


def test_at_the_end_date_there_is_no_next_run():
    dag = due_dag(end_date=START)
    create()
    dag.refresh_from_db()
    assert (DagRun.objects.count(), dag.next_dagrun, dag.next_dagrun_create_after) == (1, None, None)


def test_a_dag_scheduled_once_runs_once():
    due_dag(timetable={"type": "once"}, max_active_runs=16)
    for _ in range(3):
        create()
    assert DagRun.objects.count() == 1


def test_a_continuous_dag_runs_again_when_its_run_ended(now):
    dag = due_dag(timetable={"type": "continuous"}, max_active_runs=1)
    create(now=now)
    create(now=now)
    assert DagRun.objects.count() == 1
    DagRun.objects.update(state="success")
    renew([dag.dag_id], now=now)
    create(now=datetime.now(UTC))
    assert DagRun.objects.count() == 2


def test_a_timetable_that_cannot_be_read_puts_its_dag_aside_and_the_others_go_on():
    due_dag("bad", timetable={"type": "of another release"})
    due_dag("good")
    create()
    assert DagRun.objects.get().dag_id == "good"
    bad = Dag.objects.get(pk="bad")
    assert "of another release" in bad.put_aside_reason
    assert create() == 1  # the good one only


def test_a_timetable_that_raises_puts_its_dag_aside(monkeypatch):
    due_dag("bad")
    due_dag("good")
    answer = due.next_run

    def raising(dag, timetable, last):
        if dag.dag_id == "bad":
            raise ZeroDivisionError("a day without hours")
        return answer(dag, timetable, last)

    monkeypatch.setattr(due, "next_run", raising)
    create()
    assert "ZeroDivisionError: a day without hours" in Dag.objects.get(pk="bad").put_aside_reason
    assert DagRun.objects.filter(dag="good").exists()


def test_a_dag_without_a_version_is_put_aside():
    dag = due_dag()
    dag.current_version = None
    dag.save()
    create()
    dag.refresh_from_db()
    assert "Parse its file" in dag.put_aside_reason


def test_what_a_user_written_timetable_computed_ahead_makes_its_runs():
    custom = {
        "type": "custom", "class": "mine.Mine", "summary": "mine", "description": "", "periodic": True,
        "can_be_scheduled": True, "run_ordering": [], "active_runs_limit": None, "dataset_condition": None,
    }  # fmt: skip
    days = [START + day * DAY for day in range(4)]
    dag = due_dag(timetable=custom)
    dag.upcoming = {
        "computed_at": START.isoformat(),
        "runs": [
            {"run_after": end.isoformat(), "start": start.isoformat(), "end": end.isoformat(), "run_id": f"mine-{n}"}
            for n, (start, end) in enumerate(itertools.pairwise(days))
        ],
        "is_complete": False,
        "manual": None,
    }
    dag.save()
    for _ in range(5):
        create()
    assert list(DagRun.objects.order_by("logical_date").values_list("run_id", flat=True)) == [
        "mine-0", "mine-1", "mine-2",
    ]  # fmt: skip


# Datasets


def dataset_dag(condition, uris, dag_id="waits", **fields):
    dag = make_dag(
        serialized(
            "a",
            dag_id=dag_id,
            timetable={"type": "dataset_triggered", "dataset_condition": condition},
            dataset_condition=condition,
            **fields,
        )
    )
    datasets = [DatasetFactory.create(uri=uri) for uri in uris]
    for dataset in datasets:
        DagDatasetReference.objects.create(dag=dag, dataset=dataset)
    return dag, datasets


def event(dag, dataset, at, **source):
    """The dataset was written at that moment."""
    DatasetQueuedEvent.objects.get_or_create(dag=dag, dataset=dataset, defaults={"created_at": at})
    return DatasetEventFactory.create(dataset=dataset, timestamp=at, **source)


def consumed_by(run) -> list[DatasetEvent]:
    """The events that made the run."""
    return list(DatasetEvent.objects.filter(created_dag_runs=run))


A, B = {"uri": "s3://x/a", "extra": None}, {"uri": "s3://x/b", "extra": None}
BOTH = {"all": [A, B]}


def make_from_events(now=LATER) -> int:
    return create_for_datasets(now=now, job_id=None, limit=10)


def test_a_run_is_made_when_all_datasets_of_the_condition_were_written():
    dag, (a, b) = dataset_dag(BOTH, ["s3://x/a", "s3://x/b"])
    first = event(dag, a, START)
    assert make_from_events() == 0
    second = event(dag, b, START + DAY)
    assert make_from_events() == 1
    run = DagRun.objects.get()
    assert (run.run_type, run.state, run.logical_date) == ("dataset_triggered", "queued", START + DAY)
    assert run.run_id == "dataset_triggered__2024-01-02T00:00:00+00:00"
    assert (run.data_interval_start, run.data_interval_end) == (START, START + DAY)
    assert set(consumed_by(run)) == {first, second}
    assert run.task_instances.count() == 1
    assert not DatasetQueuedEvent.objects.exists()
    assert make_from_events() == 0


def test_the_interval_is_that_of_the_source_runs():
    dag, (a,) = dataset_dag(A, ["s3://x/a"])
    source = make_run(
        make_dag("a", dag_id="writes"), data_interval_start=START - DAY, data_interval_end=START - DAY / 2
    )
    event(dag, a, START, source_dag_id="writes", source_run_id=source.run_id, source_task_id="a")
    make_from_events()
    run = DagRun.objects.get(dag=dag)
    assert (run.data_interval_start, run.data_interval_end) == (START - DAY, START - DAY / 2)


def test_events_that_made_a_run_make_no_other():
    dag, (a,) = dataset_dag(A, ["s3://x/a"])
    event(dag, a, START)
    make_from_events()
    late = event(dag, a, START + DAY)
    make_from_events()
    assert [consumed_by(run) for run in DagRun.objects.order_by("logical_date")][1] == [late]


def test_an_event_that_came_while_its_dataset_was_queued_is_not_forgotten():
    dag, (a,) = dataset_dag(A, ["s3://x/a"])
    event(dag, a, START)
    late = event(dag, a, START + DAY)  # leaves no row of its own
    assert [make_from_events(), make_from_events(), make_from_events()] == [1, 1, 0]
    last = DagRun.objects.order_by("logical_date").last()
    assert last is not None
    assert consumed_by(last) == [late]


def test_a_run_of_that_date_is_passed_by():
    dag, (a,) = dataset_dag(A, ["s3://x/a"])
    make_run(dag, logical_date=START)
    event(dag, a, START)
    assert make_from_events() == 1
    assert DagRun.objects.get(run_type="dataset_triggered").logical_date == START + timedelta(microseconds=1)


def test_no_run_is_made_while_the_dag_has_all_it_may_have():
    dag, (a,) = dataset_dag(A, ["s3://x/a"], max_active_runs=1)
    make_run(dag, logical_date=START - DAY)
    event(dag, a, START)
    assert make_from_events() == 0
    assert DatasetQueuedEvent.objects.exists()


def test_no_run_is_made_of_a_paused_dag():
    dag, (a,) = dataset_dag(A, ["s3://x/a"])
    event(dag, a, START)
    Dag.objects.update(is_paused=True)
    assert make_from_events() == 0


def test_an_alias_stands_for_the_datasets_that_were_attached_to_it():
    dag, () = dataset_dag({"alias": "some"}, [])
    alias = DatasetAliasFactory.create(name="some")
    dataset = DatasetFactory.create(uri="s3://x/z")
    event(dag, dataset, START)
    assert make_from_events() == 0
    alias.datasets.add(dataset)
    assert make_from_events() == 1


def test_a_condition_that_cannot_be_read_puts_its_dag_aside():
    dag, (a,) = dataset_dag(A, ["s3://x/a"])
    bad, _ = dataset_dag({"uri": 7}, [], dag_id="bad")
    event(dag, a, START)
    DatasetQueuedEventFactory.create(dag=bad, dataset=a)
    assert make_from_events() == 1
    bad.refresh_from_db()
    assert bad.put_aside_reason


def test_dataset_or_time_runs_by_both():
    time = {"type": "dataset_or_time", "timetable": DAILY, "dataset_condition": A}
    dag = due_dag("both", timetable=time, dataset_condition=A)
    dataset = DatasetFactory.create(uri="s3://x/a")
    DagDatasetReference.objects.create(dag=dag, dataset=dataset)
    create(now=START + DAY)
    event(dag, dataset, START + DAY / 2)
    make_from_events()
    assert sorted(DagRun.objects.values_list("run_type", flat=True)) == ["dataset_triggered", "scheduled"]
