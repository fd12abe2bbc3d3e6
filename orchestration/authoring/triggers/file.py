"""Waiting for a file. Mirrors ``airflow.triggers.file``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from orchestration.authoring.hooks.filesystem import find_file
from orchestration.authoring.triggers.base import PlainTrigger, TriggerEvent


class FileTrigger(PlainTrigger):
    """Fires once a file matches ``filepath`` (a path or glob pattern), or a folder of that name holds a file.

    ``recursive`` lets ``**`` match any depth; ``poke_interval`` is in seconds.
    """

    path = "airflow.triggers.file.FileTrigger"
    arguments = ("filepath", "recursive", "poke_interval")

    def __init__(self, filepath: str, recursive: bool = False, poke_interval: float = 5.0, **kwargs: Any) -> None:
        super().__init__()
        self.filepath, self.recursive = filepath, recursive
        self.poke_interval: float = kwargs.get("poll_interval") or poke_interval

    async def run(self) -> AsyncIterator[TriggerEvent]:
        while (found := await asyncio.to_thread(find_file, self.filepath, recursive=self.recursive)) is None:
            await asyncio.sleep(self.poke_interval)
        self.log.info("%s is there", found)
        yield TriggerEvent(True)
