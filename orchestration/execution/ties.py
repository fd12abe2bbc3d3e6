"""How the processes of a supervisor hang together, by means of the kernel. Imported by task processes: kept small."""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
from functools import cache
from pathlib import Path

from orchestration.conf import conf

#: The try's tag, in the environment of whatever a try starts.
TRY_VARIABLE = "AIRFLOWSITE_TRY"
#: First words of the titles of a task's process and of a supervisor.
TASK_TITLE = "airflowsite task "
SUPERVISOR_TITLE = "airflowsite supervisor"

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent(parent_pid: int) -> None:
    """Let the kernel kill this process when its parent ends; ends at once if that has already happened."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parents end, so that they can be found and reaped."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children() -> set[int]:
    """The ids of this process's children; empty where the kernel does not tell."""
    pid = os.getpid()
    try:
        return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    except OSError:
        return set()


def task_title(tag: str, rest: str = "") -> str:
    """The title of a try's process; processes that it forks without another program inherit it."""
    return f"{TASK_TITLE}{tag} {rest}"


def try_tag(ti_id: int, try_number: int, claim: str) -> str:
    """What marks the processes of a try; it begins with the installation."""
    return f"{installation()}-{ti_id}-{try_number}-{claim}"


@cache
def installation() -> str:
    """Eight characters that tell this installation's processes from those of another on the same machine."""
    place = f"{conf.home} {conf.get('database', 'sql_alchemy_conn')}"
    return hashlib.sha256(place.encode()).hexdigest()[:8]
