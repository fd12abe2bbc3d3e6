"""Copying files between stores. Mirrors ``airflow.providers.common.io.operators.file_transfer``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.object_storage import ObjectStoragePath


class FileTransferOperator(BaseOperator):
    """Copies ``src`` to ``dst``; ``overwrite`` allows that ``dst`` exists. Both are paths of object stores or disks."""

    template_fields: Sequence[str] = ("src", "dst")

    def __init__(
        self,
        *,
        src: str | ObjectStoragePath,
        dst: str | ObjectStoragePath,
        source_conn_id: str | None = None,
        dest_conn_id: str | None = None,
        overwrite: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.src, self.source_conn_id = src, source_conn_id
        self.dst, self.dst_conn_id = dst, dest_conn_id
        self.overwrite = overwrite

    def execute(self, context: Context) -> None:
        """Copy; ValueError where the target exists and may not be overwritten."""
        target = _path(self.dst, self.dst_conn_id)
        if target.is_file() and not self.overwrite:
            raise ValueError(f"{target} is there already: delete it, or set overwrite=True")
        _path(self.src, self.source_conn_id).copy(target)


def _path(path: str | ObjectStoragePath, conn_id: str | None) -> ObjectStoragePath:
    return path if isinstance(path, ObjectStoragePath) else ObjectStoragePath(path, conn_id=conn_id)
