"""Frames of JSON over a stream socket: four bytes of length, then the text."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import orjson

from orchestration.authoring.store import StoreError
from orchestration.dagfiles.protocol import LARGEST_FRAME

_LENGTH = struct.Struct("!I")


class BrokenFrame(ValueError):
    """The other side sent something that is no frame."""


def pack(value: Any) -> bytes:
    """A value as one frame. Raises TypeError for what JSON cannot say."""
    text = orjson.dumps(value)
    return _LENGTH.pack(len(text)) + text


class Inbox:
    """Bytes as they come, frames as they are complete; for the side that must not wait."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """The values that ``data`` completes. Raises BrokenFrame for a frame too large or not JSON."""
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if length > LARGEST_FRAME:
                raise BrokenFrame(f"A frame of {length} bytes is too large.")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            text = bytes(self._buffer[_LENGTH.size : end])
            del self._buffer[:end]
            try:
                yield orjson.loads(text)
            except orjson.JSONDecodeError as error:
                raise BrokenFrame(f"A frame is not JSON: {error}") from error


class Channel:
    """The parser's end: it may wait. One question at a time, whatever the number of threads."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self.has_asked = False

    def send(self, value: Any) -> None:
        """Send one value."""
        self._connection.sendall(pack(value))

    def receive(self) -> Any:
        """Wait for one value. Raises EOFError when the other side is gone."""
        (length,) = _LENGTH.unpack(self._read(_LENGTH.size))
        return orjson.loads(self._read(length))

    def call(self, name: str, arguments: dict[str, Any]) -> Any:
        """Ask the store port of the other side. Raises StoreError with its refusal."""
        with self._lock:
            self.has_asked = True
            try:
                self.send({"call": name, "args": arguments})
                answer = self.receive()
            except (OSError, EOFError) as error:
                raise StoreError(f"The DAG processor does not answer {name}: {error}") from error
        if "error" in answer:
            raise StoreError(str(answer["error"]))
        return answer["value"]

    def _read(self, size: int) -> bytes:
        parts = bytearray()
        while len(parts) < size:
            data = self._connection.recv(min(size - len(parts), 1 << 20))
            if not data:
                raise EOFError("the other side closed the connection")
            parts += data
        return bytes(parts)


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
