"""DAGs: list, get, pause, delete."""

from __future__ import annotations

import pytest

from orchestration.models import Dag, DagRun, EventLog, TaskInstance, User
from tests.api_v1.conftest import Api, path_of
from tests.factories import DagFactory, DagTagFactory, make_dag, make_run, serialized

MEMBERS = {
    "dag_id", "dag_display_name", "root_dag_id", "is_paused", "is_active", "is_subdag", "last_parsed_time",
    "last_pickled", "last_expired", "scheduler_lock", "pickle_id", "default_view", "fileloc", "file_token", "owners",
    "description", "schedule_interval", "timetable_description", "tags", "max_active_tasks", "max_active_runs",
    "max_consecutive_failed_dag_runs", "has_task_concurrency_limits", "has_import_errors", "next_dagrun",
    "next_dagrun_data_interval_start", "next_dagrun_data_interval_end", "next_dagrun_create_after",
}  # fmt: skip


def ids(answer) -> list[str]:
    assert answer.status == 200, answer
    return [row["dag_id"] for row in answer.json["dags"]]


@pytest.fixture
def four(api: Api) -> None:
    for name, more in (("a_one", {}), ("a_two", {"is_paused": True}), ("B_three", {}), ("gone", {"is_active": False})):
        dag = make_dag("t", dag_id=name, **more)
        DagTagFactory(dag=dag, name="x" if name.startswith("a") else "y")
        DagTagFactory(dag=dag, name="all")


def test_a_dag_is_answered_with_every_member_of_the_reference(api: Api) -> None:
    make_dag("a >> b", dag_id="d1")
    row = api.get("/dags/d1").json
    assert set(row) == MEMBERS
    assert row["owners"] == ["airflow"]
    assert row["last_parsed_time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "B_three a_one a_two"),
        ({"only_active": "false"}, "B_three a_one a_two gone"),
        ({"paused": "true"}, "a_two"),
        ({"paused": "false"}, "B_three a_one"),
        ({"tags": "x"}, "a_one a_two"),
        ({"tags": ["x", "y"]}, "B_three a_one a_two"),
        ({"tags": "x,y", "paused": "false"}, "B_three a_one"),
        ({"tags": "nope"}, ""),
        ({"dag_id_pattern": "T"}, "B_three a_two"),
        ({"dag_id_pattern": "a_"}, "a_one a_two"),
        ({"dag_id_pattern": "a%o"}, "a_one a_two"),
        ({"dag_id_pattern": "\\"}, ""),
        ({"dag_id_pattern": "'; DROP TABLE dag; --"}, ""),
        ({"order_by": "-dag_id"}, "a_two a_one B_three"),
        ({"limit": 1, "offset": 1}, "a_one"),
    ],
)
def test_dags_are_filtered_ordered_and_cut(api: Api, four: None, query, expected) -> None:
    answer = api.get("/dags", **query)
    assert ids(answer) == expected.split()
    assert answer.json["total_entries"] == (3 if "limit" in query else len(expected.split()))


@pytest.mark.parametrize(
    "query",
    [{"order_by": "is_paused"}, {"limit": "-1"}, {"only_active": "maybe"}, {"paused": ""}, {"nope": 1}, {"dag_id": 1}],
)
def test_bad_questions_are_refused(api: Api, four: None, query) -> None:
    assert api.get("/dags", **query).status == 400


def test_only_fields_that_are_asked_for_are_answered(api: Api, four: None) -> None:
    assert api.get("/dags/a_one", fields="dag_id,is_paused").json == {"dag_id": "a_one", "is_paused": False}
    assert {frozenset(row) for row in api.get("/dags", fields=["dag_id", "tags"]).json["dags"]} == {
        frozenset({"dag_id", "tags"})
    }
    assert api.get("/dags/a_one/details", fields="dag_id,timezone").json.keys() == {"dag_id", "timezone"}
    for path in ("/dags", "/dags/a_one", "/dags/a_one/details"):
        answer = api.get(path, fields="nope")
        assert answer.status == 400
        assert "Invalid fields" in answer.detail


def test_a_page_links_to_the_others(api: Api) -> None:
    for number in range(5):
        DagFactory(dag_id=f"d{number}")
    link = api.get("/dags", limit=2, offset=2, only_active="true").headers["Link"]
    assert {part.partition(";")[2]: part.partition("?")[2].partition(">")[0] for part in link.split(", ")} == {
        ' rel="first"': "only_active=true&limit=2&offset=0",
        ' rel="prev"': "only_active=true&limit=2&offset=0",
        ' rel="next"': "only_active=true&limit=2&offset=4",
        ' rel="last"': "only_active=true&limit=2&offset=4",
    }
    assert "Link" not in api.get("/dags").headers


