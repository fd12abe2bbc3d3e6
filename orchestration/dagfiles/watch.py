"""Notice changes in the DAGs folders at once. Polling stays the safety net: a lost notice costs one interval."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

log = logging.getLogger(__name__)

#: Changes that say nothing about DAGs.
IGNORED_PARTS = frozenset({"__pycache__", ".git", ".hg", ".svn", ".idea", ".mypy_cache", ".ruff_cache"})
IGNORED_SUFFIXES = (".pyc", ".swp", ".swx", "~", ".tmp", ".log")


class Watcher:
    """A thread that collects changed paths; ``fileno`` becomes readable when there are some."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = [folder for folder in folders if Path(folder).is_dir()]
        self._heard, self._told = socket.socketpair()
        self._heard.setblocking(False)
        self._told.setblocking(False)
        self._changed: set[str] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Begin watching; a no-op where no folder is there or the system has no means."""
        if self._folders:
            self._thread.start()

    @property
    def folders(self) -> list[str]:
        """The folders being watched."""
        return self._folders

    def fileno(self) -> int:
        """For selectors."""
        return self._heard.fileno()

    def take(self) -> set[str]:
        """The paths that changed since the last call."""
        with contextlib.suppress(BlockingIOError):
            while self._heard.recv(4096):
                pass
        with self._lock:
            changed, self._changed = self._changed, set()
        return changed

    def stop(self) -> None:
        """End the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2)
        self._heard.close()
        self._told.close()

    def _run(self) -> None:
        import watchfiles

        try:
            for changes in watchfiles.watch(
                *self._folders, stop_event=self._stop, debounce=200, step=50, rust_timeout=500, watch_filter=None
            ):
                self._note(path for _, path in changes)
        except Exception as error:  # too few inotify watches, an odd file system: polling goes on
            log.warning("Changes of DAG files are noticed by polling only: %s", error)

    def _note(self, paths: Iterable[str]) -> None:
        kept = {path for path in paths if is_of_interest(path)}
        if not kept:
            return
        with self._lock:
            self._changed |= kept
        with contextlib.suppress(OSError):
            self._told.send(b"1")


def is_of_interest(path: str) -> bool:
    """Whether a changed path may say something about DAGs."""
    return not path.endswith(IGNORED_SUFFIXES) and IGNORED_PARTS.isdisjoint(Path(path).parts)
