"""Tasks that call a function in another interpreter. Mirrors the second half of ``airflow.operators.python``.

The function's source is written into a script; arguments and result go through files that the operator's own child
reads and writes, so the other interpreter needs nothing of this system.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import shutil
import subprocess
import sys
import textwrap
import types
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import (
    AirflowException,
    AirflowSkipException,
    DeserializingResultError,
    RemovedInAirflow3Warning,
)
from orchestration.authoring.hooks.subprocess import SubprocessHook
from orchestration.authoring.operators.bash import exit_codes
from orchestration.authoring.operators.branch import Branches, BranchMixIn
from orchestration.authoring.operators.callables import PythonOperator, log_result
from orchestration.authoring.operators.venv_builder import VenvSpec, ensure_cached_venv, make_venv

Serializer = Literal["pickle", "cloudpickle", "dill"]

#: What of the context is text or number and can go to any interpreter.
PLAIN_KEYS = frozenset(
    {"ds", "ds_nodash", "expanded_ti_count", "map_index_template", "next_ds", "next_ds_nodash", "prev_ds",
     "prev_ds_nodash", "run_id", "task_instance_key_str", "test_mode", "tomorrow_ds", "tomorrow_ds_nodash", "ts",
     "ts_nodash",     "ts_nodash_with_tz", "yesterday_ds", "yesterday_ds_nodash", "params"}
)  # fmt: skip
#: What of the context needs pendulum in the other interpreter.
MOMENT_KEYS = frozenset(
    {"data_interval_end", "data_interval_start", "execution_date", "logical_date", "next_execution_date",
     "prev_data_interval_end_success", "prev_data_interval_start_success", "prev_execution_date",
     "prev_execution_date_success", "prev_start_date_success", "prev_end_date_success"}
)  # fmt: skip

SCRIPT = """\
from __future__ import annotations

import {serializer}
import sys

{source}

with open(sys.argv[1], "rb") as _file:
    _arguments = {serializer}.load(_file)
with open(sys.argv[3]) as _file:
    virtualenv_string_args = [_line.strip() for _line in _file]

try:
    _result = {function}(*_arguments["args"], **_arguments["kwargs"])
except Exception as _error:
    with open(sys.argv[4], "w") as _file:
        _file.write(str(_error))
    raise

with open(sys.argv[2], "wb") as _file:
    if _result is not None:
        {serializer}.dump(_result, _file)
"""


def is_venv_installed() -> bool:
    """Whether the package ``virtualenv`` is there. Operators here do without it, through Python's own ``venv``."""
    return bool(shutil.which("virtualenv") or importlib.util.find_spec("virtualenv"))


