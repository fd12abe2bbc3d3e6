"""Import a DAG file and take the DAGs from it, as ``DagBag.process_file`` of Airflow 2.10.5 does.

Used by the parser, which turns the DAGs into documents, and by whoever runs tasks from the file. The file is compiled
from its source each time: a bytecode file could be older than the source by less than its clock can tell.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import sys
import threading
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from orchestration.authoring.exceptions import AirflowTaskTimeout
from orchestration.conf import conf
from orchestration.processes.alarm import alarm

if TYPE_CHECKING:
    from orchestration.authoring.dag import DAG

#: Frames of a trace shown where ``core.dagbag_import_error_traceback_depth`` is not set.
TRACEBACK_DEPTH = 10
#: Most characters of one error that are kept.
LONGEST_ERROR = 20_000


@dataclass(slots=True)
class LoadedFile:
    """What a file gave: its DAGs by id (sub-DAGs too), and why parts of it gave none.

    ``errors`` are by file: for a zip archive ``archive.zip/module.py``. ``warnings`` are lines of text.
    """

    dags: dict[str, DAG] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def load_dag_file(path: str, *, safe_mode: bool = False, seconds: float = 0) -> LoadedFile:
    """Import the file (each module at the root of a zip archive) and collect its DAGs.

    In ``safe_mode`` a file without the words that ``might_contain_dag`` looks for gives nothing. Importing one module
    may take so many ``seconds`` (0: any time); the limit is an alarm signal, so it works in the main thread only.
    Nothing that the file does by raising gets out of here, not even SystemExit.
    """
    from orchestration.authoring.dag import DagContext

    loaded = LoadedFile()
    DagContext.autoregistered_dags.clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            if path.endswith(".py") or not zipfile.is_zipfile(path):
                modules = _modules_of_file(path, loaded, safe_mode=safe_mode, seconds=seconds)
            else:
                modules = _modules_of_zip(path, loaded, safe_mode=safe_mode, seconds=seconds)
        except OSError as error:
            loaded.errors[path] = f"{type(error).__name__}: {error}"
            modules = []
    loaded.warnings = [_warning_line(warning) for warning in caught]
    _collect(modules, loaded)
    return loaded


def might_contain_dag(content: bytes) -> bool:
    """Whether the bytes of a module hold the words that safe mode looks for."""
    lowered = content.lower()
    return b"dag" in lowered and b"airflow" in lowered


def module_name(path: str) -> str:
    """The name a DAG file has in ``sys.modules``: unique for its path, as in Airflow."""
    digest = hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()
    return f"unusual_prefix_{digest}_{re.sub(r'[.-]', '_', Path(path).stem)}"


class _FreshLoader(SourceFileLoader):
    """Compiles from the source and never from a bytecode file."""

    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _modules_of_file(path: str, loaded: LoadedFile, *, safe_mode: bool, seconds: float) -> list[ModuleType]:
    if safe_mode and not might_contain_dag(Path(path).read_bytes()):
        return []
    name = module_name(path)
    spec = spec_from_loader(name, _FreshLoader(name, path))
    assert isinstance(spec, ModuleSpec)
    return _imported(name, path, loaded, lambda: _execute(spec), seconds=seconds, limit_of=path)


def _execute(spec: ModuleSpec) -> ModuleType:
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module


def _modules_of_zip(path: str, loaded: LoadedFile, *, safe_mode: bool, seconds: float) -> list[ModuleType]:
    modules: list[ModuleType] = []
    with zipfile.ZipFile(path) as archive:
        names = [
            info.filename
            for info in archive.infolist()
            if len(Path(info.filename).parts) == 1 and Path(info.filename).suffix in (".py", ".pyc")
        ]
        if safe_mode:
            names = [name for name in names if might_contain_dag(archive.read(name))]
    if not names:
        return modules
    sys.path.insert(0, path)
    try:
        for file in names:
            name = Path(file).stem
            sys.modules.pop(name, None)
            importlib.invalidate_caches()

            def load(name: str = name) -> ModuleType:
                return importlib.import_module(name)

            modules += _imported(name, f"{path}/{file}", loaded, load, seconds=seconds, limit_of=path)
    finally:
        if path in sys.path:
            sys.path.remove(path)
    return modules


def _imported(
    name: str, file: str, loaded: LoadedFile, load: Callable[[], ModuleType], *, seconds: float, limit_of: str
) -> list[ModuleType]:
    """The module, or none and its error; DAGs that a failed module registered are dropped."""
    from orchestration.authoring.dag import DagContext

    sys.modules.pop(name, None)
    DagContext.current_autoregister_module_name = name
    before = set(DagContext.autoregistered_dags)
    try:
        with _time_limit(seconds, limit_of):
            return [load()]
    except BaseException as error:
        DagContext.autoregistered_dags = before
        loaded.errors[file] = _error_text(error, file)
        return []
    finally:
        DagContext.current_autoregister_module_name = None


@contextmanager
def _time_limit(seconds: float, path: str) -> Iterator[None]:
    if seconds <= 0 or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop() -> NoReturn:
        raise AirflowTaskTimeout(
            f"The import of {path} took more than {seconds} seconds. "
            "Do less while the file is imported: move slow calls into tasks, or raise core.dagbag_import_timeout."
        )

    with alarm(seconds, stop):
        yield


def _error_text(error: BaseException, file: str) -> str:
    """The error as Airflow shows it: a trace of the last frames, beginning in the DAG file; or the message alone."""
    from orchestration.authoring import alias

    if not conf.getboolean("core", "dagbag_import_error_tracebacks", fallback=True):
        return _cut(f"{error}")
    depth = conf.getint("core", "dagbag_import_error_traceback_depth", fallback=TRACEBACK_DEPTH)
    frames = traceback.extract_tb(error.__traceback__)
    here = os.path.dirname(__file__)  # noqa: PTH120 compared with texts
    hidden = (__file__, alias.__file__)
    own = [f for f in frames if not f.filename.startswith("<frozen ") and f.filename not in hidden]
    theirs = next((i for i, f in enumerate(own) if not f.filename.startswith(here)), 0)
    head = ["Traceback (most recent call last):\n"] if own else []
    last = "".join(traceback.format_exception_only(error))
    cls = type(error)
    shown = f"{alias.airflow_module(cls)}.{cls.__qualname__}"
    last = last.replace(f"{cls.__module__}.{cls.__qualname__}", shown, 1)
    return _cut("".join([*head, *traceback.format_list(own[theirs:][-depth:]), last]))


def _cut(text: str) -> str:
    text = text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    return text if len(text) <= LONGEST_ERROR else f"{text[: LONGEST_ERROR // 2]}\n…\n{text[-LONGEST_ERROR // 2 :]}"


def _warning_line(warning: warnings.WarningMessage) -> str:
    category = warning.category
    name = category.__name__ if category.__module__ == "builtins" else f"{category.__module__}.{category.__name__}"
    return _cut(f"{warning.filename}:{warning.lineno}: {name}: {warning.message}")


def _collect(modules: list[ModuleType], loaded: LoadedFile) -> None:
    """Take the DAGs of the modules' names and of ``with`` blocks, each checked, with their sub-DAGs."""
    from orchestration.authoring.dag import DAG, DagContext

    found: dict[int, tuple[DAG, ModuleType]] = {}
    for module in modules:
        for value in list(vars(module).values()):
            if isinstance(value, DAG):
                found.setdefault(id(value), (value, module))
    for dag, module in DagContext.autoregistered_dags:
        found.setdefault(id(dag), (dag, module))
    DagContext.autoregistered_dags = set()
    for dag, module in found.values():
        dag.fileloc = str(module.__file__)
        try:
            _take(dag, loaded)
        except BaseException as error:
            loaded.errors[dag.fileloc] = _cut(f"{type(error).__name__}: {error}")


def _take(dag: DAG, loaded: LoadedFile) -> None:
    from orchestration.authoring.dag_checks import check_cycle

    dag.validate()
    family: list[DAG] = [dag]
    check_cycle(dag)
    dag.resolve_template_files()
    for inner in dag.subdags:
        inner.fileloc = dag.fileloc
        inner.parent_dag = dag
        check_cycle(inner)
        inner.resolve_template_files()
        family.append(inner)
    for member in family:
        known = loaded.dags.get(member.dag_id)
        if known is not None and known.fileloc != member.fileloc:
            raise duplicate_error(member.dag_id, incoming=member.fileloc, existing=known.fileloc)
    loaded.dags.update({member.dag_id: member for member in family})


def duplicate_error(dag_id: str, *, incoming: str, existing: str) -> Any:
    """The exception for a DAG id that two files define."""
    from orchestration.authoring.exceptions import AirflowDagDuplicatedIdException

    return AirflowDagDuplicatedIdException(dag_id=dag_id, incoming=incoming, existing=existing)
