"""Sessions of browsers: how long one lives, which ones a user has, and their end.

A session notes when it began and, where an idle limit is set, when it was last used; both limits hold whatever the
cookie says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from orchestration.access.lockout import client_address
from orchestration.conf import conf
from orchestration.models import User

_BEGAN, _USED, _ADDRESS = "began_at", "used_at", "address"
#: A use is noted again after so much of the idle limit, so that not every page writes.
_NOTED_EVERY = 0.05


def lifetime() -> timedelta:
    """How long a session lives, used or not."""
    return timedelta(seconds=settings.SESSION_COOKIE_AGE)


def idle_limit() -> timedelta | None:
    """How long a session lives without being used; None is as long as it lives."""
    minutes = conf.getint("webserver", "session_idle_minutes")
    return timedelta(minutes=minutes) if minutes > 0 else None


def begin(*, request: HttpRequest, **_: Any) -> None:
    """Note when a session began and from where; receiver of ``user_logged_in``."""
    session = getattr(request, "session", None)
    if session is not None:
        now = timezone.now().timestamp()
        session.update({_BEGAN: now, _USED: now, _ADDRESS: client_address(request)})


class SessionLimits:
    """Middleware after Django's for sessions: ends the session that is over before anybody asks whose it is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if settings.SESSION_COOKIE_NAME in request.COOKIES:
            self._look(request.session)
        return self.get_response(request)

    def _look(self, session: Any) -> None:
        began = session.get(_BEGAN)
        if began is None:
            return  # nobody logged in
        now, idle = timezone.now().timestamp(), idle_limit()
        if now - began > lifetime().total_seconds():
            session.flush()
        elif idle is not None:
            unused = now - session.get(_USED, began)
            if unused > idle.total_seconds():
                session.flush()
            elif unused > idle.total_seconds() * _NOTED_EVERY:
                session[_USED] = now


@dataclass(frozen=True)
class LiveSession:
    """A session in which a user is logged in. ``name`` tells it from others and opens nothing."""

    key: str
    began_at: datetime | None
    used_at: datetime | None
    address: str

    @property
    def name(self) -> str:
        """A digest of the key."""
        return name_of(self.key)


def name_of(key: str | None) -> str:
    """The name under which the session of this key is shown."""
    return hashlib.sha256((key or "").encode()).hexdigest()[:16]


def of_user(user: User) -> list[LiveSession]:
    """The user's live sessions, the newest first. Sessions hold their user inside their text, so all are read."""
    found = []
    for row in Session.objects.filter(expire_date__gt=timezone.now()).iterator():
        data = row.get_decoded()
        if data.get(SESSION_KEY) == str(user.pk):
            found.append(
                LiveSession(row.pk, _moment(data.get(_BEGAN)), _moment(data.get(_USED)), data.get(_ADDRESS, ""))
            )
    return sorted(found, key=lambda each: each.began_at or datetime.min.replace(tzinfo=UTC), reverse=True)


def end(sessions: list[LiveSession]) -> int:
    """End these sessions; how many there were."""
    Session.objects.filter(pk__in=[each.key for each in sessions]).delete()
    return len(sessions)


def _moment(stamp: float | None) -> datetime | None:
    return None if stamp is None else datetime.fromtimestamp(stamp, UTC)
