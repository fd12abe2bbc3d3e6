"""Columns that Django lacks: JSON kept as text, and text encrypted at rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import orjson
from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from orchestration.models.encryption import decrypt, encrypt

if TYPE_CHECKING:

    class _JsonBase(models.TextField[Any, Any]):
        _pyi_private_set_type: Any
        _pyi_private_get_type: Any
        _pyi_lookup_exact_type: Any

    _TextBase = models.TextField[str | None, str | None]
else:
    _JsonBase = _TextBase = models.TextField


class JsonTextField(_JsonBase):
    """A JSON value stored as text: key order is kept, NUL escapes survive PostgreSQL, hot lists can pass the text on.

    None is SQL NULL. Values must be plain JSON (str, int, float, bool, None, list, dict with text keys).
    """

    description = "JSON as text"

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        return None if value is None else orjson.loads(value)

    def get_prep_value(self, value: Any) -> str | None:
        if value is None or hasattr(value, "resolve_expression"):
            return cast("str | None", value)
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()

    def to_python(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise ValidationError(f"This is not JSON: {error}. Write text in double quotes.") from error

    def value_to_string(self, obj: models.Model) -> Any:
        return self.value_from_object(obj)


class EncryptedTextField(_TextBase):
    """Text stored encrypted with the newest Fernet key and read with any of them. None is SQL NULL."""

    description = "Text, encrypted at rest"

    def from_db_value(self, value: str | None, expression: Any, connection: BaseDatabaseWrapper) -> str | None:
        return None if value is None else decrypt(value)

    def get_prep_value(self, value: str | None) -> str | None:
        return None if value is None else encrypt(value)
