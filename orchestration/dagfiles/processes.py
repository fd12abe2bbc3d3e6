"""The DAG processor's hold on its parsers: start, hear, limit and end them. Never waits.

Each parser has a channel (its job, its questions, its result) and an output that is read to the end whatever its
length, the beginning and end of which are kept.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestration.dagfiles.endings import Output, why
from orchestration.dagfiles.protocol import CallbackJob, ParseJob, ParseResult, job_document, read_result
from orchestration.processes import programs
from orchestration.processes.frames import FrameError, Inbox, encode

log = logging.getLogger(__name__)

#: Answers a question of a parser: (verb, positional, named arguments) → JSON. Raises to refuse.
Answerer = Callable[[str, list[Any], dict[str, Any]], Any]
_READ_SIZE = 1 << 18
#: Seconds after the end of a parser's process in which what it sent is still read.
_LAST_WORDS_SECONDS = 2.0
_TOO_LONG = "it took longer than {:g} s. Do less while the file is imported: move slow calls into tasks."
#: In the environment of the warm parent and of everything below it.
TAG_VARIABLE = "AIRFLOWSITE_PARSERS"


@dataclass(slots=True, eq=False)
class _Parser:
    """One parser from the request for it to its end."""

    job: ParseJob | CallbackJob
    channel: socket.socket
    output: int
    started: float
    inbox: Inbox = field(default_factory=Inbox)
    outbox: bytearray = field(default_factory=bytearray)
    printed: Output = field(default_factory=Output)
    result: Any = None
    failure: str | None = None
    status: int | None = None
    ended_at: float | None = None
    channel_open: bool = True
    output_open: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """A parser that is over; ``lost`` if the warm parent died with it, ``unborn`` if no process was started for it."""

    job: ParseJob | CallbackJob
    result: ParseResult
    lost: bool = False
    unborn: bool = False


class Parsers:
    """The warm parent and the parsers below it; a context manager. ``poll`` is called with what a selector found."""

    def __init__(self, selector: selectors.BaseSelector, answer: Answerer) -> None:
        self._selector = selector
        self._answer = answer
        self._parsers: dict[int, _Parser] = {}
        self._last_id = 0
        self._control: socket.socket | None = None
        self._process: programs.Process | None = None
        self._lost: list[Ended] = []
        self._is_ready = False
        self._tag = secrets.token_hex(8)

    def __enter__(self) -> Parsers:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._parsers)

    @property
    def jobs(self) -> list[ParseJob | CallbackJob]:
        """What is being done."""
        return [parser.job for parser in self._parsers.values()]

    def start(self, job: ParseJob | CallbackJob) -> None:
        """Begin a job; its result comes from ``ended``."""
        if self._control is None:
            try:
                self._start_warm_parent()
            except OSError as error:
                self._put_off(job, error.strerror or str(error))
                return
        assert self._control is not None
        ours, theirs = socket.socketpair()
        read_end, write_end = os.pipe()
        try:
            self._last_id += 1
            socket.send_fds(self._control, [f"F{self._last_id}".encode()], [theirs.fileno(), write_end])
        except OSError:
            ours.close()
            os.close(read_end)
            self._warm_parent_died()
            self._lost.append(Ended(job, ParseResult(job.path), lost=True, unborn=not self._is_ready))
            return
        finally:
            theirs.close()
            os.close(write_end)
        ours.setblocking(False)
        os.set_blocking(read_end, False)
        parser = _Parser(job, ours, read_end, time.monotonic())
        self._parsers[self._last_id] = parser
        self._selector.register(ours, selectors.EVENT_READ, (self, self._last_id))
        self._selector.register(read_end, selectors.EVENT_READ, (self, self._last_id))
        self._send(parser, job_document(job))

    def handle(self, key: selectors.SelectorKey, mask: int) -> None:
        """What a selector found for one of this object's files."""
        _, request = key.data
        if request is None:
            self._hear_warm_parent()
            return
        parser = self._parsers.get(request)
        if parser is None:
            return
        if key.fileobj is parser.channel:
            if mask & selectors.EVENT_WRITE:
                self._flush(parser)
            if mask & selectors.EVENT_READ:
                self._read_channel(parser)
        else:
            self._read_output(parser)

    def ended(self) -> Iterator[Ended]:
        """The parsers that are over since the last call; those over their time are told to end."""
        yield from self._lost
        self._lost.clear()
        now = time.monotonic()
        for request, parser in list(self._parsers.items()):
            if parser.failure is None and parser.status is None and now - parser.started > parser.job.limits.seconds:
                self._fail(parser, _TOO_LONG.format(parser.job.limits.seconds), request)
            if parser.status is None:
                continue
            is_heard = not parser.channel_open and not parser.output_open
            if is_heard or now - (parser.ended_at or now) > _LAST_WORDS_SECONDS:
                del self._parsers[request]
                self._close(parser)
                yield Ended(parser.job, self._result_of(parser))

    def seconds_until_limit(self) -> float | None:
        """How long until a parser may have to be ended; None if none runs."""
        if not self._parsers:
            return None
        now = time.monotonic()
        ends = (
            _LAST_WORDS_SECONDS if parser.status is not None else parser.started + parser.job.limits.seconds - now
            for parser in self._parsers.values()
        )
        return max(0.0, min(ends)) + 0.01

    def close(self) -> None:
        """End all parsers and the warm parent; waits for it."""
        for parser in self._parsers.values():
            self._close(parser)
        self._parsers.clear()
        if self._control is not None:
            self._selector.unregister(self._control)
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
            _kill_tagged(self._tag)

    def _start_warm_parent(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            environment = {TAG_VARIABLE: self._tag}
            self._process = programs.start(
                "orchestration.dagfiles.warm:main", [theirs.fileno()], environment=environment
            )
        self._control = ours
        self._is_ready = False
        ours.setblocking(False)
        self._selector.register(ours, selectors.EVENT_READ, (self, None))

    def _hear_warm_parent(self) -> None:
        assert self._control is not None
        while True:
            try:
                data = self._control.recv(256)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._warm_parent_died()
                return
            kind, rest = data[:1], data[1:].split()
            if kind == b"R":
                self._is_ready = True
                continue
            parser = self._parsers.get(int(rest[0]))
            if kind == b"N" and parser is not None:
                del self._parsers[int(rest[0])]
                self._close(parser)
                self._put_off(parser.job, "there are too many, or there is no memory")
            if kind == b"X" and parser is not None:
                parser.status = int(rest[1])
                parser.ended_at = time.monotonic()

    def _put_off(self, job: ParseJob | CallbackJob, reason: str) -> None:
        log.error("No parser could be started for %s: %s. Allow more processes: ulimit -u", job.path, reason)
        self._lost.append(Ended(job, ParseResult(job.path), lost=True, unborn=True))

    def _warm_parent_died(self) -> None:
        """All parsers died with it. Their jobs are given back: any of them may have done it."""
        if self._control is not None:
            self._selector.unregister(self._control)
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            log.warning("The parent of the parsers ended (%s). It is started anew.", self._process.wait())
            self._process = None
        _kill_tagged(self._tag)
        for parser in self._parsers.values():
            self._close(parser)
            self._lost.append(Ended(parser.job, self._result_of(parser), lost=True, unborn=not self._is_ready))
        self._parsers.clear()

    def _send(self, parser: _Parser, value: Any) -> None:
        parser.outbox += encode(value)
        self._flush(parser)

    def _flush(self, parser: _Parser) -> None:
        try:
            while parser.outbox:
                del parser.outbox[: parser.channel.send(parser.outbox)]
        except BlockingIOError:
            pass
        except OSError:
            parser.outbox.clear()
        if parser.channel_open:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if parser.outbox else 0)
            key = self._selector.get_key(parser.channel)
            if key.events != events:
                self._selector.modify(parser.channel, events, key.data)

    def _read_channel(self, parser: _Parser) -> None:
        try:
            data = parser.channel.recv(_READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ECONNRESET:
                raise
            data = b""
        if not data:
            self._selector.unregister(parser.channel)
            parser.channel_open = False
            return
        try:
            for message in parser.inbox.feed(data):
                self._take(parser, message)
        except (FrameError, KeyError, TypeError, AttributeError) as error:
            self._fail(parser, f"it sent what is no answer ({error}).")
            self._selector.unregister(parser.channel)
            parser.channel_open = False

    def _take(self, parser: _Parser, message: Any) -> None:
        if "result" in message:
            parser.result = message["result"]
            return
        arguments = message["args"]
        try:
            reply = {"value": self._answer(str(message["call"]), list(arguments["args"]), dict(arguments["kwargs"]))}
        except Exception as error:
            reply = {"error": str(error) or type(error).__name__}
        self._send(parser, reply)

    def _read_output(self, parser: _Parser) -> None:
        try:
            data = os.read(parser.output, _READ_SIZE)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(parser.output)
            parser.output_open = False
            return
        parser.printed.add(data)

    def _fail(self, parser: _Parser, reason: str, request: int | None = None) -> None:
        """End a parser from here; its file's error will give the reason."""
        parser.failure = parser.failure or reason
        if request is None:
            request = next(key for key, value in self._parsers.items() if value is parser)
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.send(f"K{request}".encode())

    def _close(self, parser: _Parser) -> None:
        if parser.channel_open:
            self._selector.unregister(parser.channel)
        if parser.output_open:
            self._selector.unregister(parser.output)
        parser.channel.close()
        os.close(parser.output)

    def _result_of(self, parser: _Parser) -> ParseResult:
        path = parser.job.path
        seconds = time.monotonic() - parser.started
        output = parser.printed.text()
        if parser.failure is None and parser.result is not None:
            try:
                found = read_result(path, parser.result)
            except ValueError as error:
                parser.failure = str(error)
            else:
                return replace(found, seconds=seconds, output=output)
        reason = why(path, failure=parser.failure, status=parser.status, output=output)
        return ParseResult(path, errors={path: reason}, seconds=seconds, output=output)


def _kill_tagged(tag: str) -> None:
    """Kill what is left of a warm parent's descendants, wherever it went: all have the tag in their environment."""
    wanted = f"{TAG_VARIABLE}={tag}".encode()
    for _ in range(20):  # one that forks fast is caught in the end: each round leaves fewer
        found = [entry for entry in Path("/proc").glob("[0-9]*") if _has_in_environment(entry, wanted)]
        if not found:
            return
        for entry in found:
            with contextlib.suppress(OSError):
                os.kill(int(entry.name), signal.SIGKILL)
        time.sleep(0.01)


def _has_in_environment(entry: Path, wanted: bytes) -> bool:
    try:
        return wanted in (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
