"""Encryption at rest with Airflow's ``core.fernet_key``: keys separated by commas, the newest first.

Without a configured key one is made at first use and kept in ``$AIRFLOW_HOME/fernet.key`` (mode 0600).
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from orchestration.conf import ConfigError, conf

#: Every Fernet token starts with the version byte 0x80 and a 64-bit time whose first bytes are zero.
_TOKEN_START = "gAAAA"  # noqa: S105 a format's marker, not a secret


@lru_cache(maxsize=8)
def _keyring(keys: str) -> MultiFernet:
    try:
        return MultiFernet([Fernet(key.strip()) for key in keys.split(",") if key.strip()])
    except ValueError as error:
        raise ConfigError(
            "[core] fernet_key must be 32 url-safe base64-encoded bytes (or several, separated by commas). "
            "Make one with: python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
        ) from error


def keyring() -> MultiFernet:
    """The keys in force."""
    keys = conf.get("core", "fernet_key")
    return _keyring(keys or conf.kept_key("fernet.key", Fernet.generate_key))


def encrypt(text: str) -> str:
    """``text`` under the newest key, as ASCII."""
    return keyring().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """What ``encrypt`` was given; text that was never encrypted comes back as it is.

    Raises ConfigError for text under a key that is not configured any more.
    """
    if not text.startswith(_TOKEN_START):
        return text
    try:
        return keyring().decrypt(text.encode()).decode()
    except InvalidToken:
        raise ConfigError(
            "A stored secret was encrypted with another key. Put the old key behind the new one in [core] fernet_key."
        ) from None


def rotate(text: str) -> str:
    """The same secret under the newest key."""
    return encrypt(decrypt(text))
