"""Tasks that run a Bash command. Mirrors ``airflow.operators.bash``."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Container, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import AirflowException, AirflowSkipException
from orchestration.authoring.hooks.subprocess import SubprocessHook, SubprocessResult, working_directory
from orchestration.authoring.operator_helpers import context_to_airflow_vars
from orchestration.authoring.types import ArgNotSet


def _unchanged(output: str) -> Any:
    return output


class BashOperator(BaseOperator):
    """Runs ``bash_command``, a command or the path of a ``.sh`` or ``.bash`` template file.

    The last line it prints is the result, after ``output_processor``. ``env`` replaces the environment, or adds to it
    with ``append_env``; the run's ids are always in it (``AIRFLOW_CTX_…``). Exit code 0 is success, one of
    ``skip_on_exit_code`` (default 99) skips the task, any other fails it. ``cwd`` None is a temporary folder.

    The command is given to a shell as it was rendered: hand what others may choose (conf, params, XComs) over in
    ``env``, and write ``"$name"`` in the command.
    """

    template_fields: Sequence[str] = ("bash_command", "env", "cwd")
    template_fields_renderers: ClassVar[dict[str, str]] = {"bash_command": "bash", "env": "json"}
    template_ext: Sequence[str] = (".sh", ".bash")
    ui_color = "#f0ede4"

    def __init__(
        self,
        *,
        bash_command: str | ArgNotSet,
        env: dict[str, str] | None = None,
        append_env: bool = False,
        output_encoding: str = "utf-8",
        skip_exit_code: int | None = None,
        skip_on_exit_code: int | Container[int] | None = 99,
        cwd: str | None = None,
        output_processor: Callable[[str], Any] = _unchanged,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bash_command = bash_command
        self.cwd = cwd
        self.env, self.append_env = env, append_env
        self.skip_on_exit_code = exit_codes(skip_on_exit_code if skip_exit_code is None else skip_exit_code)
        self.output_encoding, self.output_processor = output_encoding, output_processor
        # @task.bash gives the command when it runs; until then it is not set.
        self._init_bash_command_not_set = isinstance(bash_command, ArgNotSet)
        self._unrendered_bash_command: str | ArgNotSet = bash_command

    @cached_property
    def subprocess_hook(self) -> SubprocessHook:
        """What runs the command."""
        return SubprocessHook()

    def get_env(self, context: Context) -> dict[str, str]:
        """The command's environment."""
        inherited = dict(os.environ) if self.env is None or self.append_env else {}
        return {**inherited, **(self.env or {}), **context_to_airflow_vars(context, in_env_var_format=True)}

    def execute(self, context: Context) -> Any:
        """Run the command to its end."""
        if self.cwd is not None and not Path(self.cwd).is_dir():
            what = "a file" if Path(self.cwd).exists() else "not there"
            raise AirflowException(f"cwd is the folder to run the command in, and {self.cwd} is {what}")
        written = self.bash_command if self._init_bash_command_not_set else self._unrendered_bash_command
        is_script = isinstance(written, str) and written.endswith(tuple(self.template_ext))
        result = (self._run_script if is_script else self._run_inline)(self.get_env(context))
        if result.exit_code in self.skip_on_exit_code:
            raise AirflowSkipException(f"The command ended with {result.exit_code}, which skips the task")
        if result.exit_code != 0:
            raise AirflowException(f"The command ended with {result.exit_code}; the lines above are what it printed")
        return self.output_processor(result.output)

    def _run_inline(self, env: dict[str, str]) -> SubprocessResult:
        return self.subprocess_hook.run_command(
            [_bash(), "-c", str(self.bash_command)], env=env, output_encoding=self.output_encoding, cwd=self.cwd
        )

    def _run_script(self, env: dict[str, str]) -> SubprocessResult:
        """Write the rendered file into the working folder and run it there, which has no limit of length."""
        with working_directory(self.cwd) as folder:
            try:
                file = tempfile.NamedTemporaryFile(mode="w", dir=folder, suffix=".sh")  # noqa: SIM115 entered below
            except PermissionError:
                self.log.warning("No file can be written in %s; the script is run as an inline command", folder)
                return self._run_inline(env)
            with file:
                file.write(str(self.bash_command))
                file.flush()
                return self.subprocess_hook.run_command(
                    [_bash(), Path(file.name).name], env=env, output_encoding=self.output_encoding, cwd=folder
                )

    def on_kill(self) -> None:
        """End the command and its children."""
        self.subprocess_hook.send_sigterm()


def exit_codes(codes: int | Container[int] | None) -> Container[int]:
    """One code, several or none as a container."""
    if codes is None:
        return ()
    return codes if isinstance(codes, Container) else (codes,)


def _bash() -> str:
    return shutil.which("bash") or "bash"