class BasePythonVirtualenvOperator(PythonOperator, metaclass=ABCMeta):
    """What both kinds share: the function in a script, its arguments, its result.

    The function is a ``def`` that imports what it needs within itself. Of the context it gets texts, ``params`` and, if
    the other interpreter has pendulum, moments. ``string_args`` are its global ``virtualenv_string_args``.
    """

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        serializer: Serializer | None = None,
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        string_args: Iterable[str] | None = None,
        templates_dict: dict[str, Any] | None = None,
        templates_exts: Sequence[str] | None = None,
        expect_airflow: bool = True,
        skip_on_exit_code: int | Container[int] | None = None,
        env_vars: dict[str, str] | None = None,
        inherit_env: bool = True,
        use_dill: bool = False,
        **kwargs: Any,
    ) -> None:
        if not isinstance(python_callable, types.FunctionType) or python_callable.__name__ == "<lambda>":
            raise ValueError(f"{type(self).__name__} runs a function made by def, not {python_callable!r}")
        if inspect.isgeneratorfunction(python_callable):
            raise ValueError(f"{type(self).__name__} takes one result: let {python_callable.__name__}() not yield")
        given = {"templates_dict": templates_dict, "templates_exts": templates_exts, **kwargs}
        super().__init__(python_callable=python_callable, op_args=op_args, op_kwargs=op_kwargs, **given)
        if use_dill and serializer:
            raise AirflowException("use_dill=True means serializer='dill': give one of the two")
        self.serializer: Serializer = "dill" if use_dill else serializer or "pickle"
        if self.serializer not in get_args(Serializer):
            raise AirflowException(f"serializer is one of {', '.join(get_args(Serializer))}, not {self.serializer!r}")
        self.string_args = string_args or []
        self.expect_airflow = expect_airflow
        self.skip_on_exit_code = exit_codes(skip_on_exit_code)
        self.env_vars = env_vars
        self.inherit_env = inherit_env

    @cached_property
    def subprocess_hook(self) -> SubprocessHook:
        """What runs the other interpreter."""
        return SubprocessHook()

    @abstractmethod
    def execute_callable(self) -> Any:
        """Call the function in the other interpreter."""

    @abstractmethod
    def _has_pendulum(self) -> bool:
        """Whether the other interpreter can import pendulum."""

    def execute(self, context: Context) -> Any:
        """Call the function; its result is the task's."""
        self.op_kwargs = self.determine_kwargs(context)
        result = self.execute_callable()
        log_result(self, result)
        return result

    def determine_kwargs(self, context: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments by name: those given, and those of the context that the function takes and that can travel."""
        parameters = inspect.signature(self.python_callable).parameters.values()
        by_position = [parameter.name for parameter in parameters][: len(self.op_args)]
        if taken := [name for name in by_position if name in self.op_kwargs]:
            raise ValueError(f"The parameter {taken[0]!r} is in op_args and in op_kwargs: take it out of one")
        takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
        wanted = PLAIN_KEYS | MOMENT_KEYS
        if not takes_all:
            wanted = wanted.intersection(parameter.name for parameter in parameters)
        wanted -= {*by_position, *self.op_kwargs}
        if wanted & MOMENT_KEYS and not self._has_pendulum():
            wanted -= MOMENT_KEYS
        with warnings.catch_warnings():
            if takes_all:  # nobody asked for the deprecated values by name
                warnings.simplefilter("ignore", RemovedInAirflow3Warning)
            arguments = {key: context[key] for key in sorted(wanted) if key in context}
        if "params" in arguments:
            arguments["params"] = dict(arguments["params"])
        arguments |= self.op_kwargs
        if self.templates_dict:
            arguments["templates_dict"] = self.templates_dict
        names = {parameter.name for parameter in parameters}
        return {key: value for key, value in arguments.items() if takes_all or key in names}

    def get_python_source(self) -> str:
        """The function's source, without indentation."""
        return textwrap.dedent(inspect.getsource(self.python_callable))

    def _module(self) -> Any:
        """The library that writes arguments and reads the result."""
        try:
            return importlib.import_module(self.serializer)
        except ModuleNotFoundError:
            raise AirflowException(f"The library {self.serializer} is missing: pip install {self.serializer}") from None

    def _execute_python_callable_in_subprocess(self, python_path: Path) -> Any:
        library = self._module()
        with TemporaryDirectory(prefix="venv-call") as folder:
            script, given, result, texts, problem = (
                Path(folder, name)
                for name in ("script.py", "script.in", "script.out", "string_args.txt", "termination.log")
            )
            script.write_text(
                SCRIPT.format(
                    serializer=self.serializer, source=self.get_python_source(), function=self.python_callable.__name__
                ),
                encoding="utf-8",
            )
            given.write_bytes(library.dumps({"args": list(self.op_args), "kwargs": dict(self.op_kwargs)}))
            texts.write_text("\n".join(map(str, self.string_args)), encoding="utf-8")
            environment = (dict(os.environ) if self.inherit_env else {}) | (self.env_vars or {})
            ended = self.subprocess_hook.run_command(
                [os.fspath(path) for path in (python_path, script, given, result, texts, problem)],
                env=environment,
                cwd=os.getcwd(),  # noqa: PTH109 a text is wanted
            )
            if ended.exit_code in self.skip_on_exit_code:
                raise AirflowSkipException(f"The interpreter ended with {ended.exit_code}, which skips the task")
            if ended.exit_code != 0:
                detail = f": {problem.read_text()}" if problem.exists() else "; the lines above are what it printed"
                raise AirflowException(f"The interpreter ended with {ended.exit_code}{detail}")
            if result.stat().st_size == 0:
                return None
            try:
                return library.loads(result.read_bytes())
            except ValueError as error:
                raise DeserializingResultError from error

    def on_kill(self) -> None:
        """End the other interpreter and its children."""
        self.subprocess_hook.send_sigterm()


class PythonVirtualenvOperator(BasePythonVirtualenvOperator):
    """Calls the function in a virtual environment made for it, and removed after it.

    ``requirements`` are pip's (a list, or the text of a requirements file), ``python_version`` a version whose
    ``pythonX.Y`` is on the path, ``index_urls`` package indexes (an empty list: none). With ``venv_cache_path`` the
    environment is kept below that folder for the next task with the same needs.
    """

    template_fields: Sequence[str] = (*PythonOperator.template_fields, "requirements", "index_urls", "venv_cache_path")
    template_ext: Sequence[str] = (".txt",)

    def __init__(
        self,
        *,
        python_callable: Callable[..., Any],
        requirements: Iterable[str] | str | None = None,
        python_version: str | None = None,
        serializer: Serializer | None = None,
        system_site_packages: bool = True,
        pip_install_options: list[str] | None = None,
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        index_urls: Collection[str] | str | None = None,
        venv_cache_path: str | os.PathLike[str] | None = None,
        **kwargs: Any,
    ) -> None:
        major = str(python_version or sys.version_info.major).partition(".")[0]
        if major != str(sys.version_info.major) and (op_args or op_kwargs):
            raise AirflowException(_only_texts(python_version))
        self.requirements = [requirements] if isinstance(requirements, str) else list(requirements or [])
        self.python_version = python_version
        self.system_site_packages = system_site_packages
        self.pip_install_options = pip_install_options
        self.index_urls = (
            [index_urls] if isinstance(index_urls, str) else None if index_urls is None else list(index_urls)
        )
        self.venv_cache_path = venv_cache_path
        super().__init__(
            python_callable=python_callable, serializer=serializer, op_args=op_args, op_kwargs=op_kwargs, **kwargs
        )

    @property
    def _spec(self) -> VenvSpec:
        requirements = [str(requirement) for requirement in self.requirements]
        if not self.system_site_packages and self.serializer != "pickle" and self.serializer not in requirements:
            requirements.append(self.serializer)
        return VenvSpec(
            requirements=tuple(sorted(requirements)),
            python_version=str(self.python_version) if self.python_version else None,
            system_site_packages=self.system_site_packages,
            pip_install_options=tuple(self.pip_install_options or ()),
            index_urls=None if self.index_urls is None else tuple(self.index_urls),
        )

    def execute(self, context: Context) -> Any:
        """Make the environment, and call the function in it."""
        if self.venv_cache_path:
            self._venv = ensure_cached_venv(Path(self.venv_cache_path), self._spec, self.subprocess_hook)
            return super().execute(context)
        with TemporaryDirectory(prefix="venv") as folder:
            self._venv = Path(folder, "venv")
            make_venv(self._venv, self._spec, self.subprocess_hook)
            return super().execute(context)

    def execute_callable(self) -> Any:
        """Call the function in the environment."""
        return self._execute_python_callable_in_subprocess(self._venv / "bin" / "python")

    def _has_pendulum(self) -> bool:
        return imports(self._venv / "bin" / "python", "pendulum")


class BranchPythonVirtualenvOperator(PythonVirtualenvOperator, BranchMixIn):
    """Follows the tasks or groups whose ids the function returns, and skips the others."""

    def execute(self, context: Context) -> Branches:
        """Call the function and skip what it did not name."""
        return self.do_branch(context, super().execute(context))


class ExternalPythonOperator(BasePythonVirtualenvOperator):
    """Calls the function by another interpreter: ``python`` is its absolute path."""

    template_fields: Sequence[str] = (*PythonOperator.template_fields, "python")

    def __init__(
        self, *, python: str, python_callable: Callable[..., Any], expect_pendulum: bool = False, **kwargs: Any
    ) -> None:
        if not python:
            raise ValueError("ExternalPythonOperator needs an interpreter: give its absolute path as python=…")
        self.expect_pendulum = expect_pendulum
        self.python = python
        super().__init__(python_callable=python_callable, **kwargs)

    def execute_callable(self) -> Any:
        """Call the function; ValueError for a path that is not an interpreter's."""
        path = Path(self.python)
        if not (path.is_absolute() and path.is_file()):
            wrong = "is not there" if not path.exists() else "is no file" if not path.is_file() else "is not absolute"
            raise ValueError(f"python is the absolute path of an interpreter, and {path} {wrong}")
        if (self.op_args or self.op_kwargs) and (major := _major_version(path)) != sys.version_info.major:
            raise AirflowException(_only_texts(major))
        return self._execute_python_callable_in_subprocess(path)

    def _has_pendulum(self) -> bool:
        found = imports(Path(self.python), "pendulum")
        if not found and self.expect_pendulum:
            self.log.warning(
                "%s has no pendulum, so the function gets no moments. Install pendulum there.", self.python
            )
        return found


class BranchExternalPythonOperator(ExternalPythonOperator, BranchMixIn):
    """Follows the tasks or groups whose ids the function returns, and skips the others."""

    def execute(self, context: Context) -> Branches:
        """Call the function and skip what it did not name."""
        return self.do_branch(context, super().execute(context))


def _only_texts(other: object) -> str:
    here = sys.version_info.major
    return f"Python {here} here and Python {other} there exchange texts only: give string_args"


def imports(python: Path, module: str) -> bool:
    """Whether an interpreter can import a module."""
    with suppress(OSError):
        return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
    return False


def _major_version(python: Path) -> int:
    """The major version of an interpreter; ValueError where it does not tell."""
    try:
        text = subprocess.run(
            [python, "-c", "import sys; print(sys.version_info[0])"], capture_output=True, text=True, check=True
        ).stdout
        return int(text)
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        raise ValueError(f"{python} did not tell its version: {error}") from error
