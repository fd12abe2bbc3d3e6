"""Programs, and what happens to them, in an interpreter of its own: ``python -m tests.processes.scenarios NAME``."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orchestration.processes import nursery, programs

HERE = "tests.processes.scenarios"
PATIENCE = 30.0


# Programs


def describe(descriptor: int, number: int) -> None:
    """Write what this process is."""
    signals = {each.name: str(signal.getsignal(each)) for each in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)}
    found = {
        "number": number,
        "environment": {name: os.environ.get(name) for name in ("MARK", "OWN", "TZ", "ODD")},
        "zone": time.tzname[0],
        "leads_a_session": os.getsid(0) == os.getpid(),
        "descriptors": _descriptors() == {descriptor},
        "input": str(Path("/proc/self/fd/0").readlink()),
        "root_in_path": [programs.ROOT in sys.path[:1], programs.ROOT in sys.path[-1:]],
        "signals": signals,
        "django": "django" in sys.modules,
    }
    os.write(descriptor, json.dumps(found).encode())


def _descriptors() -> set[int]:
    """Open descriptors beside the standard ones; the one that lists them is closed again."""
    return {number for number in range(3, 1024) if Path(f"/proc/self/fd/{number}").is_symlink()}


def wait(descriptor: int) -> None:
    """Say that it runs, then wait for the end of the descriptor."""
    with socket.socket(fileno=descriptor) as sock:
        sock.send(b"running")
        sock.recv(1)
    sys.exit(3)


def be_deaf(descriptor: int) -> None:
    """Tell the process's id, and hear nothing."""
    os.write(descriptor, str(os.getpid()).encode())
    time.sleep(600)


def leave_behind(descriptor: int) -> None:
    """End, and leave a process in a session of its own, whose id is told: not by itself, it may not live for that."""
    if os.fork() == 0:
        os.setsid()
        left = os.fork()
        if left == 0:
            time.sleep(600)
        os.write(descriptor, str(left).encode())
        os._exit(0)
    os.wait()


# Scenarios


def same() -> Any:
    """What a program is that the nursery forked, and what it is in a fresh interpreter."""
    os.environ |= {"MARK": "before", "TZ": "UTC"}
    made = _open()
    os.environ |= {"MARK": "after", "TZ": "Asia/Tokyo", "ODD": os.fsdecode(b"\xff=\n")}
    found = []
    for each in (made, None):
        programs.nursery = each
        reader, writer = os.pipe()
        process = programs.start(f"{HERE}:describe", [writer], [7], environment={"OWN": "value"})
        os.close(writer)
        status = process.wait(PATIENCE)
        with os.fdopen(reader, "rb") as file:
            found.append([json.loads(file.read()), status, process.poll()])
    return found


def ends() -> Any:
    """How programs end: by themselves, killed, and when their parent is."""
    made = programs.nursery = _open()
    found: list[Any] = []
    first, second, third = (_start_waiting() for _ in range(3))
    found.append(first[0].poll())
    first[1].close()
    found.append(first[0].wait(PATIENCE))
    try:
        second[0].wait(0.01)
    except subprocess.TimeoutExpired:
        found.append("still running")
    second[0].kill()
    found.append(second[0].wait(PATIENCE))
    os.kill(made.pid, signal.SIGKILL)
    found.append(third[0].wait(PATIENCE))
    found.append(_is_gone(third[0].pid))
    fourth = _start_waiting()
    found.append(type(fourth[0]).__name__)
    fourth[1].close()
    found.append(fourth[0].wait(PATIENCE))
    return found


def remains() -> Any:
    """Whether what a program left behind is ended; and whether the nursery ends when its door is closed."""
    made = programs.nursery = _open()
    reader, writer = os.pipe()
    programs.start(f"{HERE}:leave_behind", [writer]).wait(PATIENCE)
    left = int(os.read(reader, 64))
    found = [_is_gone(left)]
    made.close()
    return [*found, os.waitstatus_to_exitcode(os.waitpid(made.pid, 0)[1])]


def deaf() -> Any:
    """Whether a program ends that hears nothing of the death of who asked for it."""
    programs.nursery = _open()
    reader, writer = os.pipe()
    owner = os.fork()
    if owner == 0:
        held = programs.start(f"{HERE}:be_deaf", [writer])
        signal.pause()
        held.kill()
    program = int(os.read(reader, 64))
    os.kill(owner, signal.SIGKILL)
    return _is_gone(program)


def _open() -> nursery.Nursery:
    return nursery.open_nursery(lambda: None)


def _start_waiting() -> tuple[programs.Process, socket.socket]:
    ours, theirs = socket.socketpair()
    with theirs:
        process = programs.start(f"{HERE}:wait", [theirs.fileno()])
    assert ours.recv(16) == b"running"
    return process, ours


def _is_gone(pid: int) -> bool:
    """Whether a process ends in a while."""
    limit = time.monotonic() + PATIENCE
    while time.monotonic() < limit:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


SCENARIOS: dict[str, Callable[[], Any]] = {"same": same, "ends": ends, "remains": remains, "deaf": deaf}

if __name__ == "__main__":
    print(json.dumps(SCENARIOS[sys.argv[1]]()))
