"""What tests of the services' verbs share."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.models import EventLog, User
from tests.people import person


@pytest.fixture
def admin(db: None) -> User:
    """An administrator."""
    return person("Admin", username="admin")


@pytest.fixture
def op(db: None) -> User:
    """An operator."""
    return person("Op", username="op")


@pytest.fixture
def viewer(db: None) -> User:
    """A viewer."""
    return person("Viewer", username="viewer")


@pytest.fixture
def logged(db: None) -> Any:
    """``logged()``: (event, owner) of the audit log's rows, the oldest first."""
    return lambda: list(EventLog.objects.order_by("id").values_list("event", "owner"))
