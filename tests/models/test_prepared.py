"""Prepared queries: the same rows as Django's, whatever happens to the session they were prepared in."""

from __future__ import annotations

import psycopg
import pytest
from django.db import OperationalError, connection

from orchestration.models import User, prepared
from orchestration.models.prepared import Prepared, columns, fetched, instance
from tests.factories import DagFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
on_postgresql = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="only PostgreSQL prepares statements")


def _by_name() -> Prepared:
    return Prepared(lambda name: User.objects.filter(username=name).order_by().values_list(*columns(User)), str)


def test_a_row_is_what_django_reads() -> None:
    user = UserFactory(username="ann", last_name="Ünal", is_superuser=True)
    found = _by_name().rows("ann")
    assert found == list(User.objects.filter(pk=user.pk).values_list(*columns(User)))
    read = instance(User, found[0])
    assert read == user
    assert read.changed_at == User.objects.get(pk=user.pk).changed_at


def test_moments_left_out_are_read_when_they_are_asked_for(django_assert_num_queries) -> None:
    user = UserFactory(username="ann")
    query = Prepared(lambda pk: User.objects.filter(pk=pk).values_list(*columns(User, has_moments=False)), int)
    read = instance(User, query.rows(user.pk)[0], has_moments=False)
    with django_assert_num_queries(1):
        assert read.date_joined == user.date_joined
        assert read.username == "ann"


@pytest.mark.parametrize("name", ["", "with space", "quote'", 'quote"', "back\\slash", "per%cent %s", "Ж", "new\nline"])
def test_any_text_is_compared_as_it_is(name: str) -> None:
    UserFactory(username=name)
    UserFactory(username=f"{name}x")
    assert [row[columns(User).index("username")] for row in _by_name().rows(name)] == [name]


@on_postgresql
class TestSession:
    def test_a_statement_that_a_pooler_lost_is_prepared_again(self) -> None:
        DagFactory(dag_id="d")
        statement = "SELECT dag_id FROM orchestration_dag WHERE dag_id = %s"
        assert fetched(statement, ["d"]) == [("d",)]
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
        assert fetched(statement, ["d"]) == [("d",)]

    def test_a_statement_that_another_client_of_the_pooler_prepared_is_used(self) -> None:
        assert fetched("SELECT 1 + %s::int", [1]) == [(2,)]
        getattr(connection.connection, prepared._KEPT_AS).names.clear()  # as a client that is new
        assert fetched("SELECT 1 + %s::int", [1]) == [(2,)]

    def test_a_column_whose_type_a_migration_changed_is_read_anew(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE changing (n integer)")
            cursor.execute("INSERT INTO changing VALUES (7)")
            assert fetched("SELECT n FROM changing", []) == [(7,)]
            cursor.execute("ALTER TABLE changing ALTER n TYPE text")
            assert fetched("SELECT n FROM changing", []) == [("7",)]
            cursor.execute("DROP TABLE changing")

    def test_a_session_keeps_a_bounded_number_of_statements(self, monkeypatch) -> None:
        monkeypatch.setattr(prepared, "_ROOM", 3)
        for number in range(10):
            assert fetched(f"SELECT {number}", []) == [(number,)]
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_prepared_statements")
            assert cursor.fetchone()[0] <= 3

    def test_a_dead_connection_is_djangos_error(self) -> None:
        assert fetched("SELECT 1", []) == [(1,)]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        with psycopg.connect(_url(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [pid])
        with pytest.raises(OperationalError):
            fetched("SELECT 1", [])
        connection.close()
        assert fetched("SELECT 1", []) == [(1,)]

    def test_a_fault_in_a_statement_leaves_the_session_usable(self) -> None:
        with pytest.raises(Exception, match="division by zero"):
            fetched("SELECT 1 / %s::int", [0])
        assert fetched("SELECT 1 / %s::int", [1]) == [(1,)]


def _url() -> str:
    database = connection.settings_dict
    return psycopg.conninfo.make_conninfo(
        dbname=database["NAME"], user=database["USER"], password=database["PASSWORD"] or None,
        host=database["HOST"] or None, port=database["PORT"] or None,
    )  # fmt: skip
