"""Passwords as Airflow's web server stores them, so that users who moved in sign in as before.

Werkzeug writes ``method$salt$hex``, with the method's parameters in its name: ``scrypt:32768:8:1`` or
``pbkdf2:sha256:600000``. Here the text ``werkzeug$`` is put in front. At the first login Django replaces the hash with
one of the first hasher in ``PASSWORD_HASHERS``.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final, Self

from django.contrib.auth.hashers import BasePasswordHasher, mask_hash
from django.utils.crypto import constant_time_compare, get_random_string

#: What werkzeug 2 and 3 write; the numbers are bounded, for a hash of a foreign table must not take all memory.
_SCRYPT: Final = re.compile(r"scrypt:(\d{1,6}):(\d{1,2}):(\d{1,2})")
_PBKDF2: Final = re.compile(r"pbkdf2:(sha1|sha224|sha256|sha384|sha512)(?::(\d{1,8}))?")
#: Iterations where the method names none, by werkzeug before 0.15.
_FIRST_ITERATIONS: Final = 50_000
_MOST_MEMORY: Final = 256 * 1024 * 1024
_METHOD: Final = "scrypt:32768:8:1"


class WerkzeugPasswordHasher(BasePasswordHasher):
    """Verifies werkzeug's scrypt and PBKDF2 hashes."""

    algorithm = "werkzeug"

    @classmethod
    def adopt(cls, stored: str) -> str | None:
        """A hash of Airflow's for ``User.password``; None for a form that is not known."""
        method, _, rest = stored.partition("$")
        salt, _, digest = rest.partition("$")
        if not salt or not digest or not re.fullmatch("[0-9a-f]+", digest):
            return None
        return f"{cls.algorithm}${stored}" if _is_known(method) else None

    def encode(self, password: str, salt: str) -> str:
        return f"{self.algorithm}${_METHOD}${salt}${_derived(_METHOD, salt, password)}"

    def salt(self) -> str:
        return get_random_string(16)

    def decode(self, encoded: str) -> dict[str, Any]:
        algorithm, method, salt, digest = encoded.split("$", 3)
        return {"algorithm": algorithm, "method": method, "salt": salt, "hash": digest}

    def verify(self, password: str, encoded: str) -> bool:
        found = self.decode(encoded)
        if not _is_known(found["method"]):
            return False
        return constant_time_compare(found["hash"], _derived(found["method"], found["salt"], password))

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        found = self.decode(encoded)
        return {
            "algorithm": f"{found['algorithm']} {found['method']}",
            "salt": mask_hash(found["salt"], show=2),
            "hash": mask_hash(found["hash"]),
        }

    def must_update(self, encoded: str) -> bool:
        return True

    def harden_runtime(self: Self, password: str, encoded: str) -> None:
        """Nothing: each hash names its own cost."""


def _is_known(method: str) -> bool:
    match = _SCRYPT.fullmatch(method)
    if match is None:
        return _PBKDF2.fullmatch(method) is not None
    n, r, p = map(int, match.groups())
    return n > 1 and n & (n - 1) == 0 and r > 0 and p > 0 and 132 * n * r * p <= _MOST_MEMORY


def _derived(method: str, salt: str, password: str) -> str:
    match = _SCRYPT.fullmatch(method)
    if match is not None:
        n, r, p = map(int, match.groups())
        memory = 132 * n * r * p
        return hashlib.scrypt(password.encode(), salt=salt.encode(), n=n, r=r, p=p, maxmem=memory).hex()
    match = _PBKDF2.fullmatch(method)
    assert match is not None, "asked for before"
    iterations = int(match[2] or _FIRST_ITERATIONS)
    return hashlib.pbkdf2_hmac(match[1], password.encode(), salt.encode(), iterations).hex()
