"""What the web server's database sessions do about broken connections and locks."""

from __future__ import annotations

import pytest
from django.db import OperationalError, connection

from airflowsite import sessions

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's sessions"),
]


def pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_a_session_that_the_server_ended_is_left_before_the_next_request() -> None:
    before = pid()
    sessions._leave_broken()
    assert pid() == before
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [before])  # returns when it is gone
    other.close()
    sessions._leave_broken()
    assert pid() != before


def test_a_lock_is_waited_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LOCK_TIMEOUT", "100ms")
    holder = connection.copy()
    other = connection.copy()
    other.connect()
    sessions._limit_waits(connection=other)
    holder.set_autocommit(False)
    with holder.cursor() as cursor:
        cursor.execute("LOCK TABLE orchestration_pool")
    with pytest.raises(OperationalError, match="lock timeout"), other.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orchestration_pool")
    holder.rollback()
    holder.close()
    other.close()
