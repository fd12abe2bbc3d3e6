"""The DAGs of a folder, for tests and tools. Mirrors ``airflow.models.dagbag``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.authoring.compat.file import list_py_file_paths
from orchestration.authoring.loading import load_dag_file
from orchestration.conf import conf

if TYPE_CHECKING:
    from orchestration.authoring.dag import DAG


class DagBag:
    """Imports the DAG files of ``dag_folder`` (a folder or a file; default: the configured one) in this process."""

    def __init__(
        self,
        dag_folder: str | Path | None = None,
        include_examples: bool = False,
        safe_mode: bool = True,
        **kwargs: Any,
    ) -> None:
        self.dag_folder = str(dag_folder or conf.path("core", "dags_folder"))
        self.dags: dict[str, DAG] = {}
        #: File → why it could not be imported.
        self.import_errors: dict[str, str] = {}
        self.collect_dags(self.dag_folder, safe_mode=safe_mode)

    def collect_dags(self, dag_folder: str | Path | None = None, safe_mode: bool = True, **kwargs: Any) -> None:
        """Import every DAG file of a folder."""
        for path in list_py_file_paths(dag_folder or self.dag_folder, safe_mode=safe_mode):
            self.process_file(path, safe_mode=safe_mode)

    def process_file(self, filepath: str, only_if_updated: bool = True, safe_mode: bool = True) -> list[DAG]:
        """Import one file; its DAGs."""
        loaded = load_dag_file(filepath, safe_mode=safe_mode)
        self.import_errors.update(loaded.errors)
        self.dags.update(loaded.dags)
        return list(loaded.dags.values())

    def get_dag(self, dag_id: str, session: Any = None) -> DAG | None:
        """The DAG, None if no file defines it."""
        return self.dags.get(dag_id)

    @property
    def dag_ids(self) -> list[str]:
        """The DAGs' ids."""
        return list(self.dags)

    def size(self) -> int:
        """How many DAGs there are."""
        return len(self.dags)
