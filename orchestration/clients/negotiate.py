"""``Authorization: Negotiate …``: a Kerberos ticket for each call, and the server's answer to it checked."""

from __future__ import annotations

import base64
from collections.abc import Generator

import httpx

from orchestration.conf import conf
from orchestration.errors import Forbidden, Unavailable


class NegotiateAuth(httpx.Auth):
    """Signs in with the ticket in the credential cache (``kinit``); mutual: a server that cannot answer is refused.

    Needs the packages of ``requirements-kerberos.txt``. Raises Unavailable without them, Forbidden without a ticket.
    """

    def __init__(self, hostname: str) -> None:
        self._hostname = hostname

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        try:
            import spnego
        except ImportError:
            raise Unavailable("Kerberos needs more packages: pip install -r requirements-kerberos.txt") from None
        service = conf.get("kerberos", "principal").partition("/")[0] or "airflow"
        context = spnego.client(hostname=self._hostname, service=service, protocol="kerberos")
        try:
            token = context.step()
        except spnego.exceptions.SpnegoError as error:
            raise Forbidden(
                f"There is no Kerberos ticket for {service}@{self._hostname}: {error}. Run kinit."
            ) from None
        request.headers["Authorization"] = f"Negotiate {base64.b64encode(token or b'').decode()}"
        response = yield request
        scheme, _, answer = response.headers.get("WWW-Authenticate", "").partition(" ")
        if response.is_success and scheme.lower() == "negotiate" and answer:
            try:
                context.step(base64.b64decode(answer))
            except (spnego.exceptions.SpnegoError, ValueError):
                raise Forbidden("The server could not prove who it is. Nothing it said is used.") from None
        elif response.is_success:
            raise Forbidden("The server did not prove who it is. Nothing it said is used.")
