"""Lazy values, paths in object stores, helpers, operator helpers, hooks; and what the core costs to import."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.authoring import helpers, serde
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.lazy import LazyProxy
from orchestration.authoring.object_storage import ObjectStoragePath, attach, get_fs, has_fs
from orchestration.authoring.operator_helpers import (
    ExecutionCallableRunner,
    context_to_airflow_vars,
    determine_kwargs,
    make_kwargs_callable,
)
from orchestration.authoring.outlet_events import OutletEventAccessors

CORE = (
    "dag", "baseoperator", "decorators", "context", "taskinstance", "params", "variable", "connection", "templates",
    "operators.empty", "secrets", "timezone",
)  # fmt: skip


def test_the_core_needs_no_django_and_nothing_heavy():
    imports = ", ".join(f"orchestration.authoring.{name}" for name in CORE)
    heavy = (
        "django",
        "jinja2",
        "jsonschema",
        "pendulum",
        "croniter",
        "pandas",
        "sqlalchemy",
        "httpx",
        "upath",
        "airflow",
    )
    program = f"import sys, json, {imports}; print(json.dumps([n for n in {heavy!r} if n in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert json.loads(done.stdout) == []


def test_encoding_and_decoding_need_no_django():
    program = (
        "import sys, orchestration.serialization.encode, orchestration.serialization.decode; "
        "print('django' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert done.stdout.strip() == "False"


def test_a_lazy_value_is_found_once_and_behaves_like_itself():
    found = []
    value = LazyProxy(lambda: found.append(1) or [3, 1, 2])
    assert not found
    assert value == [3, 1, 2]
    assert len(value) == 3
    assert sorted(value) == [1, 2, 3]
    assert value[0] == 3
    assert 1 in value
    assert value + [4] == [3, 1, 2, 4]  # noqa: RUF005 the operator is meant
    assert [0] + value == [0, 3, 1, 2]  # noqa: RUF005 the operator is meant
    assert isinstance(value, list)
    value.append(9)
    assert str(value) == repr(value) == "[3, 1, 2, 9]"
    assert found == [1]
    assert not LazyProxy(dict)
    assert LazyProxy(lambda: 5) > LazyProxy(lambda: 4)
    assert f"{LazyProxy(lambda: 5):03d}" == "005"
    assert LazyProxy(lambda: len)("abc") == 3
    assert json.dumps(LazyProxy(lambda: "x").upper()) == '"X"'


def test_paths_keep_their_connection_without_asking_for_it(port):
    path = ObjectStoragePath("s3://my_conn@bucket/dir") / "file.txt"
    assert (path.conn_id, path.bucket, path.key, path.name) == ("my_conn", "bucket", "dir/file.txt", "file.txt")
    assert path.parent.conn_id == "my_conn"
    assert str(path) == f"{path}" == "s3://my_conn@bucket/dir/file.txt"
    assert repr(path) == "ObjectStoragePath('s3://my_conn@bucket/dir/file.txt')"
    assert ObjectStoragePath(str(path)) == path == ObjectStoragePath("s3://bucket/dir/file.txt", conn_id="my_conn")
    assert not port.asked
    assert serde.loads(serde.dumps(path)) == path
    assert path.samestore(path.parent)
    assert not path.samestore(ObjectStoragePath("s3://other@bucket/x"))
    assert path.render_path(lambda text: text.replace("bucket", "other")).bucket == "other"


def test_files_are_read_written_and_copied_between_stores(tmp_path):
    memory = ObjectStoragePath("memory://place/inner")
    (memory / "a.txt").write_text("hello")
    local = ObjectStoragePath(f"file://{tmp_path}")
    (memory / "a.txt").copy(local)
    assert (tmp_path / "a.txt").read_text() == "hello"
    memory.copy(local / "tree")
    assert (tmp_path / "tree" / "a.txt").read_text() == "hello"
    assert (local / "a.txt").size() == 5
    assert (local / "a.txt").read_block(1, 3) == b"ell"
    (local / "a.txt").move(local / "b.txt")
    assert sorted(path.name for path in local.iterdir()) == ["b.txt", "tree"]
    with pytest.raises(FileNotFoundError):
        (memory / "none").copy(local)


def test_a_connection_gives_the_store_s_options(port):
    port.connections["c"] = {
        "conn_id": "c", "conn_type": "aws", "description": None, "host": None, "schema": None, "login": "key",
        "password": "secret", "port": None, "extra": '{"endpoint_url": "http://here", "region": "x"}',
    }  # fmt: skip
    from orchestration.authoring.object_storage import connection_options

    assert connection_options("s3", "c") == {
        "key": "key",
        "secret": "secret",
        "endpoint_url": "http://here",
        "region": "x",
    }
    assert connection_options("s3", None) == {}


def test_stores_by_protocol():
    assert attach("memory").fs is get_fs("memory")
    assert attach(fs=get_fs("memory")).protocol == "memory"
    assert has_fs("s3")
    assert not has_fs("nonsense")
    with pytest.raises(ValueError, match="protocol"):
        attach()


def test_helpers():
    assert helpers.as_tuple("ab") == ("ab",)
    assert helpers.as_tuple([1, 2]) == (1, 2)
    assert helpers.as_flattened_list([[1], [2, 3]]) == [1, 2, 3]
    assert list(helpers.chunks([1, 2, 3], 2)) == [[1, 2], [3]]
    assert helpers.reduce_in_chunks(lambda total, part: total + sum(part), [1, 2, 3, 4], 0, 2) == 10
    assert helpers.reduce_in_chunks(lambda total, part: total, [], 7) == 7
    assert helpers.merge_dicts({"a": {"x": 1}, "b": 1}, {"a": {"y": 2}, "b": {"z": 1}}) == {
        "a": {"x": 1, "y": 2},
        "b": {"z": 1},
    }
    assert helpers.convert_camel_to_snake("CamelCaseHTTP") == "camel_case_http"
    assert [list(part) for part in helpers.partition(lambda n: n > 1, [1, 2, 3])] == [[1], [2, 3]]
    assert helpers.exactly_one(0, 1)
    assert not helpers.at_most_one(1, 2)
    with pytest.raises(ValueError, match="at least one"):
        list(helpers.chunks([1], 0))
    with pytest.raises(ValueError, match="mode"):
        helpers.prune_dict({}, mode="x")


@pytest.mark.parametrize(
    ("mode", "pruned"),
    [
        ("strict", {"l": ["", "hi"], "i": 0, "t": "", "d": {"z": False}}),
        ("truthy", {"l": ["hi"]}),
    ],
)
def test_pruning_leaves_out_what_is_empty(mode, pruned):
    value = {"l": [None, "", "hi"], "i": 0, "n": None, "t": "", "d": {"a": None, "z": False}, "e": [None]}
    assert helpers.prune_dict(value, mode=mode) == pruned


@pytest.mark.parametrize("names", [{"a": 1}, {"a": 1, "b": 2}])
def test_names_given_twice_are_refused(names):
    with pytest.raises(TypeError, match="twice a"):
        helpers.prevent_duplicates(names, names, fail_reason="twice")


def test_functions_get_the_keywords_they_take():
    def few(a, ds): ...

    def all_of_them(a, **kwargs): ...

    given = {"ds": 1, "ti": 2}
    assert determine_kwargs(few, ["x"], given) == {"ds": 1}
    assert determine_kwargs(all_of_them, ["x"], given) == given
    with pytest.raises(ValueError, match="'ds' is given by position"):
        determine_kwargs(lambda ds: None, [1], given)
    assert make_kwargs_callable(lambda ds: ds)(ds=1, ti=2) == 1


def test_child_processes_are_told_which_task_started_them():
    from datetime import UTC, datetime
    from types import SimpleNamespace

    context = {
        "task": SimpleNamespace(email=["a@b", "c@d"], owner="me"),
        "task_instance": SimpleNamespace(
            dag_id="d", task_id="t", execution_date=datetime(2024, 1, 1, tzinfo=UTC), try_number=2
        ),
        "dag_run": SimpleNamespace(run_id="r"),
    }  # fmt: skip
    assert context_to_airflow_vars(context, in_env_var_format=True) == {
        "AIRFLOW_CTX_DAG_EMAIL": "a@b,c@d", "AIRFLOW_CTX_DAG_OWNER": "me", "AIRFLOW_CTX_DAG_ID": "d",
        "AIRFLOW_CTX_TASK_ID": "t", "AIRFLOW_CTX_EXECUTION_DATE": "2024-01-01T00:00:00+00:00",
        "AIRFLOW_CTX_TRY_NUMBER": "2", "AIRFLOW_CTX_DAG_RUN_ID": "r",
    }  # fmt: skip
    assert context_to_airflow_vars({}) == {}
    assert "airflow.ctx.dag_id" in context_to_airflow_vars(context)


def test_a_generator_returns_what_it_returns_at_its_end(caplog):
    def work(x):
        yield "unknown"
        return x

    assert ExecutionCallableRunner(work, OutletEventAccessors(), logger=None).run(5) == 5
    assert "Only Metadata can be yielded; a str is left out" in caplog.text


def test_ids_are_checked():
    for wrong in ("a b", "a/b", "", "x" * 251, "a\n"):
        with pytest.raises(AirflowException):
            helpers.validate_key(wrong)
    with pytest.raises(TypeError):
        helpers.validate_key(5)
    with pytest.raises(AirflowException):
        helpers.validate_group_key("a.b")
