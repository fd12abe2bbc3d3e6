"""JSON in: strict. What is accepted can be stored on every database and answered again as JSON."""

from __future__ import annotations

import codecs
import json
from typing import Any, NoReturn

import orjson
from django.http import HttpRequest, UnreadablePostError
from rest_framework.parsers import BaseParser

from api_v1.problems import Problem, bad_request

#: Levels of arrays and objects in a body.
MAX_DEPTH = 100
#: Members of all arrays and objects of a body together.
MAX_MEMBERS = 200_000
_LARGEST = 2**64
_NOT_JSON = "Request body is not valid JSON"
_EMPTY = "Request body must not be empty"
_NOT_WHOLE = "Request body did not come whole. Send it again."


def body_of(request: HttpRequest) -> Any:
    """The request's body as a JSON value other than null.

    Raises Problem: 400 for an empty body, one that is not JSON, or one whose sender goes away or stands still, 413 for
    one that is too large, 415 for another type of content. Of an object's repeated keys the last one counts.
    """
    try:
        is_empty = not request.body
    except UnreadablePostError as error:
        raise bad_request(_NOT_WHOLE) from error
    if is_empty:
        raise bad_request(_EMPTY)
    _check_type(request)
    value = loads(request.body)
    if value is None:
        raise bad_request(_NOT_JSON)
    return value


def _check_type(request: HttpRequest) -> None:
    kind = (request.content_type or "").lower()
    if kind == "multipart/form-data" and not _has_parts(request):
        raise bad_request(_EMPTY)  # as in the reference, which takes it for a form, and finds no field
    # A charset means nothing beside JSON, which is UTF-8 (RFC 8259, sections 8.1 and 11); some HTTP libraries add one.
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Problem(415, f"Invalid Content-type ({kind}), expected JSON data")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise Problem(415, "Send the body without Content-Encoding.")


def _has_parts(request: HttpRequest) -> bool:
    boundary = (request.content_params or {}).get("boundary")
    return bool(boundary) and f"--{boundary}\r\n".encode() in request.body


def loads(text: bytes) -> Any:
    """The JSON value in ``text``.

    Refused with a 400: text that is not UTF-8, NaN and infinities, lone surrogates, NUL in any text, more than
    ``MAX_DEPTH`` levels, integers beyond 64 bits.
    """
    try:
        value = orjson.loads(text.removeprefix(codecs.BOM_UTF8))  # which parsers may pass over (RFC 8259, section 8.1)
    except orjson.JSONDecodeError:
        raise bad_request(_NOT_JSON) from None
    has_huge_number = _check(value)
    if has_huge_number:
        json.loads(text.removeprefix(codecs.BOM_UTF8), parse_int=_small_integer)
    return value


def _small_integer(digits: str) -> int:
    # int() is not asked of thousands of digits: it takes long, and Python refuses it from 4,300 on
    if len(digits) > 20 or not -_LARGEST // 2 <= (number := int(digits)) < _LARGEST:
        _refuse(f"The integer {digits[:24]} is beyond 64 bits. Send it as text.")
    return number


def _check(root: Any) -> bool:
    """Refuse what cannot be stored; whether a number is so large that it may have been a huge integer."""
    has_huge_number = False
    members = 0
    level: list[Any] = [root]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                if "\0" in value:
                    _refuse("NUL is not allowed in text.")
            elif isinstance(value, dict):
                members += len(value)
                for key in value:
                    if "\0" in key:
                        _refuse("NUL is not allowed in text.")
                below.extend(value.values())
            elif isinstance(value, list):
                members += len(value)
                below.extend(value)
            elif isinstance(value, float):
                has_huge_number |= not -_LARGEST < value < _LARGEST
        if members > MAX_MEMBERS:
            _refuse(f"The body has more than {MAX_MEMBERS} members.")
        if not below:
            return has_huge_number
        level = below
    raise bad_request(f"The body is nested more than {MAX_DEPTH} levels deep.")


def _refuse(detail: str) -> NoReturn:
    raise bad_request(detail)


class JsonParser(BaseParser):
    """Names the accepted content type to the schema; bodies are read by ``body_of``."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return loads(stream.read())
