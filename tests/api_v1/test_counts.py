"""``total_entries``: counted once while nothing changes, exact for short lists, and seldom for long ones."""

from __future__ import annotations

import base64

import pytest
from django.db import connection
from django.test import Client

from api_v1 import counts
from orchestration.models import Pool
from tests.factories import DagFactory, DagRunFactory, PoolFactory, TaskInstanceFactory
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
