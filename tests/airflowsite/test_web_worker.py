"""A web worker that has grown gives way to a fresh one, when nobody needs it."""

from __future__ import annotations

from mmap import MAP_ANONYMOUS, MAP_PRIVATE, mmap

import pytest

from airflowsite import web_worker
from airflowsite.orderly import OrderlyWorker
from airflowsite.web_worker import GROWTH_KEPT, QUIET_SECONDS, Worker

AT_FIRST = 4_000


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(web_worker, "time", clock)
    return clock


@pytest.fixture
def worker(monkeypatch, clock):
    monkeypatch.setattr(OrderlyWorker, "notify", lambda self: None)
    monkeypatch.setattr(OrderlyWorker, "init_process", lambda self: None)
    monkeypatch.setattr(web_worker, "own_memory", lambda: AT_FIRST)
    made = Worker.__new__(Worker)
    made.alive, made.nr, made.nr_conns = True, 0, 0
    made.init_process()
    return made


def after(worker, clock, *, seconds: float, grown: int, monkeypatch) -> bool:
    """Whether the worker goes on when so many seconds are over and it has grown by so much."""
    monkeypatch.setattr(web_worker, "own_memory", lambda: AT_FIRST + grown)
    clock.now += seconds
    worker.notify()
    return bool(worker.alive)


@pytest.mark.parametrize(
    ("seconds", "grown", "expected"),
    [
        (QUIET_SECONDS + 1, GROWTH_KEPT + 1, False),
        (QUIET_SECONDS - 1, GROWTH_KEPT + 1, True),
        (QUIET_SECONDS + 1, GROWTH_KEPT, True),
    ],
)
def test_only_a_quiet_worker_that_has_grown_ends(worker, clock, monkeypatch, seconds, grown, expected):
    assert after(worker, clock, seconds=seconds, grown=grown, monkeypatch=monkeypatch) is expected


def test_a_worker_with_an_open_connection_stays(worker, clock, monkeypatch):
    worker.nr_conns = 1
    assert after(worker, clock, seconds=10 * QUIET_SECONDS, grown=10 * GROWTH_KEPT, monkeypatch=monkeypatch)


def test_a_request_between_two_looks_makes_the_quiet_begin_anew(worker, clock, monkeypatch):
    grown = GROWTH_KEPT + 1
    assert after(worker, clock, seconds=QUIET_SECONDS - 1, grown=grown, monkeypatch=monkeypatch)
    worker.nr += 1
    assert after(worker, clock, seconds=2, grown=grown, monkeypatch=monkeypatch)
    assert after(worker, clock, seconds=QUIET_SECONDS - 1, grown=grown, monkeypatch=monkeypatch)
    assert not after(worker, clock, seconds=2, grown=grown, monkeypatch=monkeypatch)


def test_the_memory_of_its_own_is_measured():
    size = 20_000_000
    before = web_worker.own_memory()
    with mmap(-1, size, flags=MAP_PRIVATE | MAP_ANONYMOUS) as held:  # new pages, which a bytearray need not bring
        held.write(b"x" * size)
        assert web_worker.own_memory() - before > size // 1100
