"""What every part of a copy works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.db import connection

from orchestration.errors import Invalid
from orchestration.management.moving.report import Report
from orchestration.management.moving.source import Source
from orchestration.management.moving.values import Unreadable, stamps
from orchestration.models import User

if TYPE_CHECKING:
    from orchestration.management.moving.carry import Hands


@dataclass
class Move:
    """One copy from a source; ``advance`` is told how many rows of the source were gone through."""

    source: Source
    #: Airflow's fernet keys, separated by commas; empty where it encrypts nothing.
    fernet_keys: str = ""
    batch_size: int = 20_000
    is_paused: bool = False
    #: Whether the source is attached to this database's connection.
    is_attached: bool = False
    #: Other processes that copy; None where this one copies alone.
    hands: Hands | None = None
    advance: Callable[[int], None] = lambda rows: None
    report: Report = field(default_factory=Report)

    @cached_property
    def stamp(self) -> Callable[[str | None], str | None]:
        """Turns a stored moment into what this database's driver takes."""
        return stamps(connection.vendor)

    @cached_property
    def _keyring(self) -> MultiFernet | None:
        try:
            keys = [Fernet(key.strip()) for key in self.fernet_keys.split(",") if key.strip()]
        except ValueError as error:
            raise Invalid("The fernet key must be 32 url-safe base64-encoded bytes.") from error
        return MultiFernet(keys) if keys else None

    def secret(self, text: str | None, is_encrypted: Any) -> str | None:
        """A text of Airflow's in the clear. Raises Unreadable where its key is not known."""
        if not text or not is_encrypted:
            return text
        try:
            if self._keyring is None:
                raise InvalidToken
            return self._keyring.decrypt(text.encode()).decode()
        except InvalidToken:
            raise Unreadable("encrypted with a key that was not given; use --fernet-key") from None

    @cached_property
    def authors(self) -> dict[int, int]:
        """Users here by the ids of Airflow's users of the same name."""
        here = {name.casefold(): pk for pk, name in User.objects.values_list("pk", "username")}
        found = self.source.every("ab_user", ["id", "username"], "id")
        return {pk: here[name.casefold()] for pk, name in found if name.casefold() in here}
