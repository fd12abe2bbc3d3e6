"""Limits on calls a minute, of a user or of an address without one, over all processes of a machine.

The counters lie in a file of fixed size below ``AIRFLOW_HOME`` that every process maps into its memory: to count costs
microseconds and no query. Several machines count each for itself.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import threading
import time
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from orchestration.access.lockout import client_address
from orchestration.access.permissions import Caller
from orchestration.conf import conf

_SECONDS: Final = 60
#: Whose counter it is (a digest), the minute it counts, and the calls so far.
_COUNTER: Final = struct.Struct("<QII")
_COUNTERS: Final = 16_384
#: Places tried for a counter; where all are taken by others in this minute, the call is not counted.
_TRIED: Final = 8


def count(request: HttpRequest, caller: Caller | None) -> None:
    """Count the call, once. Raises Throttled (429) where it is one too many in this minute."""
    user = None if caller is None or isinstance(caller, AnonymousUser) else caller
    limit = settings.API_REQUESTS_PER_MINUTE_OF_ADDRESS if user is None else settings.API_REQUESTS_PER_MINUTE_OF_USER
    if limit <= 0 or "is_counted" in vars(request):
        return
    vars(request)["is_counted"] = True
    now = time.time()
    calls = _counters(conf.home / "api_calls.counters").add(
        f"address {client_address(request)}" if user is None else f"user {user.pk}", int(now // _SECONDS)
    )
    if calls > limit:
        raise Throttled(
            wait=_SECONDS - now % _SECONDS, detail=f"More than {limit} calls in a minute. Wait and try again."
        )


class Counters:
    """Counters in a file that processes share."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.ftruncate(self._file, _COUNTERS * _COUNTER.size)
        self._memory = mmap.mmap(self._file, _COUNTERS * _COUNTER.size)
        self._lock = threading.Lock()

    def add(self, name: str, minute: int) -> int:
        """One call more under this name in this minute; how many there are now, 0 where there is no room."""
        digest = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
        with self._lock:  # between threads; the file's lock is between processes
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                return self._added(digest, minute)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _added(self, digest: int, minute: int) -> int:
        for step in range(_TRIED):
            at = (digest + step) % _COUNTERS * _COUNTER.size
            owner, counted, calls = _COUNTER.unpack_from(self._memory, at)
            if owner == digest or counted != minute:
                calls = calls + 1 if (owner, counted) == (digest, minute) else 1
                _COUNTER.pack_into(self._memory, at, digest, minute, calls)
                return int(calls)
        return 0


@cache
def _counters(path: Path) -> Counters:
    return Counters(path)
