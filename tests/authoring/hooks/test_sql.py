from __future__ import annotations

import os
import sqlite3
from urllib.parse import urlsplit

import pytest

from orchestration.authoring.exceptions import AirflowException, AirflowOptionalProviderFeatureException
from orchestration.authoring.hooks.postgres import PostgresHook
from orchestration.authoring.hooks.sql import DbApiHook
from orchestration.authoring.hooks.sql_handlers import fetch_all_handler, return_single_query_results
from orchestration.authoring.hooks.sqlite import SqliteHook
from tests.authoring.operators.support import connection_value


@pytest.fixture
def hook(memory, tmp_path):
    memory.connections["db"] = connection_value("db", "sqlite", host=str(tmp_path / "a b?.db"))
    made = SqliteHook("db")
    made.run("create table t (a int, b text)")
    return made


def test_rows_are_inserted_in_chunks(hook, caplog):
    caplog.set_level("INFO")
    hook.insert_rows("t", ((n, f"row {n}") for n in range(5)), target_fields=["a", "b"], commit_every=2)
    assert hook.get_records("select count(*), max(a) from t") == [(5, 4)]
    told = [line for line in caplog.messages if "are in t" in line]
    assert told == ["2 rows are in t", "4 rows are in t", "5 rows are in t"]


@pytest.mark.parametrize("kwargs", [{"executemany": True}, {"commit_every": 0}, {"fast_executemany": True}])
def test_rows_are_inserted_at_once_on_request(hook, kwargs):
    hook.insert_rows("t", [(1, "a"), (2, None)], **kwargs)
    assert hook.get_records("select * from t") == [(1, "a"), (2, None)]


def test_rows_are_replaced_on_request(hook):
    hook.run("create table u (a int primary key, b text)")
    hook.insert_rows("u", [(1, "old")])
    hook.insert_rows("u", [(1, "new")], replace=True)
    assert hook.get_records("select * from u") == [(1, "new")]


def test_the_first_row_and_no_row(hook):
    assert hook.get_first("select 1 union select 2 order by 1") == (1,)
    assert hook.get_first("select 1 where 0") is None


def test_descriptions_of_results_are_kept(hook):
    hook.run(["select 1 as x", "select 2 as y, 3 as z"], handler=fetch_all_handler)
    assert [[column[0] for column in about] for about in hook.descriptions] == [["x"], ["y", "z"]]
    assert hook.last_description[0][0] == "y"


def test_texts_are_split_into_statements():
    text = "select ';' ; -- a comment\n insert into t values ('a;b');"
    assert SqliteHook.split_sql_string(text) == ["select ';' ;", "insert into t values ('a;b');"]
    assert SqliteHook.strip_sql_string(" select 1;; ") == "select 1"


@pytest.mark.parametrize(
    ("sql", "last", "split", "single"),
    [("a", True, None, True), ("a", False, None, False), ("a", False, False, True), ("a", True, True, True),
     ("a", False, True, False), (["a"], True, False, False)],
)  # fmt: skip
def test_when_one_result_is_given_instead_of_a_list(sql, last, split, single):
    assert return_single_query_results(sql, last, split) is single


def test_a_connection_can_be_tested(hook, memory):
    assert hook.test_connection() == (True, "Connection successfully tested")
    memory.connections["db"]["host"] = "/not/there/x.db"
    assert SqliteHook("db").test_connection() == (False, "unable to open database file")


def test_options_of_the_file_come_from_the_extra(hook, memory):
    memory.connections["db"]["extra"] = '{"mode": "ro"}'
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        SqliteHook("db").run("insert into t values (1, 'x')")


def test_autocommit_that_a_driver_lacks_is_warned_of(hook, caplog):
    class Loud(SqliteHook):
        supports_autocommit = False

    made = Loud("db")
    made.set_autocommit(type("Connection", (), {})(), True)
    assert "autocommit has no effect" in caplog.text


def test_optional_libraries_are_named(hook):
    for call in (hook.get_sqlalchemy_engine, lambda: hook.get_pandas_df("select 1")):
        try:
            call()
        except AirflowOptionalProviderFeatureException as error:
            assert "pip install" in str(error)


def test_a_hook_needs_the_name_of_its_argument():
    with pytest.raises(AirflowException, match="conn_name_attr"):
        DbApiHook()


