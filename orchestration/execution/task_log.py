"""A try's log file: loggers, ``print`` and what child processes write, in the order and form of Airflow's logs.

No Django here. Lines are written by whole, each at once and at the end of the file, in constant memory however much
comes and however long a line is. Secrets are masked. A disk that is full costs lines, never the task.
"""

from __future__ import annotations

import _thread
import codecs
import contextlib
import io
import logging
import os
import sys
import threading
import time
from datetime import UTC, datetime
from functools import cache
from typing import Any

from orchestration.authoring.secrets import masker, redact
from orchestration.conf import conf

#: A longer line is cut into pieces of this many bytes.
LONGEST_LINE = 65536
#: Where lines of ``print`` say they come from: what reads Airflow's logs looks for it.
PRINTED = "logging_mixin.py:190"
_READ = 65536
#: Seconds to wait at the end for what child processes still have in the pipe.
_LAST_OUTPUT = 2.0


class TaskLog:
    """The open log of the running try. ``start`` takes over this process's logging and output, ``stop`` ends that."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor: int | None = None
        self._lost_lines = 0
        self._lock = threading.Lock()
        #: Held until everything that came through the pipe is written.
        self._pumping = threading.Lock()
        self._before: dict[str, Any] = {}
        _current[:] = [self]

    def start(self) -> None:
        """Open the file for appending, its folders made; let everything that is said go there."""
        self._open()
        handler = _handler()
        handler.log = self
        root = logging.getLogger()
        self._before = {
            "handlers": root.handlers[:],
            "stdout": sys.stdout,
            "stderr": sys.stderr,
            "descriptors": [os.dup(1), os.dup(2)],
        }
        root.handlers[:] = [handler]
        set_level()
        reader, writer = os.pipe()
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        os.close(writer)
        sys.stdout = _Stream(self, "INFO", 1)
        sys.stderr = _Stream(self, "WARNING", 2)
        self._pumping.acquire()
        # Not one of ``threading``'s: it costs a fifth of their time, and the task does not see it among its own.
        _thread.start_new_thread(self._pump_output, (reader,))

    def stop(self) -> None:
        """Write what is still on its way, and let go of logging and output."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        sys.stdout, sys.stderr = self._before["stdout"], self._before["stderr"]
        for number, kept in zip((1, 2), self._before["descriptors"], strict=True):
            os.dup2(kept, number)
            os.close(kept)
        # Longer only where something left behind still holds the pipe.
        self._pumping.acquire(timeout=_LAST_OUTPUT)
        logging.getLogger().handlers[:] = self._before["handlers"]

    def renew_lock(self) -> None:
        """In a process that was forked: nobody is left who could give the lock back."""
        self._lock = threading.Lock()

    def line(self, text: str, level: str = "INFO", source: str = PRINTED) -> None:
        """Write one line, masked, with time and level before it."""
        self.write(f"[{stamp(time.time())}] {{{source}}} {level} - {redact(text)}\n")

    def write(self, text: str) -> None:
        """Write text as it is, at once."""
        data = text.encode("utf-8", "backslashreplace")
        with self._lock:
            try:
                if self._descriptor is None:
                    self._open()
                assert self._descriptor is not None
                if self._lost_lines:
                    note = f"{{task_log.py:0}} ERROR - {self._lost_lines} lines could not be written."
                    os.write(self._descriptor, f"[{stamp(time.time())}] {note}\n".encode())
                    self._lost_lines = 0
                os.write(self._descriptor, data)
            except OSError:
                self._lost_lines += 1

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            self._descriptor = os.open(self._path, flags, 0o640)
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self._path), mode=0o755, exist_ok=True)  # noqa: PTH103, PTH120 once for each try
            self._descriptor = os.open(self._path, flags, 0o640)

    def _pump_output(self, reader: int) -> None:
        """What comes through the pipe, line by line, until its last writer has closed it."""
        try:
            lines = _Lines(self, "INFO")
            while data := os.read(reader, _READ):
                lines.feed(data)
            lines.end()
            os.close(reader)
        finally:
            self._pumping.release()


def add(path: str, text: str, source: str) -> None:
    """Write a line to the log of a try whose process can say nothing any more; nothing where that cannot be."""
    log = TaskLog(path)
    log.line(text, "ERROR", source)
    if log._descriptor is not None:
        os.close(log._descriptor)


#: The log of this process.
_current: list[TaskLog] = []


def _renew_lock() -> None:
    for each in _current:
        each.renew_lock()


os.register_at_fork(after_in_child=_renew_lock)


def set_level() -> None:
    """Let loggers say what ``logging.logging_level`` wants. Done before forks: it walks over all loggers."""
    level = logging.getLevelName(conf.get("logging", "logging_level").upper())
    root = logging.getLogger()
    if isinstance(level, int) and root.level != level:
        root.setLevel(level)


class _Lines:
    """Cuts bytes into lines for the log."""

    def __init__(self, log: TaskLog, level: str) -> None:
        self._log, self._level = log, level
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._held = ""

    def feed(self, data: bytes) -> None:
        *lines, self._held = (self._held + self._decoder.decode(data)).split("\n")
        for line in lines:
            self._say(line.rstrip("\r"))
        if len(self._held) >= LONGEST_LINE:
            self._say(self._held)
            self._held = ""

    def end(self) -> None:
        """Write the line that has no end."""
        rest = self._held + self._decoder.decode(b"", final=True)
        self._held = ""
        if rest:
            self._say(rest)

    def _say(self, line: str) -> None:
        for start in range(0, len(line) or 1, LONGEST_LINE):
            self._log.line(line[start : start + LONGEST_LINE], self._level)


class _Raw(io.RawIOBase):
    """The bytes under ``sys.stdout``: to the log, in the order of the calls."""

    def __init__(self, log: TaskLog, level: str, number: int) -> None:
        self._lines = _Lines(log, level)
        self._number = number

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(data)
        self._lines.feed(taken)
        return len(taken)

    def end_line(self) -> None:
        """Write the line that has no end yet."""
        self._lines.end()

    def fileno(self) -> int:
        """The descriptor, for child processes: what they write comes through the pipe."""
        return self._number


class _Stream(io.TextIOWrapper):
    """``sys.stdout`` or ``sys.stderr`` of a task."""

    def __init__(self, log: TaskLog, level: str, number: int) -> None:
        self._raw = _Raw(log, level, number)
        buffer = io.BufferedWriter(self._raw, buffer_size=LONGEST_LINE)
        super().__init__(buffer, encoding="utf-8", errors="backslashreplace", line_buffering=True)

    def flush(self) -> None:
        """What has no end of line yet becomes a line of its own, as in Airflow."""
        super().flush()
        self._raw.end_line()


class _Handler(logging.Handler):
    """Writes records to the log."""

    log: TaskLog

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if record.exc_info or record.stack_info:
                text = redact(text)  # the trace is made by the formatter, after the filter
            self.log.write(text + "\n")
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:
        """A record that cannot be formatted is shown as it is; it must not end the task."""
        self.log.line(
            f"{record.msg!r} (its arguments do not fit)", record.levelname, f"{record.filename}:{record.lineno}"
        )


class TaskFormatter(logging.Formatter):
    """Times as Airflow writes them: ``2024-03-05T10:00:00.000+0000``."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:
        return stamp(record.created)


@cache
def _handler() -> _Handler:
    """Made once, before the forks; each log puts itself into it."""
    handler = _Handler()
    handler.setFormatter(TaskFormatter(conf.get("logging", "log_format")))
    handler.addFilter(masker())
    return handler


def stamp(seconds: float) -> str:
    """A moment as in log lines."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}+0000"
