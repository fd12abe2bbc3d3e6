"""What the tests of the desk share."""

from __future__ import annotations

import pytest
from django.test import Client

from orchestration.models import User
from tests.people import person


def client_of(user: User) -> Client:
    """A browser in which the user has logged in."""
    client = Client()
    client.force_login(user, backend="orchestration.access.backends.RoleBackend")
    return client


@pytest.fixture
def desk() -> Client:
    """An administrator's browser."""
    return client_of(person("Admin", username="boss"))
