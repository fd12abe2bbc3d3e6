from __future__ import annotations

import pytest

from tests.authoring import memory


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> memory.MemoryStore:
    """A store in memory, installed for the test."""
    return memory.install(monkeypatch)
