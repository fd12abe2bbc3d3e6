from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestration.authoring import secrets
from tests.authoring import memory


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> memory.MemoryStore:
    """A store in memory, installed for the test."""
    return memory.install(monkeypatch)


@pytest.fixture
def no_secrets() -> Iterator[None]:
    """Known secrets are forgotten before and after the test."""
    secrets.reset()
    yield
    secrets.reset()
