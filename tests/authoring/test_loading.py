"""Importing a DAG file and taking the DAGs from it, in this process."""

import os
import sys
from pathlib import Path

import pytest

from orchestration.authoring import alias
from orchestration.authoring.dag import DagContext
from orchestration.authoring.loading import load_dag_file, module_name

HEAD = """
from datetime import datetime
from airflow import DAG
from airflow.decorators import dag, task
from airflow.operators.empty import EmptyOperator
START = datetime(2025, 1, 1)
"""


@pytest.fixture(autouse=True)
def _alias():
    alias.install()


@pytest.fixture
def load(tmp_path):
    def load_source(source, **options):
        path = tmp_path / "my-file.v1.py"
        path.write_text(HEAD + source)
        return load_dag_file(str(path), **options), str(path)

    return load_source


def test_dags_are_found_under_names_and_in_with_blocks(load):
    loaded, path = load(
        """
named = DAG("named", start_date=START, schedule=None)
with DAG("in_block", start_date=START, schedule=None):
    EmptyOperator(task_id="a")

@dag(start_date=START, schedule=None)
def decorated():
    EmptyOperator(task_id="a")

decorated()

def make():
    with DAG("by_function", start_date=START, schedule=None):
        EmptyOperator(task_id="a")

make()
with DAG("not_registered", start_date=START, schedule=None, auto_register=False) as hidden:
    pass
del hidden
DAG("forgotten", start_date=START, schedule=None)
several = [DAG("in_a_list", start_date=START, schedule=None)]
"""
    )
    assert loaded.errors == {}
    assert set(loaded.dags) == {"named", "in_block", "decorated", "by_function"}
    assert {dag.fileloc for dag in loaded.dags.values()} == {path}


def test_dags_of_a_file_that_fails_are_not_taken(load):
    loaded, path = load('with DAG("early", start_date=START, schedule=None):\n    pass\n1 / 0\n')
    assert loaded.dags == {}
    assert list(loaded.errors) == [path]
    assert DagContext.autoregistered_dags == set()


def test_a_dag_that_is_invalid_leaves_the_others(load):
    loaded, path = load(
        """
with DAG("circle", start_date=START, schedule=None):
    a, b = EmptyOperator(task_id="a"), EmptyOperator(task_id="b")
    a >> b >> a
fine = DAG("fine", start_date=START, schedule=None)
bad_cron = DAG("bad_cron", start_date=START, schedule="61 * * * *")
"""
    )
    assert set(loaded.dags) == {"fine"}
    assert list(loaded.errors) == [path]


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            'with DAG("c", start_date=START, schedule=None):\n'
            '    a = EmptyOperator(task_id="a")\n'
            '    a >> EmptyOperator(task_id="b") >> a\n',
            "AirflowDagCycleException: In DAG 'c' the edges from task ",
        ),
        (
            'd = DAG("c", start_date=START, schedule="61 * * * *")\n',
            "AirflowTimetableInvalid: [61 * * * *] is not acceptable, out of range",
        ),
    ],
)
def test_invalid_dags_are_told_with_the_kind_of_error_and_its_reason(load, source, text):
    loaded, path = load(source)
    assert loaded.errors[path].startswith(text)


def test_the_source_counts_and_not_an_older_bytecode_file(load):
    loaded, path = load('d = DAG("one", start_date=START, schedule=None)')
    stamp = Path(path).stat()
    assert set(loaded.dags) == {"one"}
    loaded, path = load('d = DAG("two", start_date=START, schedule=None)')
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    loaded = load_dag_file(path)
    assert set(loaded.dags) == {"two"}


def test_warnings_are_kept_with_their_place(load):
    loaded, path = load('import warnings\nwarnings.warn("look out")\n')
    assert f"{path}:8: UserWarning: look out" in loaded.warnings


@pytest.mark.parametrize(("depth", "frames"), [("1", 1), ("3", 3)])
def test_the_depth_of_traces_is_an_option(load, monkeypatch, depth, frames):
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACK_DEPTH", depth)
    loaded, path = load("def f(n):\n    f(n - 1) if n else 1 / 0\nf(5)\n")
    assert loaded.errors[path].count("  File ") == frames


def test_traces_may_be_left_out(load, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__DAGBAG_IMPORT_ERROR_TRACEBACKS", "False")
    loaded, path = load("1 / 0")
    assert loaded.errors[path] == "division by zero"


def test_a_time_limit_stops_an_import_and_leaves_no_alarm(load):
    import signal

    before = signal.getsignal(signal.SIGALRM)
    loaded, path = load("while True: pass", seconds=0.2)
    assert "took more than" in loaded.errors[path]
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_files_have_the_module_names_that_airflow_gives_them(load):
    _, path = load("")
    name = module_name(path)
    assert name.startswith("unusual_prefix_")
    assert name.endswith("_my_file_v1")
    assert name in sys.modules
