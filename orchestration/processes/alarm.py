"""A limit on how long a block may take, by the main thread's alarm."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


@contextmanager
def alarm(seconds: float, stop: Callable[[], NoReturn]) -> Iterator[None]:
    """Call ``stop``, which raises, within the block when so many seconds (more than 0) are over.

    In the main thread only; an alarm that was set before is given up.
    """

    def ring(number: int, frame: FrameType | None) -> NoReturn:
        stop()

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
