"""Files and folders. Mirrors ``airflow.utils.file``."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from orchestration.authoring.loading import might_contain_dag as _has_words
from orchestration.authoring.loading import module_name

__all__ = [
    "TemporaryDirectory",
    "correct_maybe_zipped",
    "get_unique_dag_module_name",
    "list_py_file_paths",
    "might_contain_dag",
    "mkdirs",
    "open_maybe_zipped",
]


def mkdirs(path: str, mode: int) -> None:
    """Make a folder and those above it."""
    Path(path).mkdir(mode=mode, parents=True, exist_ok=True)


def correct_maybe_zipped(fileloc: Any) -> Any:
    """The archive of a path that leads into one, otherwise the path."""
    if not fileloc:
        return fileloc
    found = re.match(r"(.*\.zip)(/.*)?$", str(fileloc))
    return found.group(1) if found and zipfile.is_zipfile(found.group(1)) else fileloc


def open_maybe_zipped(fileloc: str, mode: str = "r") -> IO[Any]:
    """Open a file, also one within an archive."""
    archive = correct_maybe_zipped(fileloc)
    if archive != fileloc:
        return io.TextIOWrapper(zipfile.ZipFile(archive).open(str(fileloc)[len(str(archive)) + 1 :]))
    return Path(fileloc).open(mode)


def list_py_file_paths(
    directory: str | Path | None, safe_mode: bool = True, include_examples: bool = False, **kwargs: Any
) -> list[str]:
    """The DAG files below a folder; in ``safe_mode`` those that speak of both DAG and Airflow."""
    if directory is None:
        return []
    root = Path(directory)
    files = [root] if root.is_file() else sorted(root.rglob("*.py"))
    return [str(file) for file in files if might_contain_dag(str(file), safe_mode)]


def might_contain_dag(file_path: str, safe_mode: bool, zip_file: zipfile.ZipFile | None = None) -> bool:
    """Whether a file may define a DAG."""
    if not safe_mode:
        return True
    content = zip_file.read(file_path) if zip_file is not None else Path(file_path).read_bytes()
    return _has_words(content)


def get_unique_dag_module_name(file_path: str) -> str:
    """The name a DAG file has in ``sys.modules``."""
    return module_name(file_path)
