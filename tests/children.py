"""Processes that tests fork."""

from __future__ import annotations

import os
import signal
import time


def ended(pid: int, seconds: float = 60) -> int:
    """How a child of this process ended: its exit status, negative for a signal; AssertionError if it did not."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError(f"Process {pid} did not come to its end in {seconds} s")
