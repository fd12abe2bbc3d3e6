"""Waiting for a command to succeed. Mirrors ``airflow.sensors.bash``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import AirflowFailException
from orchestration.authoring.hooks.subprocess import SubprocessHook
from orchestration.authoring.sensors.base import BaseSensorOperator


class BashSensor(BaseSensorOperator):
    """Is done when ``bash_command`` exits with 0.

    Any other exit code means to go on; with ``retry_exit_code`` only that one does, and others fail the task at once.
    ``env`` replaces the environment. Hand over in it what others may choose, as for ``BashOperator``.
    """

    template_fields: Sequence[str] = ("bash_command", "env")

    def __init__(
        self,
        *,
        bash_command: str,
        env: dict[str, str] | None = None,
        output_encoding: str = "utf-8",
        retry_exit_code: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.retry_exit_code = retry_exit_code
        self.bash_command = bash_command
        self.env, self.output_encoding = env, output_encoding

    @cached_property
    def subprocess_hook(self) -> SubprocessHook:
        """What runs the command."""
        return SubprocessHook()

    def poke(self, context: Context) -> bool:
        """Run the command from a file in a temporary folder."""
        with TemporaryDirectory(prefix="airflowtmp") as folder:
            script = Path(folder, "command.sh")
            script.write_text(self.bash_command, encoding="utf-8")
            exit_code = self.subprocess_hook.run_command(
                ["bash", str(script)], env=self.env, output_encoding=self.output_encoding, cwd=folder
            ).exit_code
        if exit_code == 0:
            return True
        if self.retry_exit_code is None or exit_code == self.retry_exit_code:
            self.log.info("The command will be tried again later")
            return False
        raise AirflowFailException(f"The command ended with {exit_code}; only {self.retry_exit_code} is tried again")

    def on_kill(self) -> None:
        """End the command and its children."""
        self.subprocess_hook.send_sigterm()
