"""Running a command and logging what it prints. Mirrors ``airflow.hooks.subprocess``."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from orchestration.authoring.hooks_base import BaseHook


class SubprocessResult(NamedTuple):
    """How a command ended: its exit code, and the last line it printed to stdout or stderr."""

    exit_code: int
    output: str


@contextlib.contextmanager
def working_directory(cwd: str | None = None) -> Iterator[str]:
    """The given folder, or a temporary one that is removed afterwards."""
    if cwd is not None:
        yield cwd
        return
    with TemporaryDirectory(prefix="airflowtmp") as folder:
        yield folder


class SubprocessHook(BaseHook):
    """Runs one command at a time in a process group of its own."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sub_process: subprocess.Popen[bytes] | None = None

    def run_command(
        self,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
        output_encoding: str = "utf-8",
        cwd: str | None = None,
    ) -> SubprocessResult:
        """Run the command to its end; every line it prints is logged as it comes.

        ``env`` None inherits this process's environment; an empty mapping is an empty environment. ``cwd`` None is a
        temporary folder. Bytes that are not text in ``output_encoding`` are logged as escapes.
        """
        with working_directory(cwd) as folder:
            self.log.info("Running %s in %s", list(command), folder)
            self.sub_process = subprocess.Popen(
                list(command),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=None if env is None else dict(env),
                start_new_session=True,  # a group of its own, so that send_sigterm reaches the command's children
            )
            assert self.sub_process.stdout is not None
            line = ""
            with self.sub_process.stdout as output:
                for raw in output:
                    line = raw.decode(output_encoding, errors="backslashreplace").rstrip()
                    self.log.info("%s", line)
            exit_code = self.sub_process.wait()
            self.log.info("The command ended with %s", exit_code)
        return SubprocessResult(exit_code=exit_code, output=line)

    def send_sigterm(self) -> None:
        """Tell the running command and its children to end; nothing happens when none runs."""
        process = self.sub_process
        if process is None or process.poll() is not None:
            return
        self.log.info("The command and its children are told to end (SIGTERM)")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(os.getpgid(process.pid), signal.SIGTERM)
