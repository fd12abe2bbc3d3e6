"""DAG runs: list, trigger, get, mark, clear, note, delete."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connection

from api_v1.pagination import HARD_LIMIT
from orchestration.models import DagRun, Dataset, DatasetEvent, EventLog, TaskInstance, User
from orchestration.serialization.values import SerializedDag
from orchestration.services import dag_runs
from tests.api_v1.conftest import Api, path_of
from tests.factories import XComFactory, make_dag, make_run, serialized, states_of

DATE = datetime(2024, 1, 1, tzinfo=UTC)
MEMBERS = {
    "dag_run_id", "run_id", "dag_id", "logical_date", "execution_date", "start_date", "end_date",
    "data_interval_start", "data_interval_end", "last_scheduling_decision", "run_type", "state", "external_trigger",
    "conf", "note",
}  # fmt: skip


def ids(answer) -> list[str]:
    return [row["dag_run_id"] for row in answer.json["dag_runs"]]


# ------------------------------------------------------------ reading


def test_a_run_is_answered_with_every_member(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"), logical_date=DATE, run_id="r", conf={"x": [1, None]}, note="seen")
    row = api.get(path_of(run)).json
    assert set(row) == MEMBERS
    assert row["dag_run_id"] == row["run_id"] == "r"
    assert row["logical_date"] == row["execution_date"] == "2024-01-01T00:00:00+00:00"
    assert (row["state"], row["run_type"], row["external_trigger"]) == ("running", "manual", True)
    assert (row["conf"], row["note"], row["end_date"]) == ({"x": [1, None]}, "seen", None)


def test_moments_are_answered_to_the_microsecond_and_only_then(api: Api) -> None:
    dag = make_dag("a", dag_id="d1")
    moments = {"whole": 0, "milli": 5000, "micro": 1, "tenth": 100_000}
    for name, micro in moments.items():
        make_run(dag, logical_date=DATE + timedelta(microseconds=micro), run_id=name)
    answered = {row["run_id"]: row["logical_date"] for row in api.get("/dags/d1/dagRuns").json["dag_runs"]}
    assert answered == {
        "whole": "2024-01-01T00:00:00+00:00",
        "milli": "2024-01-01T00:00:00.005000+00:00",
        "micro": "2024-01-01T00:00:00.000001+00:00",
        "tenth": "2024-01-01T00:00:00.100000+00:00",
    }
    for name, moment in answered.items():
        assert api.get(f"/dags/d1/dagRuns/{name}").json["logical_date"] == moment


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "a b c"),
        ({"order_by": "-execution_date"}, "c b a"),
        ({"order_by": "state"}, "a b c"),
        ({"order_by": "-state"}, "c b a"),
        ({"order_by": "-dag_run_id", "limit": 2}, "c b"),
        ({"limit": 1, "offset": 1}, "b"),
        ({"offset": 9}, ""),
        ({"state": "failed"}, "a"),
        ({"state": ["failed", "running"]}, "a b"),
        ({"state": "failed,success"}, "a c"),
        ({"state": "nothing"}, ""),
        ({"execution_date_gte": "2024-01-02T00:00:00Z"}, "b c"),
        ({"execution_date_lte": "2024-01-02T00:00:00+00:00"}, "a b"),
        ({"execution_date_gte": "2024-01-02T00:00:00.000001Z"}, "c"),
        ({"execution_date_gte": "2024-01-01T01:00:00-23:00"}, "b c"),  # an offset that PostgreSQL does not read
        ({"execution_date_gte": "2024-01-02T01:00:00+01:00", "execution_date_lte": "2024-01-02T00:00:00Z"}, "b"),
        ({"start_date_gte": "2024-02-02T00:00:00Z"}, "b"),
        ({"end_date_lte": "2024-03-01T00:00:00Z"}, "a"),
        ({"updated_at_gte": "2999-01-01T00:00:00Z"}, ""),
    ],
)
def test_lists_are_filtered_ordered_and_cut(api: Api, query, expected) -> None:
    dag = make_dag("t", dag_id="d1")
    for number, (name, state) in enumerate((("a", "failed"), ("b", "running"), ("c", "success"))):
        run = make_run(dag, logical_date=DATE + timedelta(days=number), run_id=name, state=state)
        started = {"a": datetime(2024, 2, 1, tzinfo=UTC), "b": datetime(2024, 2, 2, tzinfo=UTC)}.get(name)
        DagRun.objects.filter(pk=run.pk).update(
            start_date=started, end_date=datetime(2024, 3, 1, tzinfo=UTC) if name == "a" else None
        )
    make_run(make_dag("t", dag_id="d2"), logical_date=DATE, run_id="other")
    answer = api.get("/dags/d1/dagRuns", **query)
    assert ids(answer) == expected.split()
    unpaged = {name: value for name, value in query.items() if name not in {"limit", "offset"}}
    assert answer.json["total_entries"] == len(ids(api.get("/dags/d1/dagRuns", **unpaged)))


def test_all_pages_together_are_the_list_once(api: Api) -> None:
    dag = make_dag("t", dag_id="d1")
    for number in range(7):
        make_run(dag, run_id=f"r{number}", state="success")  # all equal in the order that is asked for
    for order in ("state", "-state", "end_date", "-end_date"):
        pages = [ids(api.get("/dags/d1/dagRuns", limit=2, offset=at, order_by=order)) for at in range(0, 8, 2)]
        assert sorted(name for page in pages for name in page) == [f"r{number}" for number in range(7)]


def test_runs_without_an_end_come_where_postgresql_places_them(api: Api) -> None:
    dag = make_dag("t", dag_id="d1")
    make_run(dag, run_id="open")
    make_run(dag, run_id="ended", state="success", end_date=DATE)
    assert ids(api.get("/dags/d1/dagRuns", order_by="end_date")) == ["ended", "open"]
    assert ids(api.get("/dags/d1/dagRuns", order_by="-end_date")) == ["open", "ended"]


def test_only_fields_that_are_asked_for_are_answered(api: Api) -> None:
    run = make_run(make_dag("t", dag_id="d1"), run_id="r")
    assert api.get(path_of(run), fields="dag_run_id,state").json == {"dag_run_id": "r", "state": "running"}
    listed = api.get("/dags/d1/dagRuns", fields=["execution_date", "note"]).json["dag_runs"]
    assert [set(row) for row in listed] == [{"execution_date", "note"}]
    for path in (path_of(run), "/dags/d1/dagRuns"):
        answer = api.get(path, fields="dag_run_id,nope")
        assert (answer.status, answer.detail) == (400, "nope not in DAGRunSchema")


def test_the_batch_lists_runs_of_several_dags(api: Api) -> None:
    for name in ("d1", "d2", "d3"):
        dag = make_dag("t", dag_id=name)
        make_run(dag, logical_date=DATE, run_id=f"{name}_old", state="success")
        make_run(dag, logical_date=DATE + timedelta(days=1), run_id=f"{name}_new", state="failed")

    def asked(**form):
        answer = api.post("/dags/~/dagRuns/list", form)
        assert answer.status == 200, answer
        return ids(answer), answer.json["total_entries"]

    assert asked()[1] == 6
    assert asked(dag_ids=["d1", "d3"], order_by="-dag_run_id") == (["d3_old", "d3_new", "d1_old", "d1_new"], 4)
    assert asked(states=["failed"], page_limit=2, page_offset=1, order_by="dag_run_id") == (["d2_new", "d3_new"], 3)
    assert asked(execution_date_lte="2024-01-01T00:00:00Z", dag_ids=["d2"]) == (["d2_old"], 1)
    assert asked(dag_ids=["nowhere"]) == ([], 0)
    assert asked(page_limit=HARD_LIMIT * 10)[1] == 6
    assert asked(dag_ids=["d2"], updated_at_gte=None, updated_at_lte=None)[1] == 2
    for bad in (
        {"execution_date_gte": None},
        {"page_limit": 0},
        {"page_offset": -1},
        {"dag_ids": "d1"},
        {"unknown": 1},
        {"order_by": "nope"},
    ):
        assert api.post("/dags/~/dagRuns/list", bad).status == 400, bad


@pytest.mark.parametrize("order_by", ["start_date", "-start_date", "-end_date", "-state", "-external_trigger"])
def test_equal_runs_come_as_they_were_made_in_both_directions(api: Api, order_by: str) -> None:
    dag = make_dag("t", dag_id="d1")
    made = [make_run(dag, run_id=name, state="queued", start_date=None).run_id for name in ("c", "a", "b")]
    assert ids(api.get("/dags/d1/dagRuns", order_by=order_by)) == made


@pytest.mark.parametrize("runs", [2, 30])
def test_a_list_costs_the_same_for_few_and_many_runs(api: Api, runs: int, django_assert_max_num_queries) -> None:
    dag = make_dag("a >> b", dag_id="d1")
    for number in range(runs):
        make_run(dag, run_id=f"r{number}")
    api.get("/dags/d1/dagRuns")
    with django_assert_max_num_queries(4):
        assert len(api.get("/dags/d1/dagRuns").json["dag_runs"]) == runs


# ------------------------------------------------------------ trigger


def test_a_triggered_run_is_queued_with_its_task_instances(api: Api) -> None:
    make_dag("a >> b", dag_id="d1")
    answer = api.post("/dags/d1/dagRuns", {"conf": {"k": "v"}, "note": "why"})
    assert answer.status == 200
    assert set(answer.json) == MEMBERS
    assert (answer.json["state"], answer.json["conf"], answer.json["note"]) == ("queued", {"k": "v"}, "why")
    assert answer.json["dag_run_id"] == f"manual__{answer.json['logical_date']}"
    run = DagRun.objects.get()
    assert states_of(run) == {"a": "", "b": ""}
    assert (run.triggered_by.username, run.note_author.username) == ("admin", "admin")
    assert run.data_interval_start == run.data_interval_end == run.logical_date


def test_a_run_s_date_and_interval_may_be_given(api: Api) -> None:
    make_dag("a", dag_id="d1")
    sent = {
        "dag_run_id": "mine",
        "logical_date": "2024-05-01T02:00:00+02:00",
        "data_interval_start": "2024-04-01T00:00:00Z",
        "data_interval_end": "2024-05-01T00:00:00Z",
    }
    answer = api.post("/dags/d1/dagRuns", sent).json
    assert answer["dag_run_id"] == "mine"
    stored = api.get("/dags/d1/dagRuns/mine").json
    assert stored["logical_date"] == "2024-05-01T00:00:00+00:00"
    assert stored["data_interval_start"] == "2024-04-01T00:00:00+00:00"
    assert stored["data_interval_end"] == "2024-05-01T00:00:00+00:00"


def test_a_scheduled_dag_s_manual_run_takes_the_last_full_interval(api: Api) -> None:
    daily = {"type": "cron_data_interval", "expression": "0 0 * * *", "timezone": "UTC"}
    make_dag(serialized("a", dag_id="d1", timetable=daily))
    answer = api.post("/dags/d1/dagRuns", {"logical_date": "2024-05-01T12:00:00Z"})
    assert answer.status == 200, answer
    assert answer.json["data_interval_start"] == "2024-04-30T00:00:00+00:00"
    assert answer.json["data_interval_end"] == "2024-05-01T00:00:00+00:00"


def test_a_timetable_of_another_release_is_told_of(api: Api) -> None:
    make_dag(serialized("a", dag_id="d1", timetable={"type": "of another release"}))
    answer = api.post("/dags/d1/dagRuns", {})
    assert answer.status == 400
    assert "Parse the DAG's file again." in answer.detail


@pytest.mark.parametrize("run_id", ["a", "A-b_c.d~e:f+g", "manual__2024-01-01T00:00:00+00:00", "x" * 250])
def test_run_ids_that_are_taken(api: Api, run_id: str) -> None:
    make_dag("a", dag_id="d1")
    answer = api.post("/dags/d1/dagRuns", {"dag_run_id": run_id})
    assert (answer.status, answer.json["dag_run_id"]) == (200, run_id)
    assert api.get(f"/dags/d1/dagRuns/{quote(run_id)}").status == 200


def test_an_empty_run_id_is_made_from_the_date(api: Api) -> None:
    make_dag("a", dag_id="d1")
    answer = api.post("/dags/d1/dagRuns", {"dag_run_id": "", "logical_date": "2024-01-01T00:00:00Z"})
    assert (answer.status, answer.json["dag_run_id"]) == (200, "manual__2024-01-01T00:00:00+00:00")


@pytest.mark.parametrize(
    "run_id",
    [
        "..", ".", "~", "a/b", "../../etc", "a b", "ä", "a\nb", "a\tb", "%2e%2e", "x" * 251, "a\\b", "<b>", "{{x}}",
        "a;b", "\u202eabc", "scheduled__x", "backfill__x", "dataset_triggered__x",
    ],
)  # fmt: skip
def test_run_ids_that_are_refused(api: Api, run_id: str) -> None:
    make_dag("a", dag_id="d1")
    assert api.post("/dags/d1/dagRuns", {"dag_run_id": run_id}).status == 400
    assert not DagRun.objects.exists()


@pytest.mark.parametrize(
    "sent",
    [
        [], {"nope": 1}, {"dag_run_id": 5}, {"dag_run_id": None}, {"logical_date": None}, {"logical_date": "yesterday"},
        {"logical_date": "2024-01-01T00:00:00"}, {"logical_date": "2024-13-01T00:00:00Z"}, {"logical_date": 5},
        {"logical_date": "2024-01-01T00:00:00Z", "execution_date": "2024-01-02T00:00:00Z"}, {"conf": []},
        {"conf": "x"}, {"conf": None}, {"note": "x" * 1001}, {"note": 5}, {"state": "success"}, {"dag_id": "d2"},
        {"data_interval_start": "2024-01-01T00:00:00Z"}, {"data_interval_end": "2024-01-01T00:00:00Z"},
        {"run_type": "scheduled"}, {"start_date": "2024-01-01T00:00:00Z"}, {"external_trigger": False},
    ],
)  # fmt: skip
def test_a_bad_form_makes_no_run(api: Api, sent) -> None:
    make_dag("a", dag_id="d1")
    answer = api.post("/dags/d1/dagRuns", sent)
    assert answer.status == 400, answer
    assert answer.type == "application/problem+json"
    assert not DagRun.objects.exists()


def test_a_second_run_of_a_date_or_an_id_is_a_conflict(api: Api) -> None:
    make_run(make_dag("a", dag_id="d1"), logical_date=DATE, run_id="r")
    make_dag("a", dag_id="d2")
    again = api.post("/dags/d1/dagRuns", {"dag_run_id": "other", "logical_date": "2024-01-01T00:00:00Z"})
    assert (again.status, again.detail) == (
        409,
        "DAGRun with DAG ID: 'd1' and DAGRun logical date: '2024-01-01 00:00:00+00:00' already exists",
    )
    again = api.post("/dags/d1/dagRuns", {"dag_run_id": "r"})
    assert (again.status, again.detail) == (409, "DAGRun with DAG ID: 'd1' and DAGRun ID: 'r' already exists")
    assert api.post("/dags/d2/dagRuns", {"dag_run_id": "r", "logical_date": "2024-01-01T00:00:00Z"}).status == 200


def test_what_is_not_a_dag_is_not_triggered(api: Api) -> None:
    make_dag("a", dag_id="gone", is_active=False)
    make_dag("a", dag_id="broken", has_import_errors=True)
    assert (api.post("/dags/nowhere/dagRuns", {}).status, api.post("/dags/gone/dagRuns", {}).status) == (404, 404)
    broken = api.post("/dags/broken/dagRuns", {})
    assert (broken.status, broken.title, broken.detail) == (
        400,
        "DAG cannot be triggered",
        "The file of broken cannot be imported. Mend it first.",
    )


def with_params(**params) -> SerializedDag:
    return serialized("a", dag_id="d1", params=params)


@pytest.mark.parametrize(
    ("conf", "status"),
    [({}, 400), ({"n": 3}, 200), ({"n": "3"}, 400), ({"n": 3, "free": [1]}, 200), ({"n": 3, "t": 5}, 400)],
)
def test_conf_must_fit_the_params(api: Api, conf, status) -> None:
    make_dag(
        with_params(
            n={"is_required": True, "schema": {"type": "integer"}}, t={"value": "x", "schema": {"type": "string"}}
        )
    )
    assert api.post("/dags/d1/dagRuns", {"conf": conf}).status == status


@pytest.mark.django_db(transaction=True)
def test_of_two_triggers_of_one_date_at_once_one_is_made(api: Api) -> None:
    make_dag("a", dag_id="d1")
    answers: list[int] = []
    ready = threading.Barrier(4)

    def trigger() -> None:
        try:
            other = Api()
            ready.wait(10)
            answers.append(other.post("/dags/d1/dagRuns", {"logical_date": "2024-01-01T00:00:00Z"}).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=trigger) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == [200, 409, 409, 409]
    assert DagRun.objects.count() == 1
    assert TaskInstance.objects.count() == 1


# ------------------------------------------------------------ mark, clear, note, delete


def test_a_run_s_state_is_set_with_that_of_its_tasks(api: Api) -> None:
    dag = make_dag("a >> b >> c", dag_id="d1")
    run = make_run(dag, {"a": "success", "b": "running"})
    answer = api.patch(path_of(run), {"state": "failed"})
    assert (answer.status, answer.json["state"]) == (200, "failed")
    assert states_of(run) == {"a": "success", "b": "failed", "c": "skipped"}
    assert api.patch(path_of(run), {"state": "success"}).json["state"] == "success"
    assert states_of(run) == {"a": "success", "b": "success", "c": "success"}
    answer = api.patch(path_of(run), {"state": "queued"}).json
    assert (answer["state"], answer["start_date"], answer["end_date"]) == ("queued", None, None)


@pytest.mark.parametrize("sent", [{}, {"state": "running"}, {"state": None}, {"state": "nope"}, {"note": "x"}, []])
def test_other_states_are_refused(api: Api, sent) -> None:
    run = make_run(make_dag("a", dag_id="d1"), {"a": "running"})
    assert api.patch(path_of(run), sent).status == 400
    assert states_of(run) == {"a": "running"}


def test_clearing_a_run_tells_first_and_then_does(api: Api) -> None:
    run = make_run(make_dag("a >> b", dag_id="d1"), {"a": "success", "b": "failed"}, state="failed", run_id="r")
    told = api.post(f"{path_of(run)}/clear", {})
    assert [row["task_id"] for row in told.json["task_instances"]] == ["a", "b"]
    assert set(told.json["task_instances"][0]) == {"task_id", "dag_id", "dag_run_id", "execution_date"}
    assert states_of(run) == {"a": "success", "b": "failed"}
    done = api.post(f"{path_of(run)}/clear", {"dry_run": False})
    assert (done.json["dag_run_id"], done.json["state"]) == ("r", "queued")
    assert states_of(run) == {"a": "", "b": ""}


def test_a_note_is_written_and_taken_back(api: Api) -> None:
    run = make_run(make_dag("a", dag_id="d1"))
    assert api.patch(f"{path_of(run)}/setNote", {"note": "one\ntwo ✓"}).json["note"] == "one\ntwo ✓"
    assert api.get(path_of(run)).json["note"] == "one\ntwo ✓"
    assert api.patch(f"{path_of(run)}/setNote", {"note": ""}).json["note"] == ""
    for bad in ({}, {"note": 5}, {"note": "x" * 1001}, {"note": "x", "state": "failed"}):
        assert api.patch(f"{path_of(run)}/setNote", bad).status == 400, bad


def test_a_deleted_run_leaves_nothing_but_the_log_of_it(api: Api) -> None:
    dag = make_dag("a >> b", dag_id="d1")
    run, kept = make_run(dag, run_id="r"), make_run(dag, run_id="kept")
    XComFactory(task_instance=run.task_instances.first())
    event = DatasetEvent.objects.create(dataset=Dataset.objects.create(uri="s3://x"))
    event.created_dag_runs.add(run)
    answer = api.delete(path_of(run))
    assert (answer.status, answer.content) == (204, b"")
    assert list(DagRun.objects.values_list("run_id", flat=True)) == ["kept"]
    assert set(TaskInstance.objects.values_list("run_id", flat=True)) == {kept.pk}
    assert DatasetEvent.objects.count() == 1
    logged = EventLog.objects.get(event="api.delete_dag_run")
    assert (logged.dag_id, logged.run_id, logged.owner) == ("d1", "r", "admin")
    assert api.delete(path_of(run)).status == 404


def test_the_dataset_events_that_made_a_run(api: Api, d1only: User) -> None:
    make_dag("a", dag_id="d2")
    run = make_run(make_dag("a", dag_id="d1"))
    dataset = Dataset.objects.create(uri="s3://x")
    for source in ("d1", "d2"):
        DatasetEvent.objects.create(
            dataset=dataset, source_dag_id=source, source_task_id="a", source_run_id="s"
        ).created_dag_runs.add(run)
    answer = api.get(f"{path_of(run)}/upstreamDatasetEvents").json
    assert answer["total_entries"] == 2
    assert {event["source_dag_id"] for event in answer["dataset_events"]} == {"d1", "d2"}
    assert answer["dataset_events"][0]["created_dagruns"][0]["dag_run_id"] == run.run_id
    mine = api.get(f"{path_of(run)}/upstreamDatasetEvents", user="d1only")
    assert b"d2" not in mine.content


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "", None), ("PATCH", "", {"state": "success"}), ("DELETE", "", None), ("POST", "/clear", {}),
        ("PATCH", "/setNote", {"note": "x"}), ("GET", "/upstreamDatasetEvents", None),
    ],
)  # fmt: skip
def test_a_run_of_another_dag_is_not_found_under_this_one(api: Api, d1only: User, method, tail, body) -> None:
    make_dag("a", dag_id="d1")
    other = make_run(make_dag("a", dag_id="d2"), run_id="secret")
    before = states_of(other)
    for user in ("admin", "d1only"):
        answer = api.send(method, f"/dags/d1/dagRuns/secret{tail}", body, user=user)
        assert answer.status == 404, answer
        assert answer.type == "application/problem+json"
    other.refresh_from_db()
    assert (states_of(other), other.state, other.note) == (before, "running", None)


def test_a_body_cannot_lead_to_another_dag(api: Api, d1only: User) -> None:
    make_dag("a", dag_id="d1")
    make_run(make_dag("a", dag_id="d2"), run_id="secret", logical_date=DATE)
    listed = api.post("/dags/~/dagRuns/list", {"dag_ids": ["d2", "d1"]}, user="d1only")
    assert listed.json == {"dag_runs": [], "total_entries": 0}
    assert api.get("/dags/~/dagRuns", user="d1only").json["total_entries"] == 0
    assert api.post("/dags/d2/dagRuns", {}, user="d1only").status == 403


def test_a_clear_follows_a_marker_only_where_the_caller_may_edit(api: Api, d1only: User) -> None:
    marker = {"task_type": "ExternalTaskMarker", "external_dag": {"kind": "marker", "dag_id": "d2", "task_id": "x"}}
    run = make_run(
        make_dag(serialized("m", dag_id="d1", tasks={"m": marker})), {"m": "success"}, logical_date=DATE, run_id="r"
    )
    TaskInstance.objects.filter(run=run).update(operator="ExternalTaskMarker")
    other = make_run(make_dag("x", dag_id="d2"), {"x": "success"}, logical_date=DATE, state="success")
    body = {"dry_run": False, "dag_run_id": "r", "include_subdags": True, "only_failed": False, "task_ids": ["m"]}
    for path, form in ((f"{path_of(run)}/clear", {"dry_run": False}), ("/dags/d1/clearTaskInstances", body)):
        TaskInstance.objects.update(state="success")
        assert api.post(path, {**form, "dry_run": True}, user="d1only").json["task_instances"] == [
            {"task_id": "m", "dag_id": "d1", "dag_run_id": "r", "execution_date": "2024-01-01T00:00:00+00:00"}
        ]
        assert api.post(path, form, user="d1only").status == 200
        assert (states_of(run), states_of(other)) == ({"m": ""}, {"x": "success"})
        TaskInstance.objects.update(state="success")
        assert api.post(path, form).status == 200
        assert (states_of(run), states_of(other)) == ({"m": ""}, {"x": ""})


def test_a_refused_trigger_is_in_the_audit_log(api: Api) -> None:
    make_dag("a", dag_id="d1")
    assert api.post("/dags/d1/dagRuns", {"dag_run_id": "a/b", "conf": {"password": "S3CRET"}}).status == 400
    logged = EventLog.objects.filter(event="api.post_dag_run").last()
    assert logged is not None
    assert (logged.dag_id, logged.owner) == ("d1", "admin")
    assert "S3CRET" not in (logged.extra or "")


def test_the_audit_log_tells_of_a_trigger_only_what_its_address_and_body_say(api: Api) -> None:
    make_dag("a", dag_id="d1")
    body = {"dag_run_id": "mine", "logical_date": "2022-11-11T00:00:00Z"}
    assert api.post("/dags/d1/dagRuns", body).status == 200
    api.patch("/dags/d1/dagRuns/mine/setNote", {"note": "n"})
    made, noted = api.get("/eventLogs", dag_id="d1", order_by="event_log_id").json["event_logs"]
    assert (made["event"], made["run_id"], made["execution_date"]) == ("api.post_dag_run", None, None)
    assert json.loads(made["extra"]) == body
    assert api.get("/eventLogs", run_id="mine").json["event_logs"] == [noted]


def test_services_are_all_or_nothing(api: Api, monkeypatch) -> None:
    dag = make_dag("a", dag_id="d1")

    def fail(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr(DagRun, "create_task_instances", fail)
    with pytest.raises(RuntimeError):
        dag_runs.trigger(dag, actor=User.objects.get(username="admin"))
    assert not DagRun.objects.exists()
    assert not EventLog.objects.filter(event__endswith="post_dag_run").exists()
