"""Messages over stream sockets: a length in four bytes, then JSON. Used wherever two of our processes talk."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from typing import Any

import orjson

_HEADER = struct.Struct("!I")
#: The longest message, in bytes. Nothing a task passes on comes near it; a broken peer must not fill the memory.
LONGEST = 512 * 1024 * 1024
_CHUNK = 262_144


class FrameError(Exception):
    """The peer sent something that is no message, or went away within one."""


def encode(message: Any) -> bytes:
    """The message as it goes over the wire; FrameError for one that is too long."""
    body = to_text(message)
    if len(body) > LONGEST:
        raise FrameError(f"A message of {len(body)} bytes is too long; at most {LONGEST} pass.")
    return _HEADER.pack(len(body)) + body


class Inbox:
    """Takes bytes as they come and gives whole messages."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        """The messages that ``data`` completes; FrameError for what is no message."""
        self._held += data
        while len(self._held) >= _HEADER.size:
            (length,) = _HEADER.unpack_from(self._held)
            if length > LONGEST:
                raise FrameError(f"A message says it has {length} bytes; at most {LONGEST} pass.")
            end = _HEADER.size + length
            if len(self._held) < end:
                return
            with memoryview(self._held) as view:
                body = bytes(view[_HEADER.size : end])
            del self._held[:end]
            try:
                yield orjson.loads(body)
            except orjson.JSONDecodeError as error:
                raise FrameError(f"A message is no JSON: {error}") from error


def send(sock: socket.socket, message: Any) -> None:
    """Send one message; waits until it is on its way."""
    sock.sendall(encode(message))


def receive(sock: socket.socket) -> Any:
    """The next message; waits for it. EOFError when the peer has closed, FrameError when it did so within a message."""
    (length,) = _HEADER.unpack(_exactly(sock, _HEADER.size, is_start=True))
    if length > LONGEST:
        raise FrameError(f"A message says it has {length} bytes; at most {LONGEST} pass.")
    return orjson.loads(_exactly(sock, length))


def _exactly(sock: socket.socket, size: int, *, is_start: bool = False) -> bytes:
    held = bytearray()
    while len(held) < size:
        data = sock.recv(min(size - len(held), _CHUNK))
        if not data:
            if is_start and not held:
                raise EOFError("The peer has closed the socket.")
            raise FrameError("The peer went away within a message.")
        held += data
    return bytes(held)


class Outbox:
    """Bytes that wait until a non-blocking socket takes them."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._held = bytearray()

    def __bool__(self) -> bool:
        return bool(self._held)

    def put(self, message: Any) -> None:
        """Send what goes now and keep the rest; OSError when the peer is gone."""
        self._held += encode(message)
        self.flush()

    def flush(self) -> None:
        """Send what goes now."""
        while self._held:
            try:
                sent = self._socket.send(self._held)
            except BlockingIOError:
                return
            del self._held[:sent]


def drain(sock: socket.socket) -> tuple[bytes, bool]:
    """What a non-blocking socket has now, up to a few hundred kilobytes, and whether the peer has closed."""
    try:
        data = sock.recv(_CHUNK)
    except BlockingIOError:
        return b"", False
    except OSError:
        return b"", True
    return data, not data


def to_text(value: Any) -> bytes:
    """A JSON value as JSON text. Halves of characters are written as ``\\ud800``, whole numbers may have any size."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return json.dumps(_cleaned(value)).encode()


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(member) for key, member in value.items()}
    return [_cleaned(member) for member in value] if isinstance(value, (list, tuple)) else value


def from_text(text: str | bytes) -> Any:
    """The value of a JSON text."""
    return orjson.loads(text)
