"""Keeping secrets out of logs, rendered fields and the audit log.

Mirrors ``airflow.utils.log.secrets_masker``. What ``mask_secret`` was told is replaced by ``***`` wherever ``redact``
or the logging filter sees it, also in URL-quoted and base64 form; values under names that look secret are replaced
whole.
"""

from __future__ import annotations

import base64
import collections.abc
import contextlib
import json
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from io import TextIOBase
from typing import Any
from urllib.parse import quote

from orchestration.conf import conf

DEFAULT_SENSITIVE_FIELDS = frozenset(
    {
        "access_token",
        "api_key",
        "apikey",
        "authorization",
        "passphrase",
        "passwd",
        "password",
        "private_key",
        "secret",
        "token",
        "keyfile_dict",
        "service_account",
    }
)

MASK = "***"

#: Deeper structures are not walked further, so that one that holds itself ends.
MAX_RECURSION_DEPTH = 5

#: A secret shorter than this is not sought in base64 form: it would match by chance.
_SHORTEST_ENCODED = 8


def get_sensitive_variables_fields() -> frozenset[str]:
    """The words that make a name look secret: the built-in ones and ``core.sensitive_var_conn_names``."""
    return DEFAULT_SENSITIVE_FIELDS | {word.lower() for word in conf.getlist("core", "sensitive_var_conn_names")}


def should_hide_value_for_key(name: Any) -> bool:
    """Whether a value under this name (of a variable, of a key in a connection's extra …) is to be hidden."""
    if not isinstance(name, str) or not conf.getboolean("core", "hide_sensitive_var_conn_fields"):
        return False
    lowered = name.strip().lower()
    return any(word in lowered for word in get_sensitive_variables_fields())


def mask_secret(secret: Any, name: str | None = None) -> None:
    """Hide a text from now on, or every text in a structure; with a name only where the name looks secret.

    In a dict the keys are the names. A text that is JSON is walked too: its members under secret names are hidden.
    """
    if secret:
        _masker.add_mask(secret, name)


def redact(value: Any, name: str | None = None, max_depth: int | None = None) -> Any:
    """The value with every known secret replaced by ``***``; whole texts where the name looks secret."""
    return _masker.redact(value, name, max_depth)


def reset() -> None:
    """Forget every secret; for tests and for processes that serve one task after another."""
    _masker.patterns.clear()
    _masker.replacer = None


class SecretsMasker(logging.Filter):
    """A logging filter that redacts messages, their arguments and exceptions; put it on handlers."""

    ALREADY_FILTERED_FLAG = "__SecretsMasker_filtered"

    def __init__(self) -> None:
        super().__init__()
        self.patterns: set[str] = set()
        self.replacer: re.Pattern[str] | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true; the record is changed."""
        fields = record.__dict__
        if self.replacer is None or self.ALREADY_FILTERED_FLAG in fields:
            return True
        for key, value in fields.items():
            if key not in _RECORD_FIELDS:
                fields[key] = self.redact(value)
        if record.exc_info and record.exc_info[1] is not None:
            self._redact_exception(record.exc_info[1], set())
        if record.exc_text:
            record.exc_text = self.redact(record.exc_text)
        fields[self.ALREADY_FILTERED_FLAG] = True
        return True

    def redact(self, item: Any, name: str | None = None, max_depth: int | None = None) -> Any:
        """The value without secrets; unknown kinds of objects stay as they are."""
        return self._redact(item, name, 0, max_depth if max_depth is not None else MAX_RECURSION_DEPTH)

    def add_mask(self, secret: Any, name: str | None = None) -> None:
        """Hide a text, or the texts of a structure, from now on."""
        if isinstance(secret, dict):
            for key, value in secret.items():
                self.add_mask(value, key)
        elif isinstance(secret, str):
            self._add_text(secret, name)
        elif isinstance(secret, collections.abc.Iterable) and not isinstance(secret, (bytes, bytearray)):
            for member in secret:
                self.add_mask(member, name)

    def _add_text(self, secret: str, name: str | None) -> None:
        if not secret.strip():
            return
        if name is None or should_hide_value_for_key(name):
            new = {re.escape(form) for form in _forms(secret)} - self.patterns
            if new:
                self.patterns |= new
                self.replacer = re.compile("|".join(sorted(self.patterns, key=len, reverse=True)))
        elif secret.lstrip().startswith(("{", "[")):
            try:
                inner = json.loads(secret)
            except ValueError:
                return
            self.add_mask(inner, name)

    def _redact(self, item: Any, name: Any, depth: int, max_depth: int) -> Any:
        if depth > max_depth:
            return self._text(item) if isinstance(item, str) else item
        if name and should_hide_value_for_key(name):
            return _hide_all(item, depth, max_depth)
        if isinstance(item, Enum):
            return self._redact(item.value, name, depth, max_depth)
        if isinstance(item, str):
            return self._text(item)
        return _rebuilt(item, lambda key, member: self._redact(member, key, depth + 1, max_depth))

    def _text(self, text: str) -> str:
        return self.replacer.sub(MASK, str(text)) if self.replacer else text

    def _redact_exception(self, error: BaseException, seen: set[int]) -> None:
        if id(error) in seen:
            return
        seen.add(id(error))
        with contextlib.suppress(AttributeError, TypeError):  # some exceptions cannot be changed
            error.args = tuple(self.redact(argument) for argument in error.args)
        for other in (error.__context__, error.__cause__):
            if other is not None:
                self._redact_exception(other, seen)


def _hide_all(item: Any, depth: int, max_depth: int) -> Any:
    if depth > max_depth or isinstance(item, str):
        return MASK
    return _rebuilt(item, lambda _, member: _hide_all(member, depth + 1, max_depth))


def _rebuilt(item: Any, replaced: Callable[[Any, Any], Any]) -> Any:
    """A collection with ``replaced(key, member)`` for each member, a set as a tuple; anything else as it is."""
    match item:
        case dict():
            return {key: replaced(key, member) for key, member in item.items()}
        case list():
            return [replaced(None, member) for member in item]
        case tuple() | set() | frozenset():
            return tuple(replaced(None, member) for member in item)
    return item


def _forms(secret: str) -> Iterator[str]:
    """The secret as it may appear: plain, escaped in JSON and repr, URL-quoted, in base64."""
    yield secret
    yield quote(secret, safe="")
    yield quote(secret)
    yield json.dumps(secret)[1:-1]
    yield repr(secret)[1:-1]
    if len(secret) >= _SHORTEST_ENCODED:
        yield base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode().rstrip("=")


#: What every record has anyway; only message, arguments and additions are redacted.
_RECORD_FIELDS = frozenset(logging.LogRecord("x", logging.INFO, __file__, 1, "", (), None, func="f").__dict__) - {
    "msg",
    "args",
}

_masker = SecretsMasker()


def masker() -> SecretsMasker:
    """The filter of this process."""
    return _masker


class RedactedIO(TextIOBase):
    """A text stream that redacts what passes to another one (default: standard output)."""

    def __init__(self, target: Any = None) -> None:
        self.target = target if target is not None else sys.stdout

    def write(self, text: str) -> int:
        """Write the text without secrets."""
        written: int = self.target.write(redact(text))
        return written

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]  # typeshed wants a buffer's lines
        """Write each line without secrets."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the other stream."""
        self.target.flush()

    def fileno(self) -> int:
        """The other stream's descriptor."""
        number: int = self.target.fileno()
        return number

    def isatty(self) -> bool:
        """Whether the other stream is a terminal."""
        return bool(self.target.isatty())
