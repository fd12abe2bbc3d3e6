"""Paths in object stores: ``ObjectStoragePath("s3://conn_id@bucket/key")``. Mirrors ``airflow.io.path``.

The work is done by ``universal_pathlib`` and ``fsspec``; a connection's parts become the file system's options.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from upath import UPath
from upath.extensions import ProxyUPath

if TYPE_CHECKING:
    from typing import Self


class ObjectStore:
    """A store reached through a connection; ``fs`` is the ``fsspec`` file system."""

    def __init__(self, protocol: str, conn_id: str | None, fs: Any = None) -> None:
        self.protocol = protocol
        self.conn_id = conn_id
        self._fs = fs

    @property
    def fs(self) -> Any:
        """The file system; made when it is first asked for."""
        if self._fs is None:
            self._fs = get_fs(self.protocol, self.conn_id)
        return self._fs

    @property
    def fsid(self) -> str:
        """What tells the store from others."""
        return f"{self.protocol}-{self.conn_id or 'env'}"


def attach(
    protocol: str | None = None,
    conn_id: str | None = None,
    alias: str | None = None,
    encryption_type: str | None = None,
    fs: Any = None,
) -> ObjectStore:
    """The store of a protocol and connection, or around a given file system. ValueError without protocol and fs."""
    if fs is not None and protocol is None:
        protocol = fs.protocol if isinstance(fs.protocol, str) else fs.protocol[0]
    if protocol is None:
        raise ValueError("protocol must be specified if fs is not")
    return ObjectStore(protocol, conn_id, fs)


def get_fs(scheme: str, conn_id: str | None = None, storage_options: dict[str, Any] | None = None) -> Any:
    """The ``fsspec`` file system of a scheme; ValueError for an unknown one."""
    import fsspec

    try:
        return fsspec.filesystem(scheme, **connection_options(scheme, conn_id), **(storage_options or {}))
    except ImportError as error:
        raise ValueError(f"Paths with {scheme}:// need a package that is missing: {error}") from error


def has_fs(scheme: str) -> bool:
    """Whether the scheme is known."""
    from fsspec.registry import known_implementations

    return scheme in known_implementations


def connection_options(protocol: str, conn_id: str | None) -> dict[str, Any]:
    """What ``fsspec`` needs to reach the store that a connection describes; empty without a connection."""
    if conn_id is None:
        return {}
    from orchestration.authoring.connection import Connection

    connection = Connection.get_connection_from_secrets(conn_id)
    options = dict(connection.extra_dejson)
    named: dict[str, Any]
    if protocol in {"s3", "s3a", "s3n"}:
        named = {"key": connection.login, "secret": connection.password}
        endpoint = options.pop("endpoint_url", None) or options.pop("host", None)
        if endpoint:
            named["endpoint_url"] = endpoint
    else:
        named = {
            "username": connection.login,
            "password": connection.password,
            "host": connection.host,
            "port": connection.port,
        }
    return {**{name: value for name, value in named.items() if value}, **options}


class _FromUPath:
    """Makes paths of what ``universal_pathlib`` answers; they keep the connection of the path that was asked."""

    def __get__(
        self, path: ObjectStoragePath | None, cls: type[ObjectStoragePath]
    ) -> Callable[[Any], ObjectStoragePath]:
        def wrap(found: Any) -> ObjectStoragePath:
            if isinstance(found, cls):
                return found
            made = object.__new__(cls)
            made.__wrapped__ = found
            made._conn_id = None if path is None else path._conn_id
            return made

        return wrap


class ObjectStoragePath(ProxyUPath):
    """A path in a store; a connection's id stands before ``@``, or is given as ``conn_id``.

    The connection is looked for when the store is first asked something, not when the path is made.
    """

    __version__ = 1
    _airflow_module = "airflow.io.path"
    _conn_id: str | None = None
    _is_connected = False
    _from_upath: Any = _FromUPath()

    def __init__(self, *args: Any, protocol: str | None = None, conn_id: str | None = None, **options: Any) -> None:
        found, cleaned = _split_conn_id(args)
        self._conn_id = conn_id or found or getattr(args[0] if args else None, "_conn_id", None)
        super().__init__(*map(_plain_path, cleaned), protocol=protocol, **options)

    def _connect(self) -> None:
        if self._conn_id is not None and not self._is_connected:
            options = {**connection_options(self.protocol, self._conn_id), **self.storage_options}
            self.__wrapped__ = UPath(str(self.__wrapped__), protocol=self.protocol or None, **options)
            self._is_connected = True

    def __str__(self) -> str:
        """The path with the connection's id, so that its text leads to the same place."""
        text = str(self.__wrapped__)
        scheme, separator, rest = text.partition("://")
        return f"{scheme}://{self._conn_id}@{rest}" if self._conn_id and separator else text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectStoragePath) and self.samestore(other) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    @property
    def conn_id(self) -> str | None:
        """The connection's id."""
        return self._conn_id

    @property
    def fs(self) -> Any:
        """The ``fsspec`` file system."""
        self._connect()
        return self.__wrapped__.fs

    @property
    def bucket(self) -> str:
        """The first part: bucket or container."""
        return urlsplit(str(self.__wrapped__)).netloc

    container = bucket

    @property
    def key(self) -> str:
        """The path within the bucket."""
        return urlsplit(str(self.__wrapped__)).path.lstrip("/")

    @property
    def namespace(self) -> str:
        """Protocol and bucket."""
        return f"{self.protocol}://{self.bucket}" if self.bucket else self.protocol

    def samestore(self, other: object) -> bool:
        """Whether both are in one store, reached through one connection."""
        return isinstance(other, ObjectStoragePath) and (self.protocol, self._conn_id) == (
            other.protocol,
            other._conn_id,
        )

    def checksum(self) -> Any:
        """The file's checksum, as the store gives it."""
        return self.fs.checksum(self.path)

    def ukey(self) -> Any:
        """What changes when the file does."""
        return self.fs.ukey(self.path)

    def read_block(self, offset: int, length: int, delimiter: bytes | None = None) -> bytes:
        """A piece of the file, ended at a delimiter where one is given."""
        block: bytes = self.fs.read_block(self.path, offset, length, delimiter=delimiter)
        return block

    def sign(self, expiration: int = 100, **kwargs: Any) -> str:
        """An address that works without credentials for so many seconds."""
        address: str = self.fs.sign(self.path, expiration=expiration, **kwargs)
        return address

    def size(self) -> int:
        """Bytes."""
        return int(self.fs.size(self.path))

    def copy(self, dst: Any, recursive: bool = False, **kwargs: Any) -> None:  # type: ignore[override]  # as Airflow's
        """Copy to another path, also in another store; into a folder under the file's name."""
        target = ObjectStoragePath(dst) if isinstance(dst, str) else dst
        if self.samestore(target):
            self.fs.copy(self.path, target.path, recursive=recursive, **kwargs)
            return
        if not self.exists():
            raise FileNotFoundError(f"{self} does not exist")
        if not self.is_dir():
            _copy_file(self, target / self.name if target.is_dir() else target)
            return
        for path in self.fs.find(self.path):
            inner = ObjectStoragePath(path, protocol=self.protocol or None, conn_id=self._conn_id)
            _copy_file(inner, target / path.removeprefix(self.path).lstrip("/"))

    def move(self, path: Any, recursive: bool = False, **kwargs: Any) -> None:  # type: ignore[override]  # as Airflow's
        """Copy to another path and delete this one."""
        self.copy(path, recursive=recursive, **kwargs)
        self.fs.rm(self.path, recursive=recursive)

    def serialize(self) -> dict[str, Any]:
        """The path as JSON, without the connection's secrets."""
        return {"path": str(self), "conn_id": self._conn_id, "kwargs": {}}

    @classmethod
    def deserialize(cls, data: dict[str, Any], version: int) -> Self:
        """The path from what ``serialize`` gave."""
        if version > cls.__version__:
            raise ValueError(f"The path was written in form {version}, and {cls.__version__} is the newest known here")
        return cls(data["path"], conn_id=data.get("conn_id"), **data.get("kwargs", {}))

    def render_path(self, render: Callable[[str], Any]) -> Self:
        """The path with its text rendered as a template."""
        return type(self)(str(render(str(self))), conn_id=self._conn_id)


