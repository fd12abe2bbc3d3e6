"""The store port over a socket: what a task's process, a warm parent and the trigger runner use. No Django."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from orchestration.authoring.store import StoreError
from orchestration.processes import frames

#: The methods of ``authoring.store.Store`` that the other side answers.
METHODS = frozenset(
    {
        "get_variable",
        "set_variable",
        "delete_variable",
        "get_connection",
        "set_xcom",
        "get_xcoms",
        "delete_xcoms",
        "get_task_instances",
        "get_dag_runs",
        "get_dag",
        "trigger_dag_run",
        "clear_task_instances",
        "get_dataset_events",
        "get_alias_datasets",
        "set_rendered_fields",
        "set_note",
    }
)
#: Those that say something and need no answer: the task goes on at once.
ONE_WAY = frozenset({"set_rendered_fields"})


class SocketStore:
    """Asks the supervisor. Safe between threads, and between the task's process and those it forks."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._lock = threading.Lock()
        self._between_processes = _SharedLock()
        os.register_at_fork(after_in_child=self._renew_lock)

    def _renew_lock(self) -> None:
        """In a process that was forked: nobody is left who could give the lock back."""
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name not in METHODS:
            raise AttributeError(f"The store has no method {name}.")
        return partial(self.tell if name in ONE_WAY else self.ask, name)

    def ask(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method on the other side. StoreError where it refuses or is gone."""
        with self._lock, self._between_processes:
            try:
                frames.send(self._socket, [method, args, kwargs])
                is_done, answer = frames.receive(self._socket)
            except (OSError, EOFError, frames.FrameError) as error:
                raise StoreError(f"The supervisor is out of reach: {error}. The try is over.") from error
        if not is_done:
            raise StoreError(answer)
        return answer

    def tell(self, method: str, *args: Any, **kwargs: Any) -> None:
        """Say something that has no answer. StoreError where the other side is gone."""
        with self._lock, self._between_processes:
            try:
                frames.send(self._socket, [method, args, kwargs])
            except (OSError, frames.FrameError) as error:
                raise StoreError(f"The supervisor is out of reach: {error}. The try is over.") from error


class _SharedLock:
    """Keeps processes that share the socket from talking at once; costs a few microseconds.

    Locks of this kind belong to a process: threads need another one around it.
    """

    def __init__(self) -> None:
        self._file = os.memfd_create("store")  # lives as long as the process

    def __enter__(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            fcntl.lockf(self._file, fcntl.LOCK_UN)
