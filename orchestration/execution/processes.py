"""The process trees of tries: how they are found and ended.

A task's process leads a session of its own. Whatever it starts is found by its ancestors, its session, or the try's
tag, which also those keep that forked twice and made a session of their own: programs in the environment variable
``AIRFLOWSITE_TRY``, mere forks in their title.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable

import psutil

from orchestration.execution import ties
from orchestration.execution.ties import SUPERVISOR_TITLE, TASK_TITLE, TRY_VARIABLE, installation


def tree(pid: int | None, tag: str | None = None) -> list[psutil.Process]:
    """The processes of a try that are alive: the task's, its descendants, its session's, and those with the tag.

    Reads ``/proc`` once for each process of the machine. Processes of other users are left out.
    """
    found: dict[int, psutil.Process] = {}
    parents: dict[int, int] = {}
    processes: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            processes[process.pid] = process
            parents[process.pid] = process.ppid()
            is_ours = process.pid == pid or (pid is not None and os.getsid(process.pid) == pid)
            if is_ours or (tag is not None and _has_tag(process.pid, tag)):
                found[process.pid] = process
    _add_descendants(found, parents, processes)
    found.pop(os.getpid(), None)
    return [process for process in found.values() if _is_alive(process)]


def strays() -> list[psutil.Process]:
    """The processes of this installation's tries that no supervisor is above: it died, and they outlived it."""
    tagged: dict[int, psutil.Process] = {}
    parents: dict[int, int] = {}
    supervisors: set[int] = set()
    zygotes: dict[int, int] = {}  # which may have another parent than their supervisor
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            parents[process.pid] = process.ppid()
            title = _read(process.pid, "cmdline")
            if title.startswith(SUPERVISOR_TITLE.encode()):
                supervisors.add(process.pid)
            elif (supervisor := ties.supervisor_of(title)) is not None:
                zygotes[process.pid] = supervisor
            elif _is_of(title, _read(process.pid, "environ"), installation() + "-"):
                tagged[process.pid] = process
    parents |= zygotes
    return [p for pid, p in tagged.items() if not _has_ancestor(pid, parents, supervisors) and _is_alive(p)]


def _has_ancestor(pid: int, parents: dict[int, int], wanted: set[int]) -> bool:
    for _ in range(len(parents)):
        if pid in wanted:
            return True
        if pid not in parents:
            return False
        pid = parents[pid]
    return False


def alive(found: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended."""
    return [process for process in found if _is_alive(process)]


def send_signal(processes: Iterable[psutil.Process], number: signal.Signals) -> None:
    """Signal each process that is still the one it was when it was found."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)


def _add_descendants(
    found: dict[int, psutil.Process], parents: dict[int, int], processes: dict[int, psutil.Process]
) -> None:
    children: dict[int, list[int]] = {}
    for child, parent in parents.items():
        children.setdefault(parent, []).append(child)
    waiting = list(found)
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found[child] = processes[child]
                waiting.append(child)


def _has_tag(pid: int, tag: str) -> bool:
    return _is_of(_read(pid, "cmdline"), _read(pid, "environ"), tag)


def _is_of(title: bytes, environment: bytes, tag: str) -> bool:
    """Whether a process carries a tag that begins so."""
    if title.startswith(f"{TASK_TITLE}{tag}".encode()):
        return True
    mark = f"{TRY_VARIABLE}={tag}".encode()
    return environment.startswith(mark) or b"\0" + mark in environment


def _read(pid: int, name: str) -> bytes:
    try:
        with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 a path object costs more than the read
            return file.read()
    except OSError:
        return b""


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
