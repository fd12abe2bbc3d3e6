"""A folder named by a connection, and the search for files. Mirrors ``airflow.hooks.filesystem``."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any

from orchestration.authoring.exceptions import AirflowNotFoundException
from orchestration.authoring.hooks_base import BaseHook


def find_file(pattern: str, *, recursive: bool = False) -> str | None:
    """The first file that matches a path or glob pattern, None if there is none.

    A folder that matches counts if a file is in it at any depth.
    """
    for path in glob.glob(pattern, recursive=recursive):  # noqa: PTH207 the pattern may be absolute
        if Path(path).is_file():
            return path
        for folder, _, files in os.walk(path):
            if files:
                return str(Path(folder, files[0]))
    return None


class FSHook(BaseHook):
    """The folder that a connection of type ``fs`` names as ``path`` in its extra.

    Without the connection ``fs_default`` paths are taken as they are.
    """

    conn_type, hook_name = "fs", "File (path)"
    conn_name_attr, default_conn_name = "fs_conn_id", "fs_default"

    def __init__(self, fs_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.basepath = ""
        try:
            self.basepath = str(self.get_connection(fs_conn_id).extra_dejson.get("path", ""))
        except AirflowNotFoundException:
            if fs_conn_id != self.default_conn_name:
                raise

    def get_conn(self) -> None:
        """Nothing is opened."""

    def get_path(self) -> str:
        """The folder; empty if the connection names none."""
        return self.basepath

    def test_connection(self) -> tuple[bool, str]:
        """Whether the folder exists, and a sentence."""
        if not self.basepath:
            return False, "The connection names no folder: put a path into its extra."
        is_there = Path(self.basepath).exists()
        return is_there, f"{self.basepath} is {'there' if is_there else 'not there'}."
