"""Pools: the verbs, and how full they are."""

from __future__ import annotations

import pytest

from orchestration.errors import Conflict, Forbidden, Invalid, NotFound
from orchestration.models import Pool
from orchestration.services import pools
from orchestration.states import TaskInstanceState as S
from tests.factories import PoolFactory, TaskInstanceFactory

pytestmark = pytest.mark.django_db


def test_the_default_pool_is_there():
    pool = pools.find("default_pool")
    assert (pool.slots, pool.description) == (128, "Default pool")


def test_to_ensure_it_again_keeps_its_slots():
    Pool.objects.filter(name="default_pool").update(slots=3)
    pools.ensure_default()
    assert pools.find("default_pool").slots == 3


def test_a_pool_is_made_and_logged(op, logged):
    pool = pools.create(actor=op, name="p", slots=5, description="d", include_deferred=True)
    pool.refresh_from_db()
    assert (pool.name, pool.slots, pool.description, pool.include_deferred) == ("p", 5, "d", True)
    assert logged() == [("post_pool", "op")]


def test_a_name_is_taken_once(op):
    pools.create(actor=op, name="p", slots=5)
    with pytest.raises(Conflict, match="p already exists"):
        pools.create(actor=op, name="p", slots=6)
    assert pools.find("p").slots == 5


@pytest.mark.parametrize("slots", [-2, 2**31, -(2**40)])
def test_impossible_slots_are_refused(op, slots):
    with pytest.raises(Invalid):
        pools.create(actor=op, name="p", slots=slots)
    assert not Pool.objects.filter(name="p").exists()


def test_a_long_name_is_refused(op):
    with pytest.raises(Invalid):
        pools.create(actor=op, name="p" * 257, slots=1)


def test_a_change_is_made_and_logged(op, logged):
    pool = PoolFactory(name="p", slots=1)
    pools.update(pool, actor=op, slots=-1, name="q")
    pool.refresh_from_db()
    assert (pool.name, pool.slots) == ("q", -1)
    assert logged() == [("patch_pool", "op")]


def test_a_change_to_a_taken_name_changes_nothing(op):
    PoolFactory(name="q")
    pool = PoolFactory(name="p", slots=1)
    with pytest.raises(Conflict):
        pools.update(pool, actor=op, name="q", slots=9)
    pool.refresh_from_db()
    assert (pool.name, pool.slots) == ("p", 1)


def test_the_default_pool_keeps_its_name_and_stays(op):
    pool = pools.find("default_pool")
    with pytest.raises(Invalid):
        pools.update(pool, actor=op, name="other")
    pool = pools.find("default_pool")
    with pytest.raises(Invalid):
        pools.delete(pool, actor=op)
    pools.update(pool, actor=op, slots=64)
    assert pools.find("default_pool").slots == 64


def test_a_pool_is_deleted_and_logged(op, logged):
    pools.delete(PoolFactory(name="p"), actor=op)
    with pytest.raises(NotFound):
        pools.find("p")
    assert logged() == [("delete_pool", "op")]


@pytest.mark.parametrize(
    "verb",
    [
        lambda actor: pools.create(actor=actor, name="x", slots=1),
        lambda actor: pools.update(pools.find("p"), actor=actor, slots=9),
        lambda actor: pools.delete(pools.find("p"), actor=actor),
    ],
)
def test_a_viewer_changes_nothing(viewer, logged, verb):
    PoolFactory(name="p", slots=1)
    with pytest.raises(Forbidden):
        verb(viewer)
    assert pools.find("p").slots == 1
    assert not Pool.objects.filter(name="x").exists()
    assert logged() == []


@pytest.mark.parametrize(
    ("slots", "include_deferred", "occupied", "free"),
    [(10, False, 7, 3), (10, True, 11, -1), (-1, False, 7, -1), (7, False, 7, 0)],
)
def test_the_slots_in_use_are_counted_by_state(slots, include_deferred, occupied, free):
    pool = PoolFactory(name="p", slots=slots, include_deferred=include_deferred)
    for state, weight in (
        (S.RUNNING, 2),
        (S.RUNNING, 1),
        (S.QUEUED, 4),
        (S.SCHEDULED, 8),
        (S.DEFERRED, 4),
        (S.SUCCESS, 16),
    ):
        TaskInstanceFactory(pool="p", state=state, pool_slots=weight)
    TaskInstanceFactory(pool="other", state=S.RUNNING, pool_slots=32)
    used = pools.usage(["p", "empty"])["p"]
    assert (used.running, used.queued, used.scheduled, used.deferred) == (3, 4, 8, 4)
    assert (used.occupied(pool), used.open(pool)) == (occupied, free)


def test_counting_costs_one_query_for_any_number_of_pools(django_assert_num_queries):
    names = [PoolFactory().name for _ in range(20)]
    with django_assert_num_queries(1):
        assert set(pools.usage(names)) == set(names)
