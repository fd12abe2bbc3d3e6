"""Templated fields as JSON: plain, masked, cut."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from orchestration.authoring import secrets
from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.xcom import LazyXComSelectSequence
from orchestration.serialization.template_fields import plain, rendered_fields, template_field


def function(x): ...


class Thing:
    def __str__(self):
        return f"thing at 0x{id(self):x}"


class Broken:
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        (True, True),
        (5, 5),
        (1.5, 1.5),
        (float("nan"), "nan"),
        ("text", "text"),
        ([1, (2, {"a": None})], [1, [2, {"a": None}]]),
        ({5: 1}, {"5": 1}),
        ({3, 1, 2}, [1, 2, 3]),
        (datetime(2024, 1, 1, tzinfo=UTC), "2024-01-01 00:00:00+00:00"),
        (function, f"{__name__}.function"),
        (Thing(), "thing"),
        (Broken(), "<Broken: ValueError in str()>"),
    ],
)  # fmt: skip
def test_what_json_lacks_becomes_text(value, shown):
    assert plain(value) == shown


def test_structures_that_hold_themselves_end():
    loop: list = []
    loop.append(loop)
    json.dumps(plain(loop))


def test_a_long_value_is_cut(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__MAX_TEMPLATED_FIELD_LENGTH", "200")
    shown = template_field("x" * 1000, "f")
    assert shown.startswith("Truncated. You can change this behaviour in [core]max_templated_field_length. 'xxx")
    assert len(shown) <= 200
    assert template_field(list(range(1000)), "f").startswith("Truncated.")
    assert template_field("x" * 200, "f") == "x" * 200


@pytest.mark.parametrize("offset", range(90, 125))
def test_no_part_of_a_secret_is_left_at_the_cut(monkeypatch, offset):
    monkeypatch.setenv("AIRFLOW__CORE__MAX_TEMPLATED_FIELD_LENGTH", "200")
    secret = "S3CRET-abcdefghijklmnop"
    secrets.mask_secret(secret)
    shown = template_field("x" * offset + secret + "y" * 300, "f")
    assert not any(secret[start : start + 8] in shown for start in range(len(secret) - 7))


def test_fields_under_secret_names_are_masked():
    assert template_field("visible", "my_password") == "***"
    assert template_field({"token": "t", "x": "y"}, "f") == {"token": "***", "x": "y"}


def test_the_rendered_fields_of_a_task():
    class Op(BaseOperator):
        template_fields = ("a", "b")

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.a, self.b = "x", {"k": Thing()}

    assert rendered_fields(Op(task_id="t")) == {"a": "x", "b": {"k": "thing"}}


def test_a_field_with_lazy_values_is_shown_as_text_without_its_secrets():
    values = LazyXComSelectSequence(lambda: [{"value": "1"}, {"value": "2"}])
    assert template_field((values,), "op_args") == "(LazySelectSequence([2 items]),)"
    assert template_field([{"rows": values, "password": "hunter2"}], "op_args") == (
        "[{'rows': LazySelectSequence([2 items]), 'password': '***'}]"
    )
