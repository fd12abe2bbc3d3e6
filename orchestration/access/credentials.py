"""User name and password: read from the header, verified once, remembered for a while.

A slow password hash would cap Basic authentication at a few requests a second. A verified credential is therefore
remembered under HMAC(secret key, user name and password) for ``api.credential_cache_seconds``. What is remembered is
the user's id and the stored hash it was verified against; a changed password or a deactivated user ends it at once
in every process, because the row is read with each call.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from orchestration.access import permissions
from orchestration.conf import conf
from orchestration.models import User
from orchestration.models.prepared import Prepared, columns, instance

#: The longest ``Authorization`` header that is read, in characters.
LONGEST_HEADER = 8192
#: Remembered credentials in one process.
_ROOM = 4096


class Malformed(ValueError):
    """The header is not what RFC 7617 asks for."""


def parse_basic(credentials: str) -> tuple[str, str]:
    """User name and password from what follows ``Basic`` in the header (RFC 7617, UTF-8).

    Raises Malformed when it is not base64 of text with a colon, when a part is empty, or when it holds NUL.
    """
    try:
        text = base64.b64decode(credentials.encode("ascii"), validate=True).decode()
    except (binascii.Error, ValueError):
        raise Malformed("The Basic credentials must be base64 of user:password in UTF-8.") from None
    username, colon, password = text.partition(":")
    if not (colon and username and password) or "\0" in text:
        raise Malformed("The Basic credentials must hold a user name, a colon and a password.")
    return username, password


@dataclass(frozen=True, slots=True)
class _Verified:
    user_id: int
    password_hash: str
    until: float


#: An active user by id: asked with every request, so compiled once.
_ACTIVE: Final = Prepared(
    lambda user_id: (
        User.objects.filter(pk=user_id, is_active=True)
        .order_by()
        .values_list(*columns(User, has_moments=False), *permissions.stamp_columns())
    ),
    int,
)


class CredentialCache:
    """Verified credentials of this process; the passwords themselves are not kept."""

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._kept: OrderedDict[bytes, _Verified] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, username: str, password: str) -> tuple[User, str | None] | None:
        """The active user whom this credential was verified for, if that still holds, and the database's snapshot.

        One query when the credential is kept, with what the user holds.
        """
        key = _key(username, password)
        with self._lock:
            kept = self._kept.get(key)
        if kept is None or kept.until < time.monotonic():
            return None
        found = _ACTIVE.rows(kept.user_id)
        *values, stamp, grants, snapshot = found[0] if found else (None,) * 4
        user = instance(User, values, has_moments=False) if found else None
        if user is None or not hmac.compare_digest(user.password.encode(), kept.password_hash.encode()):
            with self._lock:
                self._kept.pop(key, None)
            return None
        permissions.recall(user, str(stamp), grants)
        return user, snapshot

    def remember(self, username: str, password: str, user: User) -> None:
        """Keep what was just verified."""
        seconds = conf.getint("api", "credential_cache_seconds")
        if seconds <= 0:
            return
        with self._lock:
            key = _key(username, password)
            self._kept[key] = _Verified(user.pk, user.password, time.monotonic() + seconds)
            self._kept.move_to_end(key)
            while len(self._kept) > self._room:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()


#: The cache of this process.
verified = CredentialCache()


def _key(username: str, password: str) -> bytes:
    message = f"basic\0{username}\0{password}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).digest()
