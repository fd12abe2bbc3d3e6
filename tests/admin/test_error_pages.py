"""What an operator reads where a page is not there, not theirs, or cannot be made."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from tests.admin.conftest import client_of
from tests.people import person

pytestmark = pytest.mark.django_db

WAY_HOME = 'href="/admin/"'


def test_what_is_not_there_is_named_with_a_way_on(desk):
    answer = desk.get(reverse("admin:desk_dag", args=("gone<b>",)))
    text = answer.content.decode()
    assert answer.status_code == 404
    assert "There is no DAG &#x27;gone&lt;b&gt;&#x27;." in text
    assert WAY_HOME in text
    assert "<b>" not in text


def test_an_address_that_leads_nowhere_tells_nothing_of_the_patterns(desk):
    text = desk.get("/admin/no/such/page/").content.decode()
    assert "There is no such page" in text
    assert WAY_HOME in text
    assert 'class="reason"' not in text


def test_who_may_not_open_a_page_reads_what_to_ask_for():
    answer = client_of(person("Viewer")).get(reverse("admin:desk_config"))
    assert answer.status_code == 403
    assert "An administrator can give you a role" in answer.content.decode()


def test_an_address_that_cannot_be_read_is_told(desk):
    answer = desk.get(reverse("admin:desk_dags"), {"search": "a\0b"})
    assert answer.status_code == 400
    assert "Go back" in answer.content.decode()


def test_a_form_without_its_token_says_that_nothing_was_changed():
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person("Admin"), backend="orchestration.access.backends.RoleBackend")
    answer = strict.post(reverse("admin:orchestration_pool_add"), {"name": "p", "slots": 1})
    assert answer.status_code == 403
    assert "Nothing was changed" in answer.content.decode()


def test_the_page_of_a_failure_needs_nothing_of_the_request():
    assert WAY_HOME in render_to_string("500.html")
