"""What people mistype: it is told, what they typed stays, and no row takes a page down."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orchestration.models import DagGrant, EventLog, NotificationChannel, Variable
from tests.people import role

pytestmark = pytest.mark.django_db

NO_ID = "<b>no</b>/id"


def test_an_audit_row_about_no_possible_dag_is_shown_without_a_link(desk):
    EventLog.objects.create(event="grant", owner="ann", dag_id=NO_ID, run_id=NO_ID, task_id=NO_ID)
    answer = desk.get(reverse("admin:orchestration_eventlog_changelist"))
    assert answer.status_code == 200
    assert answer.content.decode().count("&lt;b&gt;no&lt;/b&gt;/id") >= 2


def test_a_grant_on_no_possible_dag_leaves_the_lists_readable(desk):
    DagGrant.objects.create(group=role("mine", []), dag_id=NO_ID, action="can_read", resource="DAGs")
    for table in ("daggrant", "eventlog"):
        assert desk.get(reverse(f"admin:orchestration_{table}_changelist")).status_code == 200


@pytest.mark.parametrize("page", ["0", "00", "-1", "99999", "x", "1e9"])
def test_the_list_of_dags_takes_any_page_number(desk, page):
    assert desk.get(reverse("admin:desk_dags"), {"page": page}).status_code == 200


def test_what_a_service_refuses_is_told_and_the_form_keeps_what_was_typed(desk):
    typed = {"name": "pager of the night", "kind": "webhook", "url": "ftp://example.org/in", "secret": "x" * 20}
    answer = desk.post(
        reverse("admin:orchestration_notificationchannel_add"),
        {**typed, "description": "who is called", "is_enabled": "on"},
    )
    text = answer.content.decode()
    assert answer.status_code == 200
    assert 'value="pager of the night"' in text
    assert 'value="who is called"' in text
    assert "Give an address that begins with https:// or http://" in text
    assert typed["secret"] not in text
    assert not NotificationChannel.objects.exists()


def test_a_second_variable_of_a_key_is_refused_with_the_value_still_there(desk):
    Variable.objects.create(key="k", val="old")
    answer = desk.post(reverse("admin:orchestration_variable_add"), {"key": "k", "val": "as typed", "description": ""})
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "as typed" in text
    assert Variable.objects.get(key="k").val == "old"
