"""Statements over rows: the same on both databases, prepared on PostgreSQL where nothing between forbids it."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from psycopg.errors import InvalidSqlStatementName

from orchestration.models import EventLog, statements
from orchestration.models.statements import RowStatement, execute, several

pytestmark = pytest.mark.django_db

ECHO = RowStatement(
    "SELECT id, name, share, at, mark FROM {rows} AS given ORDER BY id",
    {"id": "bigint", "name": "text", "share": "float8", "at": "timestamptz", "mark": "uuid"},
)
WRITE = RowStatement(
    """INSERT INTO {log} ("when", event, owner) SELECT at, name, owner FROM {rows} AS given""",
    {"at": "timestamptz", "name": "text", "owner": "text"},
    log=EventLog,
)


@pytest.mark.parametrize("number", [1, 700])
def test_rows_go_in_as_one_parameter_and_come_back_as_they_were(number, django_assert_num_queries):
    rows = [
        {"id": 2**40 + n, "name": f'it\'s "{n}" % é \u2028', "share": n / 3, "at": None, "mark": uuid.UUID(int=n)}
        for n in range(number)
    ]
    with django_assert_num_queries(1):
        found = ECHO.run(rows)
    assert [(row[0], row[1], row[2], row[3]) for row in found] == [
        (row["id"], row["name"], row["share"], None) for row in rows
    ]
    assert [uuid.UUID(str(row[4])) for row in found] == [row["mark"] for row in rows]


def test_what_is_written_reads_as_what_django_writes():
    moments = [datetime(2024, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)]
    WRITE.run([{"at": moment, "name": "told", "owner": None} for moment in moments])
    EventLog.objects.create(event="told", when=moments[0])
    assert list(EventLog.objects.filter(when=moments[0]).values_list("event", "owner")) == [("told", None)] * 2
    assert EventLog.objects.order_by("when", "pk").values_list("when", flat=True).first() == moments[1]


def test_no_rows_are_no_statement(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert WRITE.run([]) == []


def test_several_values_are_one_parameter():
    test = "= ANY(%s::bigint[])" if connection.vendor == "postgresql" else "IN (SELECT value FROM json_each(%s))"
    for values, expected in (([1, 2], [(True,)]), ([2], [(False,)]), ([], [(False,)])):
        assert [(bool(row[0]),) for row in execute(f"SELECT 1 {test}", several(values))] == expected


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite prepares by itself")
def test_a_pooler_that_loses_what_was_prepared_ends_the_preparing(monkeypatch):
    monkeypatch.setattr(statements, "_may_prepare", True)
    assert execute("SELECT 41 + 1") == [(42,)]
    assert execute("SELECT count(*) FROM pg_prepared_statements WHERE statement = 'SELECT 41 + 1'") == [(1,)]
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$")  # unseen by the driver
    with pytest.raises(ProgrammingError) as lost, transaction.atomic():
        execute("SELECT 41 + 1")
    assert isinstance(lost.value.__cause__, InvalidSqlStatementName)
    assert not statements._may_prepare
    assert execute("SELECT 41 + 1") == [(42,)]