def test_a_driver_without_descriptions_is_refused():
    with pytest.raises(RuntimeError, match="DBAPI"):
        fetch_all_handler(object())


def test_placeholders_can_be_chosen_by_the_connection(hook, memory):
    assert hook.placeholder == "?"
    memory.connections["db"]["extra"] = '{"placeholder": "%s"}'
    assert SqliteHook("db").placeholder == "%s"


URL = os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "")
on_postgres = pytest.mark.skipif(not URL.startswith("postgres"), reason="needs a PostgreSQL server")


@pytest.fixture
def postgres(memory):
    parts = urlsplit(URL)
    memory.connections["pg"] = connection_value(
        "pg", "postgres", host=parts.hostname, login=parts.username, password=parts.password, port=parts.port,
        schema="postgres",
    )  # fmt: skip
    hook = PostgresHook("pg")
    hook.run("drop table if exists hook_test")
    hook.run("create table hook_test (id int primary key, name text)")
    yield hook
    hook.run("drop table hook_test")


@pytest.mark.postgres
@on_postgres
def test_postgres_inserts_updates_and_reads(postgres):
    postgres.insert_rows("hook_test", [(1, "a"), (2, "b")], target_fields=["id", "name"])
    postgres.insert_rows("hook_test", [(2, "c")], target_fields=["id", "name"], replace=True, replace_index="id")
    postgres.insert_rows("hook_test", [(2,)], target_fields=["id"], replace=True, replace_index=["id"])
    assert postgres.get_records("select * from hook_test order by id") == [(1, "a"), (2, "c")]
    assert postgres.get_first("select name from hook_test where id = %s", (1,)) == ("a",)
    assert postgres.get_first("select name from hook_test where id = %(n)s", {"n": 2}) == ("c",)
    assert postgres.get_table_primary_key("hook_test") == ["id"]


@pytest.mark.postgres
@on_postgres
def test_postgres_gives_the_last_of_several_results(postgres):
    assert postgres.get_records("insert into hook_test values (1, 'x'); select * from hook_test") == [(1, "x")]


@pytest.mark.postgres
@on_postgres
def test_postgres_copies_files(postgres, tmp_path):
    (tmp_path / "in").write_text("1\tone\n2\ttwo\n")
    postgres.bulk_load("hook_test", str(tmp_path / "in"))
    postgres.bulk_dump("hook_test", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "1\tone\n2\ttwo\n"


@pytest.mark.postgres
@on_postgres
@pytest.mark.parametrize(("autocommit", "left"), [(True, 1), (False, 0)])
def test_postgres_keeps_finished_statements_with_autocommit_only(postgres, autocommit, left):
    import psycopg

    with pytest.raises(psycopg.Error):
        postgres.run(["insert into hook_test values (1, 'x')", "select * from nowhere"], autocommit=autocommit)
    assert postgres.get_first("select count(*) from hook_test") == (left,)


@pytest.mark.postgres
@on_postgres
def test_postgres_rows_can_be_mappings_and_notices_are_logged(postgres, memory, caplog):
    caplog.set_level("INFO")
    memory.connections["pg"]["extra"] = '{"cursor": "dictcursor", "application_name": "me"}'
    hook = PostgresHook("pg", enable_log_db_messages=True)
    assert hook.get_first("select current_setting('application_name') as n") == {"n": "me"}
    hook.run("do $$ begin raise notice 'psst'; end $$")
    assert "psst" in caplog.text


def test_postgres_says_what_an_update_needs(memory):
    memory.connections["pg"] = connection_value("pg", "postgres")
    hook = PostgresHook("pg")
    with pytest.raises(ValueError, match="column names"):
        hook._generate_insert_sql("t", [1], replace=True)
    with pytest.raises(ValueError, match="unique index"):
        hook._generate_insert_sql("t", [1], ["a"], replace=True)
    with pytest.raises(ValueError, match="dictcursor"):
        hook._row_factory("odd")


def test_postgres_addresses_have_their_full_scheme(memory):
    memory.connections["pg"] = connection_value("pg", "postgres", host="h", login="u", schema="a")
    assert PostgresHook("pg").get_uri() == "postgresql://u@h/a"
    assert PostgresHook("pg", database="b").get_uri() == "postgresql://u@h/b"
