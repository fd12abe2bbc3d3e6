"""The port to what can run a DAG from its file: ``dag.test()`` and ``dag.cli()``.

The execution layer installs itself here. In a bare script, where nothing has, its module is asked for by name.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from orchestration.authoring.exceptions import AirflowException

#: The module that installs a runner when it is imported.
PROVIDER = "orchestration.execution.dag_test"

_runners: dict[str, Callable[..., Any]] = {}


def install(*, test: Callable[..., Any], cli: Callable[..., Any] | None = None) -> None:
    """Make ``test(dag, execution_date, run_conf, …)``, as ``DAG.test``, and ``cli(dag)`` available."""
    _runners["test"] = test
    if cli is not None:
        _runners["cli"] = cli


def test_runner() -> Callable[..., Any]:
    """What ``dag.test()`` calls."""
    return _find("test")


def command_line() -> Callable[..., Any]:
    """What ``dag.cli()`` calls."""
    return _find("cli")


def _find(name: str) -> Callable[..., Any]:
    if name not in _runners:
        try:
            importlib.import_module(PROVIDER)
        except ImportError as error:
            raise AirflowException(
                f"dag.{name}() needs the execution layer, which cannot be imported: {error}"
            ) from error
    if name not in _runners:
        raise AirflowException(f"Nothing here provides dag.{name}(). Use the command line: dags test DAG_ID.")
    return _runners[name]
