"""Variables: the verbs, and what is shown."""

from __future__ import annotations

import pytest
from django.db import connection

from orchestration.access.permissions import Pair
from orchestration.errors import Conflict, Forbidden, Invalid, NotFound
from orchestration.models import EventLog, Variable
from orchestration.services import variables
from tests.factories import VariableFactory
from tests.people import person, role

pytestmark = pytest.mark.django_db


def test_a_variable_is_made_and_logged(op, logged):
    variables.put(actor=op, key="k", val="v", description="d")
    found = variables.find("k")
    assert (found.val, found.description) == ("v", "d")
    assert logged() == [("variable.create", "op")]


def test_it_overwrites_value_and_description(op):
    VariableFactory(key="k", val="old", description="old")
    variables.put(actor=op, key="k", val="new")
    found = variables.find("k")
    assert (found.val, found.description) == ("new", None)


def test_who_may_only_create_does_not_overwrite():
    role("creator", [Pair("can_create", "Variables")])
    actor = person("creator")
    VariableFactory(key="k", val="old")
    with pytest.raises(Conflict):
        variables.put(actor=actor, key="k", val="new")
    assert variables.find("k").val == "old"
    assert variables.put(actor=actor, key="fresh", val="v").pk


def test_a_value_is_encrypted_at_rest(op):
    variables.put(actor=op, key="k", val="S3CRET-canary")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT val FROM {Variable._meta.db_table}")
        assert "S3CRET" not in cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("my_password", "***"),
        ("API_KEY", "***"),
        ("secret", "***"),
        ("x_TOKEN_y", "***"),
        ("plain", "value"),
        ("passenger", "value"),
    ],
)
def test_values_under_secret_names_are_hidden(key, shown):
    assert variables.shown_value(key, "value") == shown


def test_the_option_shows_them(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__HIDE_SENSITIVE_VAR_CONN_FIELDS", "False")
    assert variables.shown_value("my_password", "value") == "value"


def test_further_words_hide_values(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__SENSITIVE_VAR_CONN_NAMES", "canary,bird")
    assert variables.shown_value("my_bird", "value") == "***"


def test_the_mask_sent_back_keeps_the_value(op):
    variable = VariableFactory(key="my_password", val="hunter2")
    variables.update(variable, actor=op, val="***", description="seen")
    found = variables.find("my_password")
    assert (found.val, found.description) == ("hunter2", "seen")
    variables.put(actor=op, key="my_password", val="***")
    assert variables.find("my_password").val == "hunter2"
    variables.update(VariableFactory(key="plain", val="old"), actor=op, val="***")
    assert variables.find("plain").val == "***"


def test_no_secret_reaches_the_audit_log(op):
    variables.put(actor=op, key="my_password", val="S3CRET-canary")
    variables.update(variables.find("my_password"), actor=op, val="S3CRET-canary2")
    assert "S3CRET" not in str(list(EventLog.objects.values()))


@pytest.mark.parametrize("key", ["", "k" * 251])
def test_impossible_keys_are_refused(op, key):
    with pytest.raises(Invalid):
        variables.put(actor=op, key=key, val="v")


def test_a_variable_is_deleted_and_logged(op, logged):
    variables.delete(VariableFactory(key="k"), actor=op)
    with pytest.raises(NotFound):
        variables.find("k")
    assert logged() == [("variable.delete", "op")]


@pytest.mark.parametrize(
    "verb",
    [
        lambda actor: variables.put(actor=actor, key="k", val="new"),
        lambda actor: variables.put(actor=actor, key="other", val="new"),
        lambda actor: variables.update(variables.find("k"), actor=actor, val="new"),
        lambda actor: variables.delete(variables.find("k"), actor=actor),
    ],
)
def test_a_viewer_changes_nothing(viewer, verb):
    VariableFactory(key="k", val="old")
    with pytest.raises(Forbidden):
        verb(viewer)
    assert [(v.key, v.val) for v in Variable.objects.all()] == [("k", "old")]
