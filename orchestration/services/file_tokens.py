"""``file_token``: the path of a DAG file, signed, so that a caller can name only files it was shown."""

from __future__ import annotations

from functools import lru_cache

from django.core.signing import BadSignature, Signer

_SALT = "api_v1.dag_file"


def _signer() -> Signer:
    return Signer(sep=".", salt=_SALT)


@lru_cache(maxsize=4096)
def file_token(fileloc: str) -> str:
    """The token of a file: the same in every process with the same secret key."""
    return _signer().sign_object(fileloc)


def fileloc_of(token: str) -> str | None:
    """The path in a token; None for a token that was not made here."""
    try:
        fileloc = _signer().unsign_object(token)
    except (BadSignature, ValueError):
        return None
    return fileloc if isinstance(fileloc, str) else None
