"""How the processes of a supervisor hang together, by means of the kernel. Imported by task processes: kept small."""

from __future__ import annotations

import hashlib
import os
from functools import cache

from orchestration.conf import conf
from orchestration.processes import kernel

#: The try's tag, in the environment of whatever a try starts.
TRY_VARIABLE = "AIRFLOWSITE_TRY"
#: First words of the titles of a task's process, of a supervisor and of a zygote.
TASK_TITLE = "airflowsite task "
SUPERVISOR_TITLE = "airflowsite supervisor"
_ZYGOTE_TITLE = "airflowsite zygote of "


def die_with_parent(parent_pid: int) -> None:
    """Let the kernel kill this process when its parent ends; ends at once if that has already happened."""
    kernel.end_with_parent()
    if os.getppid() != parent_pid:
        os._exit(1)


def task_title(tag: str, rest: str = "") -> str:
    """The title of a try's process; processes that it forks without another program inherit it."""
    return f"{TASK_TITLE}{tag} {rest}"


def zygote_title(supervisor_pid: int) -> str:
    """The title of a zygote, which need not be its supervisor's child."""
    return f"{_ZYGOTE_TITLE}{supervisor_pid}"


def supervisor_of(title: bytes) -> int | None:
    """The supervisor of the zygote with this title; None for other titles."""
    number = title.removeprefix(_ZYGOTE_TITLE.encode()).rstrip(b"\0 ")
    return int(number) if number != title and number.isdigit() else None


def try_tag(ti_id: int, try_number: int, claim: str) -> str:
    """What marks the processes of a try; it begins with the installation."""
    return f"{installation()}-{ti_id}-{try_number}-{claim}"


@cache
def installation() -> str:
    """Eight characters that tell this installation's processes from those of another on the same machine."""
    place = f"{conf.home} {conf.get('database', 'sql_alchemy_conn')}"
    return hashlib.sha256(place.encode()).hexdigest()[:8]
