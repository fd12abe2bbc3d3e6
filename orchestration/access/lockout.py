"""Who guesses passwords is kept waiting: django-axes counts every failed login, by form, Basic or token.

Two things are counted: failures for one user name from one address, and failures from one address. The right password
still works from elsewhere. The settings ``AXES_…`` name the functions here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import timedelta
from logging import getLogger
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_login_failed
from django.db import DatabaseError, transaction
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.exceptions import Throttled

from orchestration.conf import conf
from orchestration.models import User

log = getLogger(__name__)

#: Width of the column that axes keeps names in.
_LONGEST_NAME = 255


def failure_limit(request: HttpRequest | None = None, credentials: Mapping[str, Any] | None = None) -> int:
    """Failures after which logins are refused; the option's 0 is never."""
    limit = conf.getint("webserver", "login_failure_limit")
    return limit if limit > 0 else sys.maxsize


def duration(request: HttpRequest | None = None) -> timedelta:
    """How long logins stay refused after the last failure."""
    return timedelta(seconds=conf.getint("webserver", "login_lockout_seconds"))


def client_address(request: HttpRequest) -> str:
    """The caller's address: of the connection, or what the proxy in front says (``webserver.enable_proxy_fix``).

    The last entry of ``X-Forwarded-For`` counts; those before it come from the caller and could be invented.
    """
    address = str(request.META.get("REMOTE_ADDR") or "")
    if conf.getboolean("webserver", "enable_proxy_fix"):
        last = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip()
        address = last or address
    return address[:39] or "127.0.0.1"


def counted_name(request: HttpRequest | None, credentials: Mapping[str, Any] | None) -> str:
    """The user name under which a failure is counted."""
    name = (credentials or {}).get("username")
    if name is None and request is not None:
        name = request.POST.get("username")
    return str(name or "")[:_LONGEST_NAME].replace("\0", "")


def response(request: HttpRequest, original: HttpResponse | None = None, credentials: Any = None) -> HttpResponse:
    """What a locked-out caller gets: the API's own 429, or a plain page."""
    if original is not None and original.status_code == 429:
        return original
    text = "Too many failed logins. Wait some minutes and try again."
    answer = HttpResponse(text, status=429, content_type="text/plain; charset=utf-8")
    answer["Retry-After"] = str(int(duration().total_seconds()))
    answer["Cache-Control"] = "no-store"
    return answer


def check(request: HttpRequest, username: str) -> None:
    """Raise Throttled (429) while logins of this name or from this address are refused."""
    if not AxesProxyHandler.is_allowed(request, {"username": username}):
        raise _throttled(request)


def log_in(request: HttpRequest, username: str, password: str) -> User | None:
    """The user whom name and password name, None when they are wrong or the user is inactive.

    The case of a name's letters does not matter where only one user is called so. Unknown, wrong and inactive take the
    same time. Raises Throttled (429) while logins are refused.
    """
    user = authenticate(request, username=_stored_name(username), password=password)
    if isinstance(user, User):
        try:
            with transaction.atomic():
                User.objects.filter(pk=user.pk).update(last_login=timezone.now())
                note_login(request=request, user=user)
        except DatabaseError as error:  # a busy database must not refuse a reader; the next login is noted
            log.warning("the login of %r could not be noted: %s", user.username, error)
        return user
    if getattr(request, "axes_locked_out", False):
        raise _throttled(request)
    return None


def _stored_name(username: str) -> str:
    """The name as its user has it, so that failures are counted under one; as it was given where that is not clear."""
    names = list(User.objects.filter(username__iexact=username).values_list("username", flat=True))
    return names[0] if len(names) == 1 else username


def count_failure(request: HttpRequest, name: str) -> None:
    """Count a failed login that Django's ``authenticate`` did not see, such as a wrong token.

    Raises Throttled (429) when it was one too many.
    """
    user_login_failed.send(sender=__name__, credentials={"username": name}, request=request)
    if getattr(request, "axes_locked_out", False):
        raise _throttled(request)


def note_login(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Count a good login on the user; receiver of ``user_logged_in``."""
    User.objects.filter(pk=user.pk).update(login_count=Coalesce("login_count", 0) + 1, failed_login_count=0)
    name = counted_name(request, {"username": user.username})
    AccessAttempt.objects.filter(username=name, ip_address=client_address(request)).delete()
    log.info("login of %r from %s", user.username, client_address(request))


def note_failure(*, credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Count a failed login on the user it named; receiver of ``user_login_failed``."""
    name = str(credentials.get("username") or "")
    User.objects.filter(username=name).update(failed_login_count=Coalesce("failed_login_count", 0) + 1)
    log.warning("failed login of %r from %s", name[:_LONGEST_NAME], client_address(request) if request else "here")


def _throttled(request: HttpRequest) -> Throttled:
    # Axes' middleware would put its own page in the place of the API's answer; ``response`` lets a 429 pass.
    vars(request)["axes_locked_out"] = True
    return Throttled(wait=duration().total_seconds(), detail="Too many failed logins. Wait and try again.")
