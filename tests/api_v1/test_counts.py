"""``total_entries``: counted once while nothing changes, exact for short lists, and seldom for long ones."""

from __future__ import annotations

import base64

import pytest
from django.db import connection
from django.test import Client

from api_v1 import counts
from orchestration.models import DagImportError, DagRun, Dataset, DatasetEvent, EventLog, Pool
from tests.factories import DagFactory, DagRunFactory, PoolFactory, TaskInstanceFactory, XComFactory
from tests.people import PASSWORD, person

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_kept():
    counts.forget()
    yield
    counts.forget()


@pytest.fixture
def clock(monkeypatch):
    """The monotonic clock that counts go by: a list with the time, each look a hundredth of a second later."""
    now = [1000.0]

    def look() -> float:
        now[0] += 0.01
        return now[0]

    monkeypatch.setattr(counts.time, "monotonic", look)
    return now


@pytest.fixture
def _quiet(monkeypatch):
    """Nobody else writes: PostgreSQL's snapshot is of all its databases, those of other tests among them."""
    if connection.vendor == "postgresql":
        monkeypatch.setattr(counts, "of_snapshot", lambda snapshot: snapshot and "quiet")


def _pools() -> int:
    return counts.count(Pool.objects.all())


@pytest.mark.usefixtures("_quiet")
def test_a_second_count_asks_only_whether_anything_changed(django_assert_num_queries) -> None:
    PoolFactory.create_batch(3)
    before = _pools()
    with django_assert_num_queries(1):
        assert _pools() == before


def test_a_change_is_counted_at_once() -> None:
    before = _pools()
    PoolFactory()
    assert _pools() == before + 1
    Pool.objects.filter(name=Pool.objects.values("name").order_by("-id")[:1]).delete()
    assert _pools() == before


def test_different_filters_are_counted_apart() -> None:
    PoolFactory(name="a", slots=7)
    PoolFactory(name="b", slots=7)
    assert counts.count(Pool.objects.filter(slots=7)) == 2
    assert counts.count(Pool.objects.filter(slots=7, name="a")) == 1
    assert counts.count(Pool.objects.none()) == 0


class TestLongLists:
    @pytest.fixture(autouse=True)
    def _all_lists_are_long(self, monkeypatch) -> None:
        monkeypatch.setattr(counts, "EXACT_UP_TO", 0)

    def test_a_count_serves_on_for_twenty_times_what_it_took(self, clock) -> None:
        before = _pools()
        PoolFactory()
        assert _pools() == before
        clock[0] += 1.0
        assert _pools() == before + 1

    def test_a_slow_count_serves_five_seconds_at_most(self, clock, monkeypatch) -> None:
        monkeypatch.setattr(counts, "_AGE_BY_COST", 10**6)
        before = _pools()
        PoolFactory()
        clock[0] += counts.LONGEST_AGE - 0.5
        assert _pools() == before
        clock[0] += 0.5
        assert _pools() == before + 1

    def test_a_caller_may_ask_for_the_number_of_this_moment(self, clock) -> None:
        before = _pools()
        PoolFactory()
        assert counts.count(Pool.objects.all(), is_exact=True) == before + 1
        assert _pools() == before + 1


def _get(path: str, user, **headers: str):
    token = base64.b64encode(f"{user.username}:{PASSWORD}".encode()).decode()
    answer = Client().get(f"/api/v1{path}", headers={"Authorization": f"Basic {token}", **headers})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_no_cache_reaches_the_count_of_a_list(monkeypatch, clock) -> None:
    monkeypatch.setattr(counts, "EXACT_UP_TO", 0)
    user, dag = person("Viewer"), DagFactory(dag_id="d")
    DagRunFactory(dag=dag)
    assert _get("/dags/d/dagRuns", user)["total_entries"] == 1
    DagRunFactory(dag=dag)
    assert _get("/dags/d/dagRuns", user)["total_entries"] == 1
    assert _get("/dags/d/dagRuns", user, **{"Cache-Control": "no-cache"})["total_entries"] == 2


#: A list or a thing → its queries once the caller is known and the count kept, on PostgreSQL: the caller with all
#: rights, the page; for task instances also whether there are any SLA misses. SQLite is asked for its state, too.
_COSTS = {
    "/dags/d/dagRuns/r0": 2,
    "/dags/d/dagRuns": 2,
    "/dags/d/dagRuns?limit=5&order_by=-start_date": 2,
    "/dags/d/dagRuns?state=success": 2,
    "/dags/~/dagRuns": 2,
    "/dags/~/dagRuns/~/taskInstances": 3,
    "/dags/d/dagRuns/~/taskInstances": 3,
    "/dags/d/dagRuns/r0/taskInstances": 3,
    "/dags/~/dagRuns/~/taskInstances?state=success&limit=5": 3,
    "/dags/d/dagRuns/r0/taskInstances/t0": 3,
}


