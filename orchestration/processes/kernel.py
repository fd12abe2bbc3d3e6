"""What the kernel does for families of processes: Linux only, nothing elsewhere."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
from collections.abc import Container, Iterator
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_prctl = getattr(ctypes.CDLL(None, use_errno=True), "prctl", None)


def end_with_parent(number: int = signal.SIGKILL) -> None:
    """Have this process sent a signal when its parent ends; one that has ended before is not noticed."""
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parents end, so that they can be found and reaped."""
    if _prctl is not None:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> set[int]:
    """The ids of this process's children, ended ones included."""
    pid = os.getpid()
    try:
        return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:  # not every kernel tells
        import psutil  # costs more than most of those who ask

        return {child.pid for child in psutil.Process().children()}


def reaped() -> Iterator[tuple[int, int]]:
    """The children that have ended by now, each with its wait status."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            yield ended


def kill_orphans(known: Container[int]) -> bool:
    """Kill the children that are none of the known ones, and their groups, and reap those that ended.

    Whether there were any: one that forks fast is caught in the end, each round leaves fewer.
    """
    orphans = [pid for pid in children() if pid not in known]
    for pid in orphans:
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return bool(orphans)
