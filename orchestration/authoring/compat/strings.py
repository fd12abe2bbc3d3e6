"""Small text functions. Mirrors ``airflow.utils.strings``."""

from __future__ import annotations

import secrets
import string

TRUE_LIKE_VALUES = {"on", "t", "true", "y", "yes", "1"}


def get_random_string(length: int = 8, choices: str = string.ascii_letters + string.digits) -> str:
    """A text of random characters."""
    return "".join(secrets.choice(choices) for _ in range(length))


def to_boolean(astring: str | None) -> bool:
    """Whether a text is a word for true."""
    return astring is not None and astring.lower() in TRUE_LIKE_VALUES
