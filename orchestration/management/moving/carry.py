"""Batches, copied one after the other or by several processes.

Batches touch different rows, so PostgreSQL takes them from several processes at once, each with connections of its own.
A SQLite file has one writer: there the other processes read and prepare batches, which the command itself writes.
Either way batches are handed out and counted in their order, so that the report is the one that a single process
gives.
"""

from __future__ import annotations

import gc
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Protocol, Self

from django.db import DatabaseError, IntegrityError, connection, transaction

from orchestration.errors import OrchestrationError, Unavailable
from orchestration.management.moving import worker
from orchestration.management.moving.move import Move
from orchestration.management.moving.report import Report
from orchestration.management.moving.source import open_source

#: Batches given to a process that has not answered yet: one to work on, one to go on with.
_AHEAD = 2
_KEYBOARD = {signal.SIGINT}


class Work(Protocol):
    """One kind of rows. Spans and batches are plain data; a batch says in ``seen`` how many rows it is about."""

    def __init__(self, move: Move) -> None: ...

    def spans(self) -> Iterator[Any]:
        """What tells each batch from the others."""

    def read(self, span: Any) -> Any:
        """A batch, ready to be written."""

    def write(self, batch: Any) -> None:
        """Write it, in a transaction."""


@dataclass(frozen=True, slots=True)
class Done:
    """A batch that is in this database or, where ``batch`` is there, still to be written."""

    report: Report
    seen: int
    batch: Any = None


def carry(move: Move, kind: type[Work]) -> None:
    """Copy all batches of a kind."""
    total = move.report
    work = kind(move)
    spans = work.spans()
    first = list(islice(spans, 2))
    is_shared = move.hands is not None and len(first) > 1
    try:
        with _no_search_for_cycles():
            for done in (_shared if is_shared else _alone)(move, work, chain(first, spans)):
                total.add(done.report)
                move.advance(done.seen)
    finally:
        move.report = total


def serve(pipe: Connection, about: worker.About) -> None:
    """In a process of its own: copy the batches that come through the pipe until it is closed."""
    connection.settings_dict["NAME"] = about.database
    works: dict[type[Work], Work] = {}
    try:
        with closing(open_source(about.url)) as source, closing(connection), _no_search_for_cycles():
            move = Move(source, batch_size=about.batch_size)
            for kind, span in _orders(pipe):
                if kind not in works:
                    works[kind] = kind(move)
                pipe.send(_copied(move, works[kind], span) if _takes_many() else _read(move, works[kind], span))
    except ConnectionError:  # nobody waits for the answer
        return
    except Exception as error:
        pipe.send(_sendable(error))


def _orders(pipe: Connection) -> Iterator[tuple[type[Work], Any]]:
    with suppress(EOFError, ConnectionError):
        while True:
            yield pipe.recv()


class Hands:
    """Processes that copy batches; each is started when there is something for it to do. A context manager."""

    def __init__(self, processes: int, url: str, batch_size: int) -> None:
        self._count = processes
        self._about = url, batch_size
        self._hands: list[_Hand] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        for hand in self._hands:
            hand.pipe.close()
            if kind is not None:
                hand.process.terminate()
        for hand in self._hands:
            hand.process.join()

    def copied(self, kind: type[Work], spans: Iterator[Any]) -> Iterator[tuple[Any, Done]]:
        """The spans, each with what became of it."""
        given: deque[tuple[_Hand, Any]] = deque()
        for number, span in enumerate(spans):
            hand = self._hand(number % self._count)
            hand.give(kind, span)
            given.append((hand, span))
            if len(given) == self._count * _AHEAD:
                hand, span = given.popleft()
                yield span, hand.take()
        for hand, span in given:
            yield span, hand.take()

    def _hand(self, number: int) -> _Hand:
        if number == len(self._hands):
            self._hands.append(_Hand(*self._about))
        return self._hands[number]


class _Hand:
    """One process and the pipe to it."""

    def __init__(self, url: str, batch_size: int) -> None:
        # A fresh interpreter: a copy of this process would share its connections to both databases.
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        about = worker.About(connection.settings_dict["NAME"], url, batch_size)
        self.process: BaseProcess = context.Process(target=worker.main, args=(theirs, about))
        resource_tracker.ensure_running()  # starting it with the process would let the signal through again
        signal.pthread_sigmask(signal.SIG_BLOCK, _KEYBOARD)  # the process stays deaf to it: this one ends it
        try:
            self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _KEYBOARD)
        theirs.close()

    def give(self, kind: type[Work], span: Any) -> None:
        try:
            self.pipe.send((kind, span))
        except OSError:
            raise self._gone() from None

    def take(self) -> Done:
        try:
            found = self.pipe.recv()
        except (EOFError, OSError):
            raise self._gone() from None
        if isinstance(found, Exception):
            raise found
        assert isinstance(found, Done)
        return found

    def _gone(self) -> Unavailable:
        self.process.join()
        status = self.process.exitcode or 0
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        return Unavailable(
            f"A process that copied {how}. What was copied is whole and stays: start the command again, it goes on "
            "there. Where memory was short, give a smaller --batch-size or fewer --processes."
        )


def _alone(move: Move, work: Work, spans: Iterator[Any]) -> Iterator[Done]:
    return (_copied(move, work, span) for span in spans)


def _shared(move: Move, work: Work, spans: Iterator[Any]) -> Iterator[Done]:
    assert move.hands is not None
    for span, done in move.hands.copied(type(work), spans):
        yield done if done.batch is None else _written(move, work, span, done)


def _takes_many() -> bool:
    """Whether several processes can write into this database at a time."""
    return connection.vendor == "postgresql"


def _read(move: Move, work: Work, span: Any) -> Done:
    move.report = Report()
    batch = work.read(span)
    return Done(move.report, batch.seen, batch)


def _written(move: Move, work: Work, span: Any, done: Done) -> Done:
    """A batch that was read before; it is read again where something in it has come by another way meanwhile."""
    move.report = done.report
    try:
        with transaction.atomic():
            work.write(done.batch)
    except IntegrityError:
        done = _read(move, work, span)
        with transaction.atomic():
            work.write(done.batch)
    return Done(done.report, done.seen)


def _copied(move: Move, work: Work, span: Any) -> Done:
    return _written(move, work, span, _read(move, work, span))


def _sendable(error: Exception) -> Exception:
    """The error; one that says the same where its class may not come through a pipe as it is."""
    if isinstance(error, OrchestrationError | DatabaseError) or type(error).__module__ == "builtins":
        return error
    return Unavailable(f"A process that copied gave up: {type(error).__name__}: {error}. Start the command again.")


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Rows make none, and looking through millions of them for some takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
