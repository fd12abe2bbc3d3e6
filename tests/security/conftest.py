"""What tests of security rows share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.people import forget_credentials


@pytest.fixture(autouse=True)
def _no_remembered_credentials() -> Iterator[None]:
    forget_credentials()
    yield
    forget_credentials()