@pytest.mark.usefixtures("_quiet")
@pytest.mark.parametrize("path", _COSTS)
@pytest.mark.parametrize("rows", [1, 12])
def test_an_answer_costs_as_many_queries_for_one_row_as_for_many(path, rows, django_assert_num_queries) -> None:
    user, dag = person("Viewer"), DagFactory(dag_id="d")
    for number in range(rows):
        run = DagRunFactory(dag=dag, run_id=f"r{number}", state="success")
        TaskInstanceFactory(run=run, dag=dag, task_id="t0", state="success")
    first = _get(path, user)
    is_list = "total_entries" in first
    state_of_sqlite = 1 if is_list and connection.vendor != "postgresql" else 0
    with django_assert_num_queries(_COSTS[path] + state_of_sqlite):
        assert _get(path, user) == first
    assert not is_list or first["total_entries"] == (1 if "/r0/" in path else rows)


#: The same of lists that other rows than runs and task instances fill.
_OTHER_COSTS = {
    "/dags": 3,  # with their tags
    "/dagStats?dag_ids=d": 2,
    "/dags/~/dagRuns/~/taskInstances/~/xcomEntries": 2,
    "/dags/d/dagRuns/~/taskInstances/t0/xcomEntries?xcom_key=k": 2,
    "/eventLogs": 2,
    "/eventLogs?event=paused&order_by=-when": 2,
    "/datasets": 5,  # with who waits for them, who writes them, and their other names
    "/datasets/events": 3,  # with the runs that they started
    "/importErrors": 2,
}


@pytest.mark.usefixtures("_quiet")
@pytest.mark.parametrize("path", _OTHER_COSTS)
@pytest.mark.parametrize("rows", [1, 12])
def test_other_lists_cost_as_many_queries_for_one_row_as_for_many(path, rows, django_assert_num_queries) -> None:
    user, dag = person("Admin"), DagFactory(dag_id="d")
    dataset = Dataset.objects.create(uri="s3://d")
    for number in range(rows):
        run = DagRunFactory(dag=dag, run_id=f"r{number}", state="success")
        instance = TaskInstanceFactory(run=run, dag=dag, task_id="t0", state="success")
        XComFactory.create(task_instance=instance, key="k")
        EventLog.record("paused", dag_id="d")
        DatasetEvent.objects.create(dataset=dataset, source_dag_id="d")
        DagImportError.objects.create(filename=f"/dags/{number}.py", stack_trace="SyntaxError")
    first = _get(path, user)
    assert first["total_entries"] >= 1
    state_of_sqlite = 1 if connection.vendor != "postgresql" else 0
    with django_assert_num_queries(_OTHER_COSTS[path] + state_of_sqlite):
        assert _get(path, user) == first


class TestTallies:
    def test_rows_are_counted_by_their_values(self) -> None:
        first, second = DagFactory(dag_id="a"), DagFactory(dag_id="b")
        for dag, state in ((first, "success"), (first, "success"), (first, "failed"), (second, "queued")):
            DagRunFactory(dag=dag, state=state)
        assert _states() == {("a", "failed"): 1, ("a", "success"): 2, ("b", "queued"): 1}

    def test_a_change_is_counted_at_once(self) -> None:
        assert _states() == {}
        DagRunFactory(dag=DagFactory(dag_id="a"), state="queued")
        assert _states() == {("a", "queued"): 1}
        DagRun.objects.update(state="failed")
        assert _states() == {("a", "failed"): 1}

    @pytest.mark.usefixtures("_quiet")
    def test_they_are_kept_while_nothing_changes(self, django_assert_num_queries) -> None:
        DagRunFactory()
        before = _states()
        with django_assert_num_queries(1):
            assert _states() == before

    def test_many_rows_are_counted_again_at_once_too(self, monkeypatch) -> None:
        monkeypatch.setattr(counts, "EXACT_UP_TO", 0)
        monkeypatch.setattr(counts, "_AGE_BY_COST", 10**6)
        DagRunFactory(dag=DagFactory(dag_id="a"), state="queued")
        assert _states() == {("a", "queued"): 1}
        DagRun.objects.update(state="failed")
        assert _states() == {("a", "failed"): 1}


def _states():
    return counts.tally("runs", DagRun.objects.all, "dag_id", "state")
