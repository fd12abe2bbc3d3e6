"""Notification channels: made, changed, deleted, tested; and how one sends."""

from __future__ import annotations

import hashlib
import hmac
import html
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from orchestration.access import permissions
from orchestration.access.permissions import Caller
from orchestration.authoring.email import get_email_address_list, send_email
from orchestration.authoring.secrets import MASK
from orchestration.conf import conf
from orchestration.errors import Conflict, Invalid
from orchestration.models import NotificationChannel
from orchestration.services import audit, outbound

#: Headers of a signed webhook. The signature is of ``<timestamp>.<body>``.
TIMESTAMP_HEADER: Final = "X-Airflowsite-Timestamp"
SIGNATURE_HEADER: Final = "X-Airflowsite-Signature"
#: The same for every try of one delivery: a receiver that has it drops the message.
DELIVERY_HEADER: Final = "X-Airflowsite-Delivery"
_KINDS = NotificationChannel.Kind
_SECRETS: Final = frozenset({"url", "secret"})
_SHORTEST_SECRET: Final = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """How a sending went; ``text`` is for operators and holds no secret and no text of the other side."""

    is_good: bool
    text: str


@transaction.atomic
def create(*, actor: Caller | None, **fields: Any) -> NotificationChannel:
    """Make a channel from the model's fields. Raises Conflict when the name is taken, Invalid, Forbidden."""
    permissions.require(actor, permissions.CREATE, permissions.AUTOMATIONS)
    channel = NotificationChannel(**fields)
    _check(channel)
    _save(channel)
    audit.record("notification_channel.create", actor=actor, extra=_shown(fields))
    return channel


@transaction.atomic
def update(channel: NotificationChannel, *, actor: Caller | None, **changes: Any) -> NotificationChannel:
    """Change some fields. Raises Conflict, Invalid, Forbidden.

    A signing key goes to the address that it was typed for: with another address it must be typed again.
    """
    permissions.require(actor, permissions.EDIT, permissions.AUTOMATIONS)
    moves = "url" in changes and changes["url"] != channel.url
    if moves and channel.secret and not changes.get("secret") and changes.get("kind", channel.kind) == _KINDS.WEBHOOK:
        raise Invalid("Type the signing key, too: the stored one is only for the address that is stored.")
    for field, value in changes.items():
        setattr(channel, field, value)
    _check(channel)
    _save(channel)
    audit.record("notification_channel.edit", actor=actor, extra=_shown({"name": channel.name, **changes}))
    return channel


@transaction.atomic
def delete(channel: NotificationChannel, *, actor: Caller | None) -> None:
    """Delete a channel. Raises Conflict while an automation notifies it, Forbidden."""
    permissions.require(actor, permissions.DELETE, permissions.AUTOMATIONS)
    name = channel.name
    try:
        channel.delete()
    except ProtectedError:
        raise Conflict(f"Automations notify the channel {name!r}. Change or delete them first.") from None
    audit.record("notification_channel.delete", actor=actor, extra={"name": name})


def test(channel: NotificationChannel, *, actor: Caller | None) -> Answer:
    """Send a test message through a channel, which need not be enabled. Leaves a row in the audit log."""
    permissions.require(actor, permissions.EDIT, permissions.AUTOMATIONS)
    payload = {"event": "test", "summary": f"A test of the channel {channel.name}", "channel": channel.name}
    answer = send(channel, payload, delivery_id="test")
    audit.record(
        "notification_channel.test",
        actor=actor,
        extra={"name": channel.name, "is_good": answer.is_good, "answer": answer.text},
    )
    return answer


def send(channel: NotificationChannel, payload: Mapping[str, Any], *, delivery_id: str) -> Answer:
    """Send one message now; never raises for what the other side does. Uses no database."""
    try:
        if channel.kind == _KINDS.EMAIL:
            return _send_mail(channel, payload)
        return _send_post(channel, payload, delivery_id)
    except outbound.Refused as error:
        return Answer(False, str(error))
    except Exception as error:  # whatever the HTTP client or a mail backend raises; its text may hold the address
        return Answer(False, f"The sending failed: {type(error).__name__}.")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """``sha256=`` and the HMAC-SHA256 of ``<timestamp>.<body>`` in hex."""
    return f"sha256={hmac.new(secret.encode(), timestamp.encode() + b'.' + body, hashlib.sha256).hexdigest()}"


def _send_post(channel: NotificationChannel, payload: Mapping[str, Any], delivery_id: str) -> Answer:
    headers = {"Content-Type": "application/json", "User-Agent": "airflowsite", DELIVERY_HEADER: delivery_id}
    if channel.kind == _KINDS.SLACK:
        body = json.dumps({"text": _as_chat(payload)}).encode()
    else:
        body = json.dumps(dict(payload)).encode()
        timestamp = str(int(time.time()))
        headers[TIMESTAMP_HEADER] = timestamp
        headers[SIGNATURE_HEADER] = signature(channel.secret or "", timestamp, body)
    status = outbound.call("POST", channel.url or "", reach=_reach(), body=body, headers=headers)
    if 200 <= status < 300:
        return Answer(True, f"answered {status}")
    return Answer(False, f"answered {status}{', and redirects are not followed' if 300 <= status < 400 else ''}")


def _reach() -> outbound.Reach:
    allows_private = conf.getboolean("notifications", "allow_private_targets")
    return outbound.Reach.MACHINE if allows_private else outbound.Reach.PUBLIC


def _send_mail(channel: NotificationChannel, payload: Mapping[str, Any]) -> Answer:
    lines = "".join(
        f"<tr><th align='left'>{html.escape(str(name))}</th><td>{html.escape(str(value))}</td></tr>"
        for name, value in payload.items()
        if value not in (None, "")
    )
    subject = " ".join(str(payload.get("summary", "")).split())[:200]
    addresses = get_email_address_list(channel.recipients)
    send_email(addresses, subject, f"<table>{lines}</table>")
    return Answer(True, f"handed to the mail server for {len(addresses)}")


def _as_chat(payload: Mapping[str, Any]) -> str:
    """The summary with its link, in the marks of Slack; texts of users cannot make mentions or links."""
    text = str(payload.get("summary", ""))
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, name)
    return f"{text}\n{payload['url']}" if payload.get("url") else text


def _save(channel: NotificationChannel) -> None:
    try:
        with transaction.atomic():
            channel.save()
    except IntegrityError:
        raise Conflict(f"There is a channel {channel.name!r} already.") from None


def _shown(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: MASK if name in _SECRETS and value else value for name, value in fields.items()}


def _check(channel: NotificationChannel) -> None:
    if not channel.name.strip():
        raise Invalid("A channel needs a name.")
    if channel.kind == _KINDS.EMAIL:
        addresses = get_email_address_list(channel.recipients)
        if not addresses or any("@" not in address or len(address.split()) != 1 for address in addresses):
            raise Invalid("Give one or more addresses of e-mail, separated by commas.")
        return
    outbound.parse(channel.url or "")
    if channel.kind == _KINDS.WEBHOOK and len(channel.secret or "") < _SHORTEST_SECRET:
        raise Invalid(f"The signing key needs {_SHORTEST_SECRET} characters or more.")
