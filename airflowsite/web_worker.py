"""The web server's worker: an orderly one, which ends when it has grown and nobody needs it.

A worker begins as a fork that shares nearly all its memory with the web server. Pages, schemas and large answers make
it grow by tens of megabytes, which Python does not give back. A worker without connections has nothing to lose: it
ends, and the web server forks another, which takes milliseconds.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from airflowsite.orderly import OrderlyWorker

#: Seconds without a connection after which a worker that has grown gives way.
QUIET_SECONDS: Final = 30.0
#: Kilobytes of its own by which a worker may grow and stay.
GROWTH_KEPT: Final = 8_000


class Worker(OrderlyWorker):
    """Gunicorn's loop calls ``notify`` each second; told to end, it first serves the connections it has by then."""

    def init_process(self) -> None:
        """See gunicorn; returns at the end of the worker."""
        self._own_at_first = own_memory()
        self._seen = 0  # requests
        self._quiet_since = time.monotonic()
        super().init_process()

    def notify(self) -> None:
        """Say that this worker lives, and end it when it has grown and is not needed."""
        super().notify()
        now = time.monotonic()
        if self.nr_conns or self._seen != self.nr:
            self._seen, self._quiet_since = self.nr, now
        elif now - self._quiet_since > QUIET_SECONDS:
            self._quiet_since = now
            if own_memory() - self._own_at_first > GROWTH_KEPT:
                self.alive = False


def own_memory() -> int:
    """Kilobytes that this process shares with no other; 0 where the kernel does not tell."""
    try:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty:"))
