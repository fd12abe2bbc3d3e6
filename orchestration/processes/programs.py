"""Programs without Django that run beside this system, each in a process of its own: what runs or forks user code.

They are the parent of the parsers, the zygote of the tasks and the runner of the triggers. Where there is a nursery, it
forks them, and they share its memory; elsewhere, and when it is gone, each is a fresh interpreter. A program is the
same in both: a session of its own, the same environment and import path, no descriptors but its own and the output.
"""

from __future__ import annotations

import importlib
import logging
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from orchestration.processes.nursery import Nursery

log = logging.getLogger(__name__)

#: The folder of the packages, last in the import path of programs: nothing of a user's is hidden by what lies there.
ROOT = str(Path(__file__).resolve().parents[2])
_FRESH = (
    "import sys; sys.path.append(sys.argv[1]); from orchestration.processes.programs import run; run(*sys.argv[2:])"
)

#: What forks the programs of this process; None where each is a fresh interpreter.
nursery: Nursery | None = None


class Process(Protocol):
    """A running program, as ``subprocess.Popen`` tells of it."""

    pid: int

    def poll(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; TimeoutExpired after so many seconds."""
        ...

    def kill(self) -> None:
        """End it at once; nothing if it has ended."""
        ...


def start(
    program: str,
    descriptors: Sequence[int],
    numbers: Sequence[int] = (),
    *,
    environment: Mapping[str, str] | None = None,
) -> Process:
    """Run ``module:function`` with these descriptors of its own and these numbers as arguments.

    ``environment`` is added to this process's. The caller closes its own side of the descriptors, and keeps the result
    as long as the program is to run.
    """
    variables = {**os.environ, **(environment or {})}
    if nursery is not None:
        try:
            return nursery.fork(program, descriptors, numbers, variables)
        except OSError as error:
            log.warning("%s could not be forked (%s); a fresh interpreter runs it", program, error)
    arguments = [str(each) for each in (*descriptors, *numbers)]
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _FRESH, ROOT, program, *arguments],
        pass_fds=descriptors,
        env=variables,
        stdin=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the system's own processes, which end their programs
    )


def run(program: str, *arguments: str | int) -> None:
    """Be the program, in its own process."""
    module, _, name = program.partition(":")
    getattr(importlib.import_module(module), name)(*map(int, arguments))


def descriptors() -> set[int]:
    """What a process must keep open to start programs as its parent did."""
    return set() if nursery is None else {nursery.fileno()}
