"""Which ready instances get a slot: pools, limits, order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestration.scheduling.slots import UNLIMITED, Ledger, PoolSize, Ready, TaskLimits, Use

DATE = datetime(2024, 1, 1, tzinfo=UTC)


def ready(
    ti_id: int,
    dag: str = "d",
    run: int = 1,
    task: str = "t",
    index: int = -1,
    pool: str = "p",
    slots: int = 1,
    weight: int = 1,
    day: int = 0,
    most: int = 16,
    per_dag: int | None = None,
    per_run: int | None = None,
) -> Ready:
    date = DATE + timedelta(days=day)
    return Ready(ti_id, dag, run, task, index, pool, slots, weight, date, most, TaskLimits(per_dag, per_run))


def chosen(candidates, *, free=100, pools=None, uses=()):
    ledger = Ledger(free=free, pools=pools or {"p": PoolSize(100, 0)}, uses=uses)
    return [each.ti_id for each in ledger.choose(sorted(candidates, key=lambda each: each.order))]


@pytest.mark.parametrize(
    ("candidates", "options", "expected"),
    [
        ([ready(1), ready(2)], {}, [1, 2]),
        ([ready(1), ready(2), ready(3)], {"free": 2}, [1, 2]),
        ([ready(1)], {"free": 0}, []),
        # order: weight, then date, then map index, then id
        ([ready(1, weight=1), ready(2, weight=5)], {"free": 1}, [2]),
        ([ready(1, day=1), ready(2, day=0)], {"free": 1}, [2]),
        ([ready(1, index=2), ready(2, index=0)], {"free": 1}, [2]),
        ([ready(2), ready(1)], {"free": 1}, [1]),
        # pools
        ([ready(1), ready(2)], {"pools": {"p": PoolSize(1, 0)}}, [1]),
        ([ready(1)], {"pools": {"p": PoolSize(1, 1)}}, []),
        ([ready(1)], {"pools": {"p": PoolSize(1, 3)}}, []),  # made smaller while in use
        ([ready(1)], {"pools": {"p": PoolSize(0, 0)}}, []),
        ([ready(1), ready(2)], {"pools": {"p": PoolSize(UNLIMITED, 1000)}}, [1, 2]),
        ([ready(1, pool="nowhere"), ready(2)], {}, [2]),
        ([ready(1, pool="q"), ready(2)], {"pools": {"p": PoolSize(1, 0), "q": PoolSize(0, 0)}}, [2]),
        # several slots: what does not fit lets smaller ones by, as in the reference
        ([ready(1, task="big", slots=3, weight=9), ready(2)], {"pools": {"p": PoolSize(2, 0)}}, [2]),
        ([ready(1, slots=2), ready(2, slots=2, task="u")], {"pools": {"p": PoolSize(3, 0)}}, [1]),
        # the DAG's limit
        ([ready(1, most=1), ready(2, most=1)], {}, [1]),
        ([ready(1, most=2), ready(2, most=2)], {"uses": [Use("d", 9, "x", 1)]}, [1]),
        ([ready(1, most=1), ready(2, dag="e", most=1)], {"uses": [Use("d", 9, "x", 1)]}, [2]),
        # the task's limits
        ([ready(1, per_dag=1), ready(2, run=2, per_dag=1)], {}, [1]),
        ([ready(1, per_dag=2), ready(2, run=2, per_dag=2)], {"uses": [Use("d", 3, "t", 1)]}, [1]),
        ([ready(1, per_run=1), ready(2, index=1, per_run=1), ready(3, run=2, per_run=1)], {}, [1, 3]),
        ([ready(1, per_dag=0)], {}, []),
    ],
)
def test_slots_go_to_those_that_fit_in_their_order(candidates, options, expected):
    assert chosen(candidates, **options) == expected


def test_what_blocks_is_noted_so_that_the_next_look_passes_it_by():
    ledger = Ledger(free=10, pools={"p": PoolSize(1, 1), "q": PoolSize(5, 0)}, uses=[Use("full", 1, "t", 1)])
    assert ledger.choose([ready(1), ready(2, dag="full", pool="q", most=1), ready(3, pool="q", slots=9)]) == []
    assert (ledger.blocked.pools, ledger.blocked.dags, ledger.blocked.tasks) == ({"p"}, {"full"}, {("d", "t")})


def test_pools_that_do_not_exist_are_told_from_full_ones():
    ledger = Ledger(free=10, pools={"p": PoolSize(1, 1)}, uses=[])
    ledger.choose([ready(1), ready(2, pool="nowhere")])
    assert ledger.unknown_pools() == {"nowhere"}
