"""The web server's worker: one queue, help for what takes long, connections spread over the workers."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config

from airflowsite import orderly
from airflowsite.orderly import OrderlyWorker, forget

LONG = 60


class Worker(OrderlyWorker):
    """Answers by calling what the connection is."""

    def handle(self, conn: Any) -> bool:
        conn.answer()
        return False

    def finish_request(self, conn: Any, fs: Any) -> None:
        fs.result()


@pytest.fixture
def worker() -> Iterator[Worker]:
    config = Config()
    config.set("threads", 3)
    made = Worker(5, os.getpid(), [], SimpleNamespace(), 30, config, None)
    made.tpool, made.poller = made.get_thread_pool(), selectors.DefaultSelector()
    made.method_queue.init()
    made.poller.register(made.method_queue.fileno(), selectors.EVENT_READ, made.method_queue.run_callbacks)
    yield made
    made.tpool.shutdown()
    made.poller.close()
    made.method_queue.close()
    made.tmp.close()
    forget(None, made)


def _asks(answer: Callable[[], object], request: bytes = b"GET /api/v1/dags HTTP/1.1") -> Any:
    sock = SimpleNamespace(recv=lambda size, _flags: request[:size])
    return SimpleNamespace(initialized=True, data_ready=True, answer=answer, sock=sock)


def test_requests_are_answered_one_by_one_in_the_order_they_came(worker, monkeypatch) -> None:
    monkeypatch.setattr(orderly, "PATIENCE", LONG)
    order: list[tuple[int, int]] = []
    first, last = threading.Event(), threading.Event()
    worker.enqueue_req(_asks(lambda: first.wait(LONG)))

    def note(number: int) -> None:
        order.append((number, threading.get_ident()))

    for number in range(20):
        worker.enqueue_req(_asks(partial(note, number)))
    worker.enqueue_req(_asks(last.set))
    assert order == []
    first.set()
    assert last.wait(LONG)
    assert [number for number, _ in order] == [*range(20)]
    assert len({thread for _, thread in order}) == 1


def test_another_thread_helps_where_a_request_takes_long(worker, monkeypatch) -> None:
    monkeypatch.setattr(orderly, "PATIENCE", 0.001)
    held, quick = threading.Event(), threading.Event()
    worker.enqueue_req(_asks(lambda: held.wait(LONG)))
    worker.enqueue_req(_asks(quick.set))
    while not quick.is_set():
        worker.wait_for_and_dispatch_events(LONG)
    assert not held.is_set()
    held.set()


def test_no_more_threads_than_configured_help(worker, monkeypatch) -> None:
    monkeypatch.setattr(orderly, "PATIENCE", 0.0)
    held = threading.Event()
    began = threading.Semaphore(0)

    def answer() -> None:
        began.release()
        held.wait(LONG)

    for _ in range(5):
        worker.enqueue_req(_asks(answer))
    assert all(began.acquire(timeout=LONG) for _ in range(3))
    for _ in range(5):
        worker._help()
    assert len(worker._waiting) == 2
    held.set()
    assert all(began.acquire(timeout=LONG) for _ in range(2))


@pytest.mark.parametrize("request_line", [b"GET /api/v1/health HTTP/1.1", b"GET /health HTTP/1.1", b"HEAD /health"])
def test_the_health_is_told_while_all_threads_are_held_up(worker, monkeypatch, request_line: bytes) -> None:
    monkeypatch.setattr(orderly, "PATIENCE", 0.0)
    held, told_again = threading.Event(), threading.Event()
    told = threading.Semaphore(0)
    for _ in range(10):
        worker.enqueue_req(_asks(lambda: held.wait(LONG)))
    assert len(worker._began) == 3
    for _ in range(3):
        worker.enqueue_req(_asks(told.release, request_line))
    assert all(told.acquire(timeout=LONG) for _ in range(3))
    worker.enqueue_req(_asks(told_again.set, request_line))
    assert told_again.wait(LONG)
    assert not held.is_set()
    held.set()


def test_an_error_is_told_to_the_main_thread_and_the_next_request_is_answered(worker) -> None:
    answered = threading.Event()

    def fail() -> None:
        raise ZeroDivisionError

    worker.enqueue_req(_asks(fail))
    worker.enqueue_req(_asks(answered.set))
    assert answered.wait(LONG)
    with pytest.raises(ZeroDivisionError):
        worker.wait_for_and_dispatch_events(LONG)


def test_a_silent_connection_holds_no_thread(worker) -> None:
    ours, theirs = socket.socketpair()
    answered = threading.Event()
    with contextlib.closing(ours), contextlib.closing(theirs):
        new = SimpleNamespace(initialized=False, data_ready=False, sock=ours, timeout=None, answer=answered.set)
        worker.enqueue_req(new)
        assert not worker._began
        assert list(worker.pending_conns) == [new]
        theirs.send(b"GET")
        worker.wait_for_and_dispatch_events(LONG)
        assert answered.wait(LONG)
        assert not worker.pending_conns


class TestNewConnections:
    @pytest.fixture
    def listener(self) -> Iterator[Any]:
        with socket.create_server(("127.0.0.1", 0)) as made:
            made.setblocking(False)
            yield made

    @pytest.fixture
    def pauses(self, monkeypatch) -> list[float]:
        found: list[float] = []
        monkeypatch.setattr(time, "sleep", found.append)
        return found

    @pytest.mark.parametrize(("here", "there", "is_left"), [(1, 0, True), (1, 1, False), (0, 3, False), (2, 1, True)])
    def test_a_worker_with_more_than_another_lets_that_one_go_first(
        self, worker, listener, pauses, here, there, is_left
    ) -> None:
        other = SimpleNamespace(age=6)
        orderly._connections[6] = there
        worker.nr_conns = here
        worker.accept(listener)  # nobody asks: the other was quicker
        forget(None, other)
        assert bool(pauses) is is_left
        assert worker.nr_conns == here

    def test_a_worker_that_ended_is_no_other(self, worker, listener, pauses) -> None:
        orderly._connections[6] = 0
        forget(None, SimpleNamespace(age=6))
        worker.nr_conns = 4
        worker.accept(listener)
        assert not pauses

    def test_one_is_taken_and_told_to_the_others(self, worker, listener, pauses) -> None:
        with socket.create_connection(listener.getsockname()):
            worker.accept(listener)
            assert worker.nr_conns == orderly._connections[5] == 1
            worker.pending_conns[0].close()
