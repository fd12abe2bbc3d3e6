"""The slow hash of passwords, computed one at a time in each process."""

from __future__ import annotations

import threading
from typing import Final

from django.contrib.auth.hashers import Argon2PasswordHasher

_ONE_AT_A_TIME: Final = threading.Lock()


class SerialArgon2PasswordHasher(Argon2PasswordHasher):
    """Django's Argon2, whose 100 MB are there once: callers who guess in many threads wait for one another."""

    def encode(self, password: str, salt: str) -> str:
        with _ONE_AT_A_TIME:
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _ONE_AT_A_TIME:
            return bool(super().verify(password, encoded))
