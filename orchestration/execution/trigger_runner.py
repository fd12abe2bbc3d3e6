"""Runs triggers in one event loop, in a process without Django. The triggerer's other half.

Over the control socket (``frames``) come ``{"run": {"id", "classpath", "kwargs", "ti", "log_path"}}`` and
``{"cancel": id}``; out go ``{"fired": id, "payload": …}``, ``{"ended": id, "state", "xcoms"}``, ``{"failed": id,
"trace": [lines]}`` and ``{"blocked": seconds}``. Questions to the store go over a second socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
import traceback
from contextvars import ContextVar
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from orchestration.authoring import serde, store
from orchestration.authoring.compat.module_loading import import_string
from orchestration.authoring.dagrun import parse_moment
from orchestration.authoring.secrets import masker
from orchestration.authoring.triggers.base import BaseTaskEndEvent, BaseTrigger, TriggerEvent
from orchestration.conf import conf
from orchestration.execution import ties, warm
from orchestration.execution.store_client import SocketStore
from orchestration.execution.task_log import TaskFormatter, set_level
from orchestration.processes import frames

log = logging.getLogger(__name__)

#: Seconds between two looks at whether the loop still turns, and the delay that is worth a warning.
PULSE = 0.25
BLOCKED = 0.5

#: The log file of the trigger whose code runs now.
_log_path: ContextVar[str | None] = ContextVar("trigger_log_path", default=None)


def main(control_descriptor: int, store_descriptor: int) -> None:
    """Serve until the triggerer's end of the socket closes."""
    ties.die_with_parent(os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's; the triggerer ends this process
    warm.prepare_imports()
    warm.mask_options()
    store.install(SocketStore(socket.socket(fileno=store_descriptor)))
    _log_to_files()
    asyncio.run(TriggerRunner(socket.socket(fileno=control_descriptor)).run())


class TriggerRunner:
    """The triggers of one triggerer."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Serve until the socket closes."""
        reader, writer = await asyncio.open_connection(sock=self._control)
        self._writer = writer
        pulse = asyncio.create_task(self._watch_the_loop())
        inbox = frames.Inbox()
        while data := await reader.read(65536):
            for message in inbox.feed(data):
                self._take(message)
        pulse.cancel()
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _take(self, message: dict[str, Any]) -> None:
        if "run" in message:
            wanted = message["run"]
            if wanted["id"] not in self._tasks:
                task = asyncio.create_task(self._run_trigger(wanted))
                self._tasks[wanted["id"]] = task
        elif "cancel" in message and (running := self._tasks.pop(message["cancel"], None)):
            running.cancel()

    def _tell(self, message: dict[str, Any]) -> None:
        self._writer.write(frames.encode(message))

    async def _run_trigger(self, wanted: dict[str, Any]) -> None:
        _log_path.set(wanted["log_path"])
        try:
            self._tell(await fire(wanted))
        finally:
            self._tasks.pop(wanted["id"], None)

    async def _watch_the_loop(self) -> None:
        """Notice when a trigger keeps the loop from turning: all others wait then."""
        while True:
            before = time.monotonic()
            await asyncio.sleep(PULSE)
            late = time.monotonic() - before - PULSE
            if late > BLOCKED:
                self._tell({"blocked": late})


async def fire(wanted: dict[str, Any]) -> dict[str, Any]:
    """Run one trigger to its first event; what came of it, as it is told to the triggerer."""
    number = wanted["id"]
    trigger: BaseTrigger | None = None
    try:
        trigger = _make(wanted)
        log.info("Trigger %s (ID %s) starting", type(trigger).__name__, number)
        event = await _first_event(trigger)
        if event is None:
            log.error("Trigger %s ended and gave no event", number)
            return {"failed": number, "trace": ["The trigger ended and gave no event.\n"]}
        log.info("Trigger %s (ID %s) fired: %r", type(trigger).__name__, number, event)
        return _message(number, event)
    except asyncio.CancelledError:
        raise
    except BaseException as error:
        log.exception("Trigger %s failed", number)
        return {"failed": number, "trace": traceback.format_exception(error)}
    finally:
        if trigger is not None:
            with contextlib.suppress(Exception):
                await trigger.cleanup()


def _make(wanted: dict[str, Any]) -> BaseTrigger:
    """The trigger of a row. ImportError, TypeError for a class or arguments that do not fit."""
    cls = import_string(wanted["classpath"])
    if not (isinstance(cls, type) and issubclass(cls, BaseTrigger)):
        raise TypeError(f"{wanted['classpath']} is no trigger.")
    trigger = cls(**serde.loads(wanted["kwargs"]))
    trigger.trigger_id = wanted["id"]
    ti = wanted["ti"]
    trigger.task_instance = SimpleNamespace(**{**ti, "execution_date": parse_moment(ti["logical_date"])})
    return trigger


async def _first_event(trigger: BaseTrigger) -> TriggerEvent | None:
    events = trigger.run()
    try:
        async for event in events:
            return event
        return None
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()


def _message(number: int, event: TriggerEvent) -> dict[str, Any]:
    """The event as JSON; TypeError for a payload that has no JSON form."""
    if not isinstance(event, BaseTaskEndEvent):
        return {"fired": number, "payload": frames.from_text(serde.dumps(event.payload))}
    xcoms = [
        [key, serde.dumps(value), len(value) if isinstance(value, (list, tuple, dict)) else None]
        for key, value in (event.xcoms or {}).items()
    ]
    return {"ended": number, "state": str(event.task_instance_state.value), "xcoms": xcoms}


class _FileHandler(logging.Handler):
    """Appends each record to the log of the trigger that made it; others go to the process's output."""

    def emit(self, record: logging.LogRecord) -> None:
        path = _log_path.get()
        text = self.format(record) + "\n"
        try:
            if path is None:
                os.write(2, text.encode("utf-8", "backslashreplace"))
                return
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with open(path, "ab", buffering=0) as file:  # noqa: PTH123 one write, at the end
                file.write(text.encode("utf-8", "backslashreplace"))
        except OSError:
            self.handleError(record)


def _log_to_files() -> None:
    handler = _FileHandler()
    handler.setFormatter(TaskFormatter(conf.get("logging", "log_format")))
    handler.addFilter(masker())
    logging.getLogger().handlers[:] = [handler]
    set_level()
