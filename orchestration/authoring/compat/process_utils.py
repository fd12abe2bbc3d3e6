"""Child processes. Mirrors ``airflow.utils.process_utils``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from orchestration.authoring.hooks.subprocess import SubprocessHook


def execute_in_subprocess(cmd: list[str], cwd: str | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run a command and log what it prints; CalledProcessError where it fails."""
    result = SubprocessHook().run_command(cmd, cwd=cwd or os.getcwd(), env=env)  # noqa: PTH109 a text is wanted
    if result.exit_code != 0:
        raise subprocess.CalledProcessError(result.exit_code, cmd)


@contextmanager
def patch_environ(new_env_variables: Mapping[str, Any]) -> Iterator[None]:
    """Set environment variables for a ``with`` block."""
    before = dict(os.environ)
    added = {name: str(value) for name, value in new_env_variables.items()}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added.keys() & os.environ.keys():
            del os.environ[name]
        os.environ.update({name: before[name] for name in added.keys() & before.keys()})
