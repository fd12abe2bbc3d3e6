"""The label that tells one installation from another."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orchestration.admin.environment import ink_on, label

pytestmark = pytest.mark.django_db

PAGES = ["admin:index", "admin:desk_dags", "admin:orchestration_pool_changelist", "admin:orchestration_pool_add"]


@pytest.mark.parametrize("page", PAGES)
def test_it_stands_on_every_page_where_a_colour_is_set(desk, monkeypatch, page):
    assert "desk-label" not in desk.get(reverse(page)).content.decode()
    monkeypatch.setenv("AIRFLOW__WEBSERVER__NAVBAR_COLOR", "#c0392b")
    monkeypatch.setenv("AIRFLOW__WEBSERVER__INSTANCE_NAME", "<b>production</b>")
    text = desk.get(reverse(page)).content.decode()
    assert '<strong class="desk-label" style="background: #c0392b; color: #ffffff">&lt;b&gt;production' in text


@pytest.mark.parametrize("colour", ["", "red", "#12", "#12345g", "#fff; position: fixed", "url(//evil)", "#1234567"])
def test_what_is_no_colour_gives_no_label(monkeypatch, colour):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__NAVBAR_COLOR", colour)
    assert label() is None


@pytest.mark.parametrize(
    ("colour", "ink"), [("#fff", "#111827"), ("#000000", "#ffffff"), ("#ff0", "#111827"), ("#007A87", "#ffffff")]
)
def test_its_ink_is_readable(colour, ink):
    assert ink_on(colour) == ink
