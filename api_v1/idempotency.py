"""``Idempotency-Key`` on POST and PATCH: asking again with the same key gives the first answer, and changes nothing.

The key's row, the change and the stored answer are committed together. Answers that say that nothing was done because
of the request (400, 401, 403, 429) or of the server (5xx) are not kept: the caller may try again with the same key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

import orjson
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from api_v1.calls import Call
from api_v1.problems import RETRY_AFTER_SECONDS, Problem, bad_request, foreseen
from orchestration.access.permissions import editable_dag_ids
from orchestration.conf import ConfigError
from orchestration.models import IdempotencyRecord, User
from orchestration.models.encryption import decrypt, encrypt
from orchestration.models.idempotency import KEPT

#: In the answers that were given before.
REPLAYED: Final = "Idempotency-Replayed"
_LONGEST: Final = 255
_LONGEST_PATH: Final = 2000
_STORED: Final = frozenset({404, 409, 412})
_HEADERS: Final = ("Content-Type", "ETag", "Location")
#: Old answers that one request clears away.
_CLEARED: Final = 100
#: Answers with a secret that is shown once and kept nowhere.
UNKEPT: Final = frozenset({"post_token"})


def key_of(view: Call) -> str | None:
    """The key that was sent with a change. Raises Problem (400) for one that cannot be kept."""
    request = view.request._request
    key: str | None = request.META.get("HTTP_IDEMPOTENCY_KEY")
    if key is None or request.method not in {"POST", "PATCH"} or view.operation.event is None:
        return None
    if not 1 <= len(key) <= _LONGEST or not all("!" <= sign <= "~" for sign in key):
        raise bad_request(f"An Idempotency-Key is 1 to {_LONGEST} visible ASCII signs.")
    if len(request.path) > _LONGEST_PATH:
        raise bad_request("The address is too long for an Idempotency-Key. Send the request without it.")
    if view.operation.id in UNKEPT:
        raise bad_request("This answer holds a secret that is not kept. Send the request without Idempotency-Key.")
    if not isinstance(view.request.user, User):
        raise bad_request("An Idempotency-Key belongs to a user. Log in, or send the request without it.")
    return key


def once(view: Call, key: str, work: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The answer of ``work``, or the one that was given to the caller for this method, address and key before.

    Raises Problem: 422 where the key was used for another request, 409 while the first one is at work, and what
    ``work`` raises.
    """
    request = view.request._request
    place = {"user": view.caller, "method": request.method, "path": request.path, "key": key}
    fingerprint = _fingerprint(request, view.body if view.operation.body is not None else None, _reach(view))
    failure: Problem | None = None
    with transaction.atomic():
        _claim(view.caller.pk, str(request.method), request.path, key)
        record = IdempotencyRecord.objects.filter(**place).first()
        if record is not None and record.created_at < timezone.now() - KEPT:
            record.delete()
            record = None
        if record is not None:
            return _again(record, fingerprint)
        try:
            with transaction.atomic():
                response = work()
        except Exception as error:
            failure = foreseen(error)
            if failure is None or failure.status not in _STORED:
                raise
            response = failure.response()
        if response.status_code < 300 or response.status_code in _STORED:
            _keep(place, fingerprint, response)
    _clear_old()
    if failure is not None:
        raise failure
    return response


def _claim(user_pk: int, method: str, path: str, key: str) -> None:
    """Hold the key until the transaction ends. On SQLite the transaction itself is the lock."""
    if connection.vendor != "postgresql":
        return
    digest = hashlib.blake2b(repr((user_pk, method, path, key)).encode(), digest_size=8).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest, "big", signed=True)])
        is_free = (cursor.fetchone() or (False,))[0]
    if not is_free:
        raise Problem(
            409,
            "The first request with this Idempotency-Key is still at work. Ask again.",
            headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        )


def _reach(view: Call) -> list[str] | None:
    """Of a request for many DAGs, which: with other rights it is another request. None is all of them."""
    editable = editable_dag_ids(view.caller) if view.operation.rule.is_dag_list else None
    return None if editable is None else sorted(editable)


def _fingerprint(request: HttpRequest, body: Any, reach: list[str] | None) -> str:
    sent = request.body.decode(errors="replace") if body is None else body
    told = [request.path, sorted(request.GET.lists()), sent, *([] if reach is None else [reach])]
    return hashlib.sha256(orjson.dumps(told, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _again(record: IdempotencyRecord, fingerprint: str) -> HttpResponse:
    if record.fingerprint != fingerprint:
        raise Problem(422, "This Idempotency-Key was used for another request. Use a new one.")
    headers: Any = record.headers
    try:
        body = decrypt(record.body).encode()
    except ConfigError:
        raise Problem(409, "The first answer cannot be read any more. See what was done, and use a new key.") from None
    return HttpResponse(body, status=record.status, headers={**headers, REPLAYED: "true"})


def _keep(place: dict[str, Any], fingerprint: str, response: HttpResponseBase) -> None:
    assert isinstance(response, HttpResponse), "changes answer in one piece"
    headers: Any = {name: response[name] for name in _HEADERS if response.has_header(name)}
    body = encrypt(response.content.decode())  # as its parts are
    IdempotencyRecord.objects.create(
        **place, fingerprint=fingerprint, status=response.status_code, headers=headers, body=body
    )


def _clear_old() -> None:
    old = IdempotencyRecord.objects.expired(now=timezone.now())
    pks = list(old.order_by("created_at").values_list("pk", flat=True)[:_CLEARED])
    if pks:
        IdempotencyRecord.objects.filter(pk__in=pks).delete()
