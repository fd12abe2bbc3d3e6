"""JSON kept as text."""

from __future__ import annotations

import pytest

from orchestration.models import DagRun
from tests.factories import DagRunFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "value", [{}, {"b": 1, "a": [None, True, 1.5, "ü"]}, [], "text", 0, None, {"nul": "\x00"}], ids=repr
)
def test_json_comes_back_as_it_was_with_its_order(value):
    run = DagRunFactory(conf=value)
    kept = DagRun.objects.get(pk=run.pk).conf
    assert kept == value
    if isinstance(value, dict):
        assert list(kept) == list(value)
