"""The parser's end of its socket to the DAG processor, and the store port over it."""

from __future__ import annotations

import socket
import threading
from typing import Any

from orchestration.authoring.store import StoreError
from orchestration.processes import frames


class Channel:
    """It may wait. One question at a time, whatever the number of threads."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.has_asked = False

    def send(self, value: Any) -> None:
        """Send one value."""
        frames.send(self._connection, value)

    def receive(self) -> Any:
        """Wait for one value. EOFError when the other side is gone, FrameError when it went within a frame."""
        return frames.receive(self._connection)

    def call(self, name: str, arguments: dict[str, Any]) -> Any:
        """Ask the store port of the other side. Raises StoreError with its refusal."""
        with self._lock:
            self.has_asked = True
            try:
                self.send({"call": name, "args": arguments})
                answer = self.receive()
            except (OSError, EOFError, frames.FrameError) as error:
                raise StoreError(f"The DAG processor does not answer {name}: {error}") from error
        if "error" in answer:
            raise StoreError(str(answer["error"]))
        return answer["value"]


class ChannelStore:
    """The store port over a channel; every verb is one round trip with named arguments."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def ask(*args: Any, **kwargs: Any) -> Any:
            return self._channel.call(name, {"args": args, "kwargs": kwargs})

        return ask
