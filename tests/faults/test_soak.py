"""Days in seconds: the scheduler's loop with a clock that is set on before each pass: RELIABILITY F45.

A first day is for all that is made once. What a pass costs, and what the process holds, is then the same after another
day, and with a past of years behind it.
"""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
import time_machine
from django.db import connection

from orchestration.models import DagRun, TaskInstance
from orchestration.scheduling.loop import SchedulerLoop
from orchestration.states import TaskInstanceState
from tests.factories import PoolFactory, make_dag, serialized
from tests.scheduling.fakes import FakeExecutor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

#: The time between two passes, and the passes of a day.
STEP, DAY = timedelta(minutes=30), 48
DAGS = 2
#: Finished runs that are put behind the present ones before the last day: some 50,000 task instances.
PAST = 10_000
#: By how much the process may grow in a day: bytes, and blocks of Python's memory, of which each object has one or two.
GROWTH, BLOCKS = 8 << 20, 1_500
#: The first day. It lies ahead, so that nothing that looks at the real clock takes its rows for old ones.
START = datetime(2040, 1, 1, tzinfo=UTC)


class Clock:
    """The faked one."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def has_jumped(self, within_seconds: float) -> bool:
        return False

    def forget(self) -> None: ...


class Hurried(SchedulerLoop):
    """Calls ``between`` before each turn, each of which is a pass."""

    between: Callable[[], None]

    def _wait(self) -> bool:
        self.between()
        return super()._wait()


@dataclass(frozen=True)
class Held:
    """What the process has in use."""

    memory: int
    blocks: int
    files: int
    sessions: int

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        process = psutil.Process()
        blocks = sys.getallocatedblocks()
        return cls(process.memory_full_info().uss, blocks, process.num_fds(), _sessions())


def _sessions() -> int:
    """The database's; on SQLite each is among the files."""
    if connection.vendor != "postgresql":
        return 0
    return _asked("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")


class Meter:
    """Counts what is asked of the database, and how much that looks at."""

    def __init__(self) -> None:
        self.queries = self._steps = 0

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self.queries += 1
        return execute(sql, params, many, context)

    def looked_at(self) -> int:
        """Up to now: on PostgreSQL rows, on SQLite hundreds of steps of its machine, some for each row."""
        if connection.vendor != "postgresql":
            connection.ensure_connection()
            connection.connection.set_progress_handler(self._step, 100)
            return self._steps
        if connection.pg_version < 150_000:
            return self.queries  # what it counts comes too late there
        _asked("SELECT 1 FROM pg_stat_force_next_flush()")
        return _asked("SELECT sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables")

    def _step(self) -> int:
        self._steps += 1
        return 0


def _asked(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return int(cursor.fetchone()[0])


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC", "0")
    logging.disable(logging.INFO)  # pytest would keep each line
    yield
    logging.disable(logging.NOTSET)


def make_dags() -> None:
    """A run of five tasks every ten minutes each, one of whose tasks fails at first."""
    PoolFactory.create(name="default_pool", slots=512)
    timetable = {"type": "cron_data_interval", "expression": "*/30 * * * *", "timezone": "UTC"}
    for number in range(DAGS):
        graph = serialized(
            "a >> b >> d, a >> c >> d, d >> e",
            dag_id=f"dag_{number}",
            timetable=timetable,
            start_date=START,
            max_active_runs=64,
            max_active_tasks=512,
            tasks={"c": {"retries": 1}},
        )
        make_dag(
            graph,
            next_dagrun=START,
            next_dagrun_data_interval_start=START,
            next_dagrun_data_interval_end=START + STEP,
            next_dagrun_create_after=START + STEP,
        )


def end(workload: Any) -> TaskInstanceState:
    is_first = workload.task_id == "c" and workload.try_number == 1
    return TaskInstanceState.UP_FOR_RETRY if is_first else TaskInstanceState.SUCCESS


def lengthen_past() -> None:
    """Copies of a finished run, each a minute before the other, with copies of its instances."""
    run = DagRun.objects.filter(state="success").order_by("pk")[0]
    values = {f.attname: getattr(run, f.attname) for f in DagRun._meta.concrete_fields if not f.primary_key}
    copies = [
        DagRun(**{**values, "run_id": f"past-{n}", "logical_date": START - timedelta(minutes=n + 1)})
        for n in range(PAST)
    ]
    first = DagRun.objects.bulk_create(copies, batch_size=500)[0].pk
    table = f'"{TaskInstance._meta.db_table}"'
    columns = [f'"{f.column}"' for f in TaskInstance._meta.concrete_fields if not f.primary_key]
    copied = ["run.id" if column == '"run_id"' else f"ti.{column}" for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(copied)} FROM {table} ti "
            f'CROSS JOIN "{DagRun._meta.db_table}" run WHERE ti.run_id = %s AND run.id >= %s',
            [run.pk, first],
        )
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")  # as the server does by itself


@dataclass(frozen=True)
class Day:
    """What a day's passes cost, and what was held at its end."""

    queries: int
    looked_at: int
    held: Held
    instances: int

    @classmethod
    def over(cls, meter: Meter, looked_at: int) -> Day:
        queries = meter.queries
        return cls(queries, meter.looked_at() - looked_at, Held.now(), TaskInstance.objects.count())


def test_f45_a_pass_costs_the_same_and_the_process_holds_the_same_day_after_day() -> None:
    make_dags()
    meter, days, began = Meter(), list[Day](), 0
    executor = FakeExecutor(end, parallelism=512)
    loop = Hurried(executor, clock=Clock(), num_runs=3 * DAY + 1)
    with time_machine.travel(START, tick=False) as travel, connection.execute_wrapper(meter):

        def between() -> None:
            nonlocal began
            executor.submitted.clear()  # kept for other tests
            if loop.passes % DAY == 0:
                if loop.passes:
                    days.append(Day.over(meter, began))
                if loop.passes == 2 * DAY:
                    lengthen_past()
                meter.queries, began = 0, meter.looked_at()
            travel.shift(STEP)

        loop.between = between
        loop.run()
    if connection.vendor == "sqlite":
        connection.connection.set_progress_handler(None, 0)
    _, middle, last = days
    assert last.instances > 5 * PAST
    made = DagRun.objects.exclude(run_id__startswith="past-")
    assert made.filter(state="success").count() > (3 * DAY - 10) * DAGS
    assert TaskInstance.objects.filter(run__in=made, try_number=2).count() > (3 * DAY - 10) * DAGS
    # Some duties come by the real clock, and so not the same number of times each day.
    assert last.queries < 1.2 * middle.queries
    assert last.looked_at < 2 * middle.looked_at
    assert last.held.memory < middle.held.memory + GROWTH
    assert last.held.blocks < middle.held.blocks + BLOCKS
    assert (last.held.files, last.held.sessions) == (middle.held.files, middle.held.sessions)
