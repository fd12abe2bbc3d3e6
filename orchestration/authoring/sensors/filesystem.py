"""Waiting for a file. Mirrors ``airflow.sensors.filesystem``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.hooks.filesystem import FSHook, find_file
from orchestration.authoring.sensors.base import BaseSensorOperator
from orchestration.authoring.triggers.base import StartTriggerArgs
from orchestration.authoring.triggers.file import FileTrigger
from orchestration.conf import conf


class FileSensor(BaseSensorOperator):
    """Is done when a file matches ``filepath``, a path or glob pattern below the folder of ``fs_conn_id``.

    A folder counts when a file is in it at any depth; ``recursive`` lets ``**`` match any depth. ``deferrable`` waits
    without a process, ``start_from_trigger`` with it begins so.
    """

    template_fields: Sequence[str] = ("filepath",)
    ui_color = "#91818a"
    start_trigger_args = StartTriggerArgs(
        trigger_cls="airflow.triggers.file.FileTrigger", trigger_kwargs={}, next_method="execute_complete"
    )

    def __init__(
        self,
        *,
        filepath: str,
        fs_conn_id: str = "fs_default",
        recursive: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable"),
        start_from_trigger: bool = False,
        trigger_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fs_conn_id, self.filepath, self.recursive = fs_conn_id, filepath, recursive
        self.deferrable, self.start_from_trigger = deferrable, start_from_trigger
        if deferrable and start_from_trigger:
            self.start_trigger_args = StartTriggerArgs(
                trigger_cls="airflow.triggers.file.FileTrigger",
                trigger_kwargs=self._trigger().serialize()[1],
                next_method="execute_complete",
                timeout=timedelta(seconds=self.timeout),
            )

    @cached_property
    def path(self) -> str:
        """The pattern below the connection's folder."""
        return str(Path(FSHook(self.fs_conn_id).get_path(), self.filepath))

    def poke(self, context: Context) -> bool:
        """Look for the file."""
        found = find_file(self.path, recursive=self.recursive)
        self.log.info("Looking for %s: %s", self.path, "nothing yet" if found is None else f"found {found}")
        return found is not None

    def execute(self, context: Context) -> None:
        """Wait here, or in the triggerer where the file is not there yet."""
        if not self.deferrable:
            super().execute(context=context)
        elif not self.poke(context=context):
            self.defer(trigger=self._trigger(), method_name="execute_complete", timeout=timedelta(seconds=self.timeout))

    def execute_complete(self, context: Context, event: bool | None = None) -> None:
        """The file is there."""
        if not event:
            raise AirflowException(f"The trigger ended without having found {self.filepath}")
        self.log.info("%s was found", self.filepath)

    def _trigger(self) -> FileTrigger:
        return FileTrigger(filepath=self.path, recursive=self.recursive, poke_interval=self.poke_interval)
