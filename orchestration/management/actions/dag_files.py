"""DAG objects from their files, for the commands that run or draw user code in this process."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from orchestration.authoring import alias
from orchestration.authoring.loading import LoadedFile, load_dag_file
from orchestration.dagfiles.discover import find_dag_files
from orchestration.dagfiles.options import Options
from orchestration.errors import NotFound
from orchestration.execution.warm import archive_of
from orchestration.models import Dag


def load(args: argparse.Namespace) -> tuple[Any, LoadedFile]:
    """The DAG of ``args.dag_id`` and its file: of ``--subdir``, else where it was last found, else of any DAG file.

    Raises NotFound that names the files that cannot be read.
    """
    alias.install()
    dag_id: str = args.dag_id
    errors: dict[str, str] = {}
    for path in _candidates(dag_id, args.subdir):
        loaded = load_dag_file(path)
        if dag_id in loaded.dags:
            return loaded.dags[dag_id], loaded
        errors.update(loaded.errors)
    told = "".join(f"\n{path}: {text.strip().rpartition(chr(10))[2]}" for path, text in errors.items())
    where = f" in {args.subdir[:200]}" if args.subdir is not None else ""
    hint = f" These cannot be read:{told}" if told else " `airflowsite dags list` shows what there is."
    raise NotFound(f"No DAG file{where} defines {dag_id!r}.{hint}")


def _candidates(dag_id: str, subdir: str | None) -> list[str]:
    if subdir is not None:
        place = Path(subdir).expanduser().absolute()
        if not os.path.exists(place):  # noqa: PTH110 Path.exists raises for names that are too long
            raise NotFound(f"There is no file or folder {str(place)[:200]}. --subdir names where the DAG files are.")
        return [str(file.path) for file in find_dag_files(place)]
    known = Dag.objects.filter(pk=dag_id).values_list("fileloc", flat=True).first()
    first = [archive_of(known)] if known and Path(archive_of(known)).exists() else []
    everywhere = [str(file.path) for root in roots() for file in find_dag_files(root)]
    return [*first, *(path for path in everywhere if path not in first)]


def roots() -> list[Path]:
    """The folders that the DAG processor reads."""
    return [Path(root) for root in Options.from_conf().roots]


def task_of(dag: Any, task_id: str) -> Any:
    """A task of a DAG object; raises NotFound."""
    if task_id not in dag.task_dict:
        raise NotFound(f"{dag.dag_id} has no task {task_id!r}. `airflowsite tasks list {dag.dag_id}` shows all.")
    return dag.get_task(task_id)
