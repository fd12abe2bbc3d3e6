"""Secrets at rest."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from orchestration.conf import ConfigError
from orchestration.models import Connection, Variable
from orchestration.models.encryption import decrypt, encrypt, rotate

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_what_was_encrypted_comes_back(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", OLD)
    assert decrypt(encrypt("sesame ☂")) == "sesame ☂"


def test_a_new_key_in_front_still_reads_the_old_and_writes_the_new(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", OLD)
    kept = encrypt("sesame")
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", f"{NEW},{OLD}")
    turned = rotate(kept)
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", NEW)
    assert decrypt(turned) == "sesame"
    with pytest.raises(ConfigError, match="old key"):
        decrypt(kept)


def test_text_from_before_encryption_is_read_as_it_is():
    assert decrypt("plain") == "plain"


def test_a_key_that_is_none_is_refused_with_the_command_that_makes_one(monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "short")
    with pytest.raises(ConfigError, match="generate_key"):
        encrypt("x")


@pytest.mark.django_db
def test_the_tables_hold_no_secret_in_the_clear():
    Variable.objects.create(key="k", val="s3cret-canary")
    Connection.objects.create(conn_id="c", conn_type="http", password="s3cret-canary", extra="s3cret-canary")
    with connection.cursor() as cursor:
        cursor.execute("SELECT val FROM orchestration_variable UNION ALL SELECT password FROM orchestration_connection")
        rows = cursor.fetchall()
        cursor.execute("SELECT extra FROM orchestration_connection")
        rows += cursor.fetchall()
    assert len(rows) == 3
    assert not any("canary" in value for (value,) in rows)
    assert Connection.objects.get().password == Variable.objects.get().val == "s3cret-canary"
