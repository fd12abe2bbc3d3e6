"""The thread that serves automations: it looks for what happened, and does what is due. The triggerer has it.

It costs one short query every few seconds where there is no automation, and the scheduler nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from types import TracebackType
from typing import Final, Self

from django.db import DatabaseError, InterfaceError, connection
from django.utils import timezone

from orchestration.models.outages import first_line
from orchestration.services import deliveries

log = logging.getLogger(__name__)

#: Seconds between looks.
POLL: Final = 2.0
_CLEAN_EVERY: Final = 3600.0
_LONGEST_BACKOFF: Final = 30.0
#: Seconds that a sending gets to end; what does not is sent again by another process, or later.
_GRACE: Final = 3.0


class Notifier:
    """Works from ``__enter__`` to ``__exit__``, in a thread with a database connection of its own."""

    def __init__(self, poll: float = POLL) -> None:
        self._poll = poll
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._collector = deliveries.Collector()
        self._next_clean = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(timeout=_GRACE)

    def look(self) -> int:
        """Find, do, and now and then clean up; how many rows were worked on."""
        found = self._collector.collect(now=timezone.now())
        done = deliveries.deliver(now=timezone.now())
        if time.monotonic() >= self._next_clean:
            self._next_clean = time.monotonic() + _CLEAN_EVERY
            deliveries.clean_up(now=timezone.now())
        return found + done

    def _run(self) -> None:
        pause = self._poll
        try:
            while not self._stopping.wait(pause):
                try:
                    pause = 0.0 if self.look() >= deliveries.AT_ONCE else self._poll
                except (DatabaseError, InterfaceError) as error:
                    log.warning("Automations wait for the database: %s", first_line(error))
                    pause = min(max(pause, self._poll) * 2, _LONGEST_BACKOFF)
                    connection.close()
                except Exception:
                    log.exception("Automations met a problem; they go on")
                    pause = _LONGEST_BACKOFF
        finally:
            connection.close()
