from __future__ import annotations

import sqlite3

import pytest

from orchestration.authoring.exceptions import AirflowException, AirflowFailException
from orchestration.authoring.operators.empty import EmptyOperator
from orchestration.authoring.operators.generic_transfer import GenericTransfer
from orchestration.authoring.operators.sql import BranchSQLOperator, SQLExecuteQueryOperator, parse_boolean
from orchestration.authoring.operators.sql_checks import (
    SQLCheckOperator,
    SQLColumnCheckOperator,
    SQLIntervalCheckOperator,
    SQLTableCheckOperator,
    SQLThresholdCheckOperator,
    SQLValueCheckOperator,
)
from orchestration.authoring.operators.sql_databases import SqliteOperator
from tests.authoring.operators.support import connection_value, execute, make_dag


@pytest.fixture
def database(memory, tmp_path):
    path = tmp_path / "data file.db"
    memory.connections["db"] = connection_value("db", "sqlite", host=str(path))
    with sqlite3.connect(path) as connection:
        connection.execute("create table sales (ds text, amount int, who text)")
        connection.executemany(
            "insert into sales values (?, ?, ?)",
            [("2024-03-05", 10, "ann"), ("2024-03-05", 20, None), ("2024-02-27", 12, "bob")],
        )
    connection.close()
    return path


def run(cls, **kwargs):
    with make_dag():
        task = cls(task_id="t", conn_id="db", **kwargs)
    return execute(task)


@pytest.mark.parametrize(
    ("kwargs", "result"),
    [
        ({"sql": "select amount from sales order by 1"}, [(10,), (12,), (20,)]),
        ({"sql": "select count(*) from sales where ds = '{{ ds }}'"}, [(2,)]),
        ({"sql": "select amount from sales where who = ?", "parameters": ["bob"]}, [(12,)]),
        ({"sql": "select amount from sales where who = :who", "parameters": {"who": "ann"}}, [(10,)]),
        ({"sql": "select amount from sales where who = ?", "parameters": "['bob']"}, [(12,)]),
        ({"sql": ["select 1", "select 2"]}, [[(1,)], [(2,)]]),
        ({"sql": "select 1; select 2;", "split_statements": True}, [(2,)]),
        ({"sql": "select 1; select 2;", "split_statements": True, "return_last": False}, [[(1,)], [(2,)]]),
        ({"sql": "select 1", "return_last": False}, [(1,)]),
        ({"sql": "select 5", "handler": lambda cursor: cursor.fetchone()[0] + 1}, 6),
        ({"sql": "select 5", "do_xcom_push": False}, None),
        ({"sql": "select 7 as x", "output_processor": lambda rows, about: [about[0][0][0]]}, "x"),
        ({"sql": "delete from sales"}, None),
    ],
)
def test_statements_give_their_rows(database, kwargs, result):
    assert run(SQLExecuteQueryOperator, **kwargs).result == result


def test_what_was_written_is_committed(database):
    run(SQLExecuteQueryOperator, sql="insert into sales values ('2024-01-01', 1, 'eve')")
    assert run(SQLExecuteQueryOperator, sql="select count(*) from sales").result == [(4,)]


def test_a_failing_statement_rolls_everything_back(database):
    with pytest.raises(sqlite3.OperationalError):
        run(SQLExecuteQueryOperator, sql=["delete from sales", "select * from nowhere"])
    assert run(SQLExecuteQueryOperator, sql="select count(*) from sales").result == [(3,)]


def test_nothing_to_run_is_an_error(database):
    with pytest.raises(ValueError, match="empty"):
        run(SQLExecuteQueryOperator, sql="  ")


def test_a_connection_of_another_kind_is_refused(memory):
    memory.connections["db"] = connection_value("db", "fs")
    with pytest.raises(AirflowException, match="no database hook"):
        run(SQLExecuteQueryOperator, sql="select 1")


def test_a_connection_without_a_hook_says_which_types_have_one(memory):
    memory.connections["db"] = connection_value("db", "oracle")
    with pytest.raises(AirflowException, match=r"oracle.*sqlite"):
        run(SQLExecuteQueryOperator, sql="select 1")