def _connected(name: str) -> Callable[..., Any]:
    inherited = getattr(ProxyUPath, name)

    @functools.wraps(inherited)
    def method(self: ObjectStoragePath, *args: Any, **kwargs: Any) -> Any:
        self._connect()
        return inherited(self, *args, **kwargs)

    return method


for _name in (
    "open", "exists", "is_file", "is_dir", "iterdir", "glob", "rglob", "stat", "read_text", "read_bytes", "write_text",
    "write_bytes", "mkdir", "rmdir", "unlink", "touch", "rename", "replace", "walk",
):  # fmt: skip
    if hasattr(ProxyUPath, _name):
        setattr(ObjectStoragePath, _name, _connected(_name))


def _copy_file(source: ObjectStoragePath, target: ObjectStoragePath) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer)


def _plain_path(argument: Any) -> Any:
    return argument.__wrapped__ if isinstance(argument, ObjectStoragePath) else argument


def _split_conn_id(args: tuple[Any, ...]) -> tuple[str | None, tuple[Any, ...]]:
    """The id before ``@`` in the first argument, and the arguments without it."""
    if not args or not isinstance(args[0], str) or "://" not in args[0]:
        return None, args
    scheme, _, rest = args[0].partition("://")
    place, slash, path = rest.partition("/")
    conn_id, at, bucket = place.rpartition("@")
    if not at:
        return None, args
    return conn_id, (f"{scheme}://{bucket}{slash}{path}", *args[1:])