def test_the_greatest_page_is_configured(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        DagFactory(dag_id=f"d{number}")
    monkeypatch.setenv("AIRFLOW__API__MAXIMUM_PAGE_LIMIT", "3")
    monkeypatch.setenv("AIRFLOW__API__FALLBACK_PAGE_LIMIT", "2")
    assert [len(ids(api.get("/dags", limit=limit))) for limit in (0, 1, 3, 4, 10**9)] == [2, 1, 3, 3, 3]
    assert len(ids(api.get("/dags"))) == 3


@pytest.mark.parametrize("dags", [1, 12])
def test_listing_costs_the_same_for_one_dag_and_for_many(api: Api, dags: int, django_assert_num_queries) -> None:
    api.get("/version", user=None)
    for number in range(dags):
        DagTagFactory(dag=DagFactory(dag_id=f"dag_{number:02}"))
    api.get("/dags")  # remembers the credential
    with django_assert_num_queries(5):  # user, permissions, count, page, tags
        assert api.get("/dags").json["total_entries"] == dags


# ------------------------------------------------------------ pause


def test_a_dag_is_paused_and_unpaused(api: Api, four: None) -> None:
    for is_paused in (True, False):
        answer = api.patch("/dags/a_one", {"is_paused": is_paused}, update_mask="is_paused")
        assert (answer.status, answer.json["is_paused"]) == (200, is_paused)
        assert Dag.objects.get(pk="a_one").is_paused is is_paused
    assert EventLog.objects.filter(event="api.patch_dag", dag_id="a_one", owner="admin").count() == 2


@pytest.mark.parametrize(
    "body", [{}, {"is_paused": "yes"}, {"is_active": False}, {"is_paused": True, "dag_id": "x"}, {"fileloc": "/x"}, []]
)
def test_nothing_else_of_a_dag_is_changed(api: Api, four: None, body) -> None:
    before = Dag.objects.filter(pk="a_one").values().get()
    assert api.patch("/dags/a_one", body).status == 400
    assert Dag.objects.filter(pk="a_one").values().get() == before


@pytest.mark.parametrize("mask", ["tags", "is_paused,tags", "", "nope"])
def test_other_masks_are_refused(api: Api, four: None, mask: str) -> None:
    assert api.patch("/dags/a_one", {"is_paused": True}, update_mask=mask).status == 400
    assert Dag.objects.get(pk="a_one").is_paused is False


def test_many_dags_are_paused_at_once(api: Api, four: None) -> None:
    answer = api.patch("/dags", {"is_paused": True}, dag_id_pattern="a_")
    assert ids(answer) == ["a_one", "a_two"]
    assert set(Dag.objects.filter(is_paused=True).values_list("pk", flat=True)) == {"a_one", "a_two"}
    assert ids(api.patch("/dags", {"is_paused": False}, dag_id_pattern="~")) == ["B_three", "a_one", "a_two"]
    assert ids(api.patch("/dags", {"is_paused": True}, dag_id_pattern="~", tags="y", only_active="false")) == [
        "B_three",
        "gone",
    ]
    assert api.patch("/dags", {"is_paused": True}).status == 400


def test_who_may_edit_one_dag_pauses_that_one_only(api: Api, d1only: User) -> None:
    for name in ("d1", "d2", "d11"):
        make_dag("t", dag_id=name)
    assert ids(api.patch("/dags", {"is_paused": True}, dag_id_pattern="d", user="d1only")) == ["d1"]
    assert set(Dag.objects.filter(is_paused=True).values_list("pk", flat=True)) == {"d1"}
    assert api.patch("/dags/d2", {"is_paused": True}, user="d1only").status == 403
    assert ids(api.get("/dags", user="d1only")) == ["d1"]


# ------------------------------------------------------------ details, delete


def test_details_add_what_the_file_says(api: Api) -> None:
    make_dag(serialized("t", dag_id="d1", catchup=True, params={"p": {"value": 1, "schema": {"type": "integer"}}}))
    row = api.get("/dags/d1/details").json
    assert set(row) > MEMBERS
    assert row["catchup"] is True
    assert row["params"]["p"]["value"] == 1
    assert api.get("/dags/nowhere/details").status == 404
    DagFactory(dag_id="bare")
    assert api.get("/dags/bare/details").status == 404


def test_a_deleted_dag_takes_all_of_its_own_along(api: Api) -> None:
    run = make_run(make_dag("t", dag_id="d1"), {"t": "success"})
    other = make_run(make_dag("t", dag_id="d10"), {"t": "success"})
    answer = api.delete("/dags/d1")
    assert (answer.status, answer.content) == (204, b"")
    assert list(Dag.objects.values_list("pk", flat=True)) == ["d10"]
    assert list(DagRun.objects.values_list("pk", flat=True)) == [other.pk]
    assert not TaskInstance.objects.filter(run_id=run.pk).exists()
    assert EventLog.objects.filter(event="api.delete_dag", dag_id="d1").exists()
    assert (api.delete("/dags/d1").status, api.get(path_of(run)).status) == (404, 404)


@pytest.mark.parametrize("state", ["running", "restarting"])
def test_a_dag_that_runs_is_not_deleted(api: Api, state: str) -> None:
    make_run(make_dag("t", dag_id="d1"), {"t": state})
    answer = api.delete("/dags/d1")
    assert (answer.status, answer.type) == (409, "application/problem+json")
    assert DagRun.objects.exists()


@pytest.mark.parametrize("dag_id", ["d.1", "d-1", "d_1", "ünï", "d 1"])
def test_dag_ids_of_other_signs_are_found(api: Api, dag_id: str) -> None:
    make_dag("t", dag_id=dag_id)
    assert api.get(f"/dags/{dag_id}").json["dag_id"] == dag_id
    assert api.patch(f"/dags/{dag_id}", {"is_paused": True}).json["is_paused"] is True