def test_the_operator_named_after_the_database_takes_its_own_argument(database):
    with make_dag():
        task = SqliteOperator(task_id="t", sqlite_conn_id="db", sql="select 1")
    assert execute(task).result == [(1,)]


CHECKS = [
    (SQLCheckOperator, {"sql": "select count(*) from sales"}, None),
    (SQLCheckOperator, {"sql": "select 1, 0"}, "has a false value"),
    (SQLCheckOperator, {"sql": "select 1 where 0"}, "found no row"),
    (SQLCheckOperator, {"sql": "select ?", "parameters": [0]}, "has a false value"),
    (SQLValueCheckOperator, {"sql": "select 10", "pass_value": 10}, None),
    (SQLValueCheckOperator, {"sql": "select 'a'", "pass_value": "a"}, None),
    (SQLValueCheckOperator, {"sql": "select 'a'", "pass_value": "b"}, "b was expected, and"),
    (SQLValueCheckOperator, {"sql": "select 11", "pass_value": 10}, "10.0 was expected, and"),
    (SQLValueCheckOperator, {"sql": "select 11", "pass_value": 10, "tolerance": 0.1}, None),
    (SQLValueCheckOperator, {"sql": "select 12", "pass_value": 10, "tolerance": 0.1}, "give or take 10.0%"),
    (SQLValueCheckOperator, {"sql": "select 'x'", "pass_value": 10}, "A number was expected"),
    (SQLThresholdCheckOperator, {"sql": "select 5", "min_threshold": 1, "max_threshold": "9"}, None),
    (
        SQLThresholdCheckOperator,
        {"sql": "select 5", "min_threshold": 6, "max_threshold": 9},
        "does not lie between 6.0 and 9.0",
    ),
    (
        SQLThresholdCheckOperator,
        {"sql": "select 5", "min_threshold": "select 1", "max_threshold": "select 4"},
        "does not lie between 1 and 4",
    ),
    (SQLIntervalCheckOperator, {"table": "sales", "metrics_thresholds": {"sum(amount)": 3}}, None),
    (SQLIntervalCheckOperator, {"table": "sales", "metrics_thresholds": {"sum(amount)": 2.4}}, r"sum\(amount\)"),
    (
        SQLIntervalCheckOperator,
        {"table": "sales", "metrics_thresholds": {"sum(amount)": 1.6}, "ratio_formula": "relative_diff"},
        None,
    ),
    (SQLIntervalCheckOperator, {"table": "sales", "metrics_thresholds": {"0": 1}}, None),
    (
        SQLIntervalCheckOperator,
        {"table": "sales", "metrics_thresholds": {"0": 1}, "ignore_zero": False},
        "Over their thresholds: 0",
    ),
    (SQLTableCheckOperator, {"table": "sales", "checks": {"enough": {"check_statement": "count(*) >= 3"}}}, None),
    (SQLTableCheckOperator, {"table": "sales", "checks": {"all_big": {"check_statement": "amount > 11"}}}, "all_big"),
    (
        SQLTableCheckOperator,
        {
            "table": "sales",
            "partition_clause": "ds = '2024-02-27'",
            "checks": {
                "big": {"check_statement": "amount > 11"},
                "few": {"check_statement": "count(*) = 1", "partition_clause": "1"},
            },
        },
        None,
    ),
    (SQLColumnCheckOperator, {"table": "sales", "column_mapping": {"who": {"null_check": {"equal_to": 1}}}}, None),
    (
        SQLColumnCheckOperator,
        {"table": "sales", "column_mapping": {"who": {"null_check": {"equal_to": 0}}}},
        "null_check",
    ),
    (
        SQLColumnCheckOperator,
        {
            "table": "sales",
            "column_mapping": {
                "amount": {"min": {"geq_to": 10, "less_than": 11}, "max": {"leq_to": 18, "tolerance": 0.2}}
            },
        },
        None,
    ),
    (
        SQLColumnCheckOperator,
        {"table": "sales", "column_mapping": {"amount": {"distinct_check": {"greater_than": 3}}}},
        "distinct_check",
    ),
    (SQLColumnCheckOperator, {"table": "sales", "column_mapping": {"ds": {"unique_check": {"equal_to": 1}}}}, None),
    (
        SQLColumnCheckOperator,
        {"table": "sales", "partition_clause": "0", "column_mapping": {"amount": {"max": {"equal_to": 0}}}},
        None,
    ),
]


