"""The button that tries a connection from the server, as the form stands."""

from __future__ import annotations

from typing import Any, Final

from orchestration.access.requirements import BY_ID
from orchestration.admin.pages.base import Page, Verb
from orchestration.authoring.secrets import MASK
from orchestration.errors import Forbidden, Invalid
from orchestration.models import Connection
from orchestration.services import connection_tests

_TEXTS: Final = ("conn_id", "conn_type", "host", "schema", "login", "password", "extra")
#: What must be as it is stored for the stored secrets to be sent: they go to no other place.
_TARGET: Final = ("conn_type", "host", "schema", "login", "port")


class ConnectionTest(Verb):
    """The form's fields; ``conn_id`` names a stored connection whose secrets stand for those that were not typed."""

    event = "test_connection"
    pairs = BY_ID["test_connection"].pairs
    is_logged = False  # the fields may hold secrets

    def act(self, body: dict[str, Any]) -> Any:
        """Whether it works, and what was found."""
        if not connection_tests.is_enabled():
            raise Forbidden(
                "Connections are not tested: the option test_connection in the section core is not Enabled."
            )
        result = connection_tests.run(self._connection(body), actor=self.request.user)
        return {"is_good": result.is_good, "message": result.message}

    def _connection(self, body: dict[str, Any]) -> Connection:
        texts = {name: body.get(name) or "" for name in _TEXTS}
        port = body.get("port") or None
        if not all(isinstance(value, str) for value in texts.values()) or not isinstance(port, int | None):
            raise Invalid("The fields must be texts, and the port a number.")
        given = Connection(**texts, port=port)
        stored = Connection.objects.filter(conn_id=given.conn_id).first()
        needs_stored = not given.password or MASK in texts["extra"]
        if stored is None or not needs_stored or not BY_ID["patch_connection"].allows(self.request.user):
            return given
        if any((getattr(stored, name) or None) != (getattr(given, name) or None) for name in _TARGET):
            if stored.password or MASK in texts["extra"]:
                raise Invalid("Type the password: the stored one is sent only to the place that it is stored for.")
            return given
        given.password = given.password or stored.password
        return given


PAGES: tuple[tuple[str, str, type[Page]], ...] = (("connections/test", "desk_connection_test", ConnectionTest),)
