"""XCom entries."""

from __future__ import annotations

import sys

import pytest

from orchestration.models import DagRun, User, XCom
from tests.api_v1.conftest import Api, path_of
from tests.factories import TaskInstanceFactory, XComFactory, make_dag, make_run

WRAPPED = {"__classname__": "datetime.timedelta", "__version__": 2, "__data__": 90.0}
FOREIGN = {"__classname__": "evil.module.Class", "__version__": 1, "__data__": {"x": 1, "y": "z"}}


@pytest.fixture
def run(api: Api) -> DagRun:
    return make_run(make_dag("a, b", dag_id="d1"), run_id="r")


def put(run: DagRun, value, key: str = "return_value", task_id: str = "a") -> XCom:
    return XComFactory(task_instance=run.task_instances.get(task_id=task_id, map_index=-1), key=key, value=value)


def entries(run: DagRun, task_id: str = "a", key: str = "") -> str:
    return f"{path_of(run)}/taskInstances/{task_id}/xcomEntries{f'/{key}' if key else ''}"


def test_entries_are_listed_without_their_values(api: Api, run: DagRun) -> None:
    put(run, "S3CRET")
    put(run, 2, "other")
    put(run, 3, task_id="b")
    answer = api.get(entries(run)).json
    assert [row["key"] for row in answer["xcom_entries"]] == ["other", "return_value"]
    assert answer["total_entries"] == 2
    assert set(answer["xcom_entries"][0]) == {"key", "timestamp", "execution_date", "map_index", "task_id", "dag_id"}
    assert b"S3CRET" not in api.get(entries(run)).content
    assert [row["key"] for row in api.get(entries(run), xcom_key="other").json["xcom_entries"]] == ["other"]
    assert [row["key"] for row in api.get(entries(run), limit=1, offset=1).json["xcom_entries"]] == ["return_value"]


def test_entries_of_mapped_instances_are_told_apart(api: Api, run: DagRun) -> None:
    for index in range(3):
        XComFactory(task_instance=TaskInstanceFactory(run=run, task_id="m", map_index=index), value=index)
    assert [row["map_index"] for row in api.get(entries(run, "m")).json["xcom_entries"]] == [0, 1, 2]
    assert [row["map_index"] for row in api.get(entries(run, "m"), map_index=1).json["xcom_entries"]] == [1]
    path = entries(run, "m", "return_value")
    assert api.get(path, map_index=2).json["value"] == "2"
    assert (api.get(path).status, api.get(path, map_index=9).status, api.get(path, map_index=2**40).status) == (
        404,
    ) * 3


def test_the_wildcards_list_what_the_caller_may_read(api: Api, run: DagRun, d1only: User) -> None:
    put(run, 1)
    put(run, 1, task_id="b")
    other = make_run(make_dag("a", dag_id="d2"), run_id="r")
    put(other, "d2CANARY", "d2key")
    assert api.get("/dags/~/dagRuns/~/taskInstances/~/xcomEntries").json["total_entries"] == 3
    assert api.get("/dags/d1/dagRuns/~/taskInstances/a/xcomEntries").json["total_entries"] == 1
    for path in ("/dags/~/dagRuns/~/taskInstances/~/xcomEntries", "/dags/~/dagRuns/r/taskInstances/a/xcomEntries"):
        assert b"d2" not in api.get(path, user="d1only").content
    assert api.get(entries(other, key="d2key"), user="d1only").status == 403
    assert api.get(f"{path_of(run)}/taskInstances/a/xcomEntries/d2key", user="d1only").status == 404


@pytest.mark.parametrize(
    ("value", "text", "plain"),
    [
        ("x", "x", "x"), (5, "5", 5), (1.5, "1.5", 1.5), (True, "True", True), (None, None, None), ([], "[]", []),
        ([1, "a", None], "[1, 'a', None]", [1, "a", None]),
        ({"k": {"n": [True]}}, "{'k': {'n': [True]}}", {"k": {"n": [True]}}),
        ("ünï ✓", "ünï ✓", "ünï ✓"), (2**70, str(2**70), 2**70), ("", "", ""),
    ],
)  # fmt: skip
def test_values_are_python_s_text_or_json(api: Api, run: DagRun, value, text, plain) -> None:
    put(run, value)
    path = entries(run, key="return_value")
    assert api.get(path).json["value"] == text
    assert api.get(path, stringify="true").json["value"] == text
    assert api.get(path, stringify="false").json["value"] == plain


@pytest.mark.parametrize("value", [WRAPPED, FOREIGN, [FOREIGN], {"k": FOREIGN}])
def test_what_json_lacks_is_shown_as_text_and_nothing_is_imported(api: Api, run: DagRun, value) -> None:
    put(run, value)
    modules = set(sys.modules)
    answer = api.get(entries(run, key="return_value"))
    assert "@version=" in answer.json["value"]
    assert api.get(entries(run, key="return_value"), stringify="false").status == 200
    assert not {name for name in set(sys.modules) - modules if name.startswith("evil")}


def test_deserialising_has_to_be_allowed(api: Api, run: DagRun, monkeypatch: pytest.MonkeyPatch) -> None:
    put(run, WRAPPED)
    path = entries(run, key="return_value")
    refused = api.get(path, deserialize="true")
    assert (refused.status, refused.detail) == (400, "XCom deserialization is disabled in configuration.")
    monkeypatch.setenv("AIRFLOW__API__ENABLE_XCOM_DESERIALIZE_SUPPORT", "True")
    assert api.get(path, deserialize="true").json["value"] == "0:01:30"
    assert "@version=2(90.0)" in api.get(path).json["value"]


def test_no_class_is_made_even_where_deserialising_is_allowed(
    api: Api, run: DagRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__ENABLE_XCOM_DESERIALIZE_SUPPORT", "True")
    for name in ("subprocess.Popen", "os.system", "orchestration.models.Connection", "builtins.eval"):
        XCom.objects.all().delete()
        put(run, {"__classname__": name, "__version__": 1, "__data__": "touch /x"})
        assert (
            api.get(entries(run, key="return_value"), deserialize="true").json["value"].startswith(f"{name}@version=1")
        )


def test_keys_may_hold_any_sign(api: Api, run: DagRun) -> None:
    put(run, 1, "a key/with % ünï")
    assert api.get(f"{entries(run)}/a%20key%2Fwith%20%25%20%C3%BCn%C3%AF").status in {200, 404}
    put(run, 2, "a.b:c ü")
    assert api.get(f"{entries(run)}/a.b%3Ac%20%C3%BC").json["value"] == "2"