@pytest.mark.parametrize(("cls", "kwargs", "words"), CHECKS)
def test_checks_pass_or_tell_why_not(database, cls, kwargs, words):
    if words is None:
        run(cls, **kwargs)
    else:
        with pytest.raises(AirflowException, match=words):
            run(cls, **kwargs)


def test_a_failed_check_is_not_tried_again_on_request(database):
    with pytest.raises(AirflowFailException):
        run(SQLCheckOperator, sql="select 0", retry_on_failure=False)


@pytest.mark.parametrize(
    ("check", "error"),
    [
        ({"nonsense": {"equal_to": 1}}, AirflowException),
        ({"min": {}}, ValueError),
        ({"min": {"equal_to": 1, "less_than": 2}}, ValueError),
        ({"min": {"greater_than": 1, "geq_to": 1}}, ValueError),
        ({"min": {"less_than": 1, "leq_to": 1}}, ValueError),
        ({"min": {"greater_than": 5, "less_than": 5}}, ValueError),
        ({"min": {"geq_to": 5, "less_than": 5}}, ValueError),
        ({"min": {"geq_to": 6, "leq_to": 5}}, ValueError),
    ],
)
def test_column_checks_that_make_no_sense_are_refused(check, error):
    with make_dag(), pytest.raises(error):
        SQLColumnCheckOperator(task_id="t", table="x", column_mapping={"c": check})


def test_an_unknown_ratio_is_refused():
    with make_dag(), pytest.raises(AirflowFailException, match="max_over_min"):
        SQLIntervalCheckOperator(task_id="t", table="x", metrics_thresholds={"a": 1}, ratio_formula="odd")


@pytest.mark.parametrize(
    ("sql", "skipped"),
    [("select 1", ["no"]), ("select 0", ["yes"]), ("select 'true'", ["no"]), ("select 'OFF'", ["yes"])],
)
def test_a_query_chooses_the_branch(database, sql, skipped):
    with make_dag():
        branch = BranchSQLOperator(
            task_id="t", conn_id="db", sql=sql, follow_task_ids_if_true=["yes"], follow_task_ids_if_false="no"
        )
        branch >> [EmptyOperator(task_id="yes"), EmptyOperator(task_id="no")]
    assert execute(branch).skipped == skipped


@pytest.mark.parametrize(("sql", "words"), [("select 'maybe'", "found 'maybe'"), ("select 1 where 0", "found no row")])
def test_a_query_that_says_neither_fails(database, sql, words):
    with make_dag():
        branch = BranchSQLOperator(
            task_id="t", conn_id="db", sql=sql, follow_task_ids_if_true="a", follow_task_ids_if_false="b"
        )
    with pytest.raises(AirflowException, match=words):
        execute(branch)


def test_words_for_true_and_false():
    assert [parse_boolean(word) for word in ("Yes", "1", "off")] == [True, True, False]
    with pytest.raises(ValueError, match="maybe"):
        parse_boolean("maybe")


def test_rows_are_copied_from_one_database_to_another(database, memory, tmp_path):
    memory.connections["copy"] = connection_value("copy", "sqlite", host=str(tmp_path / "copy.db"))
    with make_dag():
        task = GenericTransfer(
            task_id="t", source_conn_id="db", destination_conn_id="copy", destination_table="mine",
            preoperator="create table mine (who text, amount int)", sql="select who, amount from sales",
            insert_args={"target_fields": ["who", "amount"], "commit_every": 2},
        )  # fmt: skip
    execute(task)
    with sqlite3.connect(tmp_path / "copy.db") as connection:
        assert connection.execute("select * from mine order by amount").fetchall() == [
            ("ann", 10),
            ("bob", 12),
            (None, 20),
        ]
    connection.close()


def test_a_source_that_gives_no_rows_is_named(memory):
    memory.connections["files"] = connection_value("files", "fs")
    with make_dag():
        task = GenericTransfer(
            task_id="t", source_conn_id="files", destination_conn_id="files", destination_table="x", sql="select 1"
        )
    with pytest.raises(RuntimeError, match=r"FSHook, which has no get_records\(\)"):
        execute(task)
