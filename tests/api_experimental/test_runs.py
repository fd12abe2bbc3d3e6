"""Runs: trigger, list, state of a date, the latest of each DAG."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from orchestration.models import DagRun, EventLog
from tests.factories import DagRunFactory, make_dag, make_run

DATE = datetime(2022, 1, 1, tzinfo=UTC)
NO_DATE = "could not be identified as a date. Example date format: 2015-11-16T14:34:15+00:00"


@pytest.fixture
def dag(db):
    return make_dag(dag_id="d1", is_paused=True)


def test_a_run_is_made_with_id_date_and_conf(call, dag):
    body = {"run_id": "r1", "execution_date": "2022-01-01T00:00:00+00:00", "conf": {"a": 1}}
    answer = call("POST", "/dags/d1/dag_runs", body)
    assert answer.status_code == 200
    run = DagRun.objects.get()
    assert (run.run_id, run.logical_date, run.conf, run.state, run.external_trigger) == (
        "r1",
        DATE,
        {"a": 1},
        "queued",
        True,
    )
    assert run.task_instances.count() == 1
    assert run.triggered_by.username == "admin"
    assert answer.json() == {
        "message": "Created <DagRun d1 @ 2022-01-01 00:00:00+00:00: r1, state:queued, "
        f"queued_at: {run.queued_at}. externally triggered: True>",
        "execution_date": "2022-01-01T00:00:00+00:00",
        "run_id": "r1",
    }


def test_a_trigger_is_in_the_audit_log(call, dag):
    call("POST", "/dags/d1/dag_runs", {"run_id": "r1", "conf": {"password": "S3CRET"}})
    entry = EventLog.objects.get(event="api.post_dag_run")
    assert (entry.owner, entry.dag_id, entry.run_id) == ("admin", "d1", "r1")
    assert "S3CRET" not in entry.extra


def test_a_refused_trigger_is_in_the_audit_log_too(call, dag):
    call("POST", "/dags/d1/dag_runs", {"run_id": "r1", "execution_date": "2022-01-01"})
    call("POST", "/dags/d1/dag_runs", {"run_id": "r1", "execution_date": "2022-01-01"})
    assert EventLog.objects.filter(event="api.post_dag_run", dag_id="d1").count() == 2


@pytest.mark.parametrize("conf", ['{"key": "value"}', {"key": "value"}])
def test_conf_may_be_an_object_or_json_text_of_one(call, dag, conf):
    assert call("POST", "/dags/d1/dag_runs", {"conf": conf}).status_code == 200
    assert DagRun.objects.get().conf == {"key": "value"}


def test_conf_may_be_null(call, dag):
    assert call("POST", "/dags/d1/dag_runs", {"conf": None}).status_code == 200
    assert DagRun.objects.get().conf == {}


@pytest.mark.parametrize("conf", [[1], "text", "[1]", 5, True, "null x", ""])
def test_conf_of_another_type_is_refused(call, dag, conf):
    answer = call("POST", "/dags/d1/dag_runs", {"conf": conf})
    assert answer.status_code == 400
    assert answer.json() == {"error": "Dag Run conf must be a dictionary object, other types are not supported"}
    assert not DagRun.objects.exists()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2022-01-04T00:00:00", "2022-01-04T00:00:00+00:00"),
        ("2022-01-04", "2022-01-04T00:00:00+00:00"),
        ("2022-01-05T00:00:00Z", "2022-01-05T00:00:00+00:00"),
        ("20220305T010203", "2022-03-05T01:02:03+00:00"),
        ("2022-03-05 01:02", "2022-03-05T01:02:00+00:00"),
        ("2022-01-03T03:04:05.678901+00:00", "2022-01-03T03:04:05.678901+00:00"),
        ("2022-02-07T00:00:00+02:00", "2022-02-07T00:00:00+02:00"),
        ("2019-02-11", "2019-02-11T00:00:00+00:00"),
    ],
)
def test_dates_are_read_as_the_reference_reads_them(call, dag, text, moment):
    answer = call("POST", "/dags/d1/dag_runs", {"execution_date": text})
    assert (answer.status_code, answer.json()["execution_date"]) == (200, moment)
    assert answer.json()["run_id"] == f"manual__{moment}"
    assert DagRun.objects.get().logical_date == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    "text", ["not a date", "", "10000-01-01", "0001-01-01T00:00:00+10:00", 5, True, [], {}, "1" * 5000, "P1D"]
)
def test_what_is_no_date_is_refused(call, dag, text):
    answer = call("POST", "/dags/d1/dag_runs", {"execution_date": text})
    assert answer.status_code == 400
    assert NO_DATE in answer.json()["error"]


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"execution_date": "2022-01-02T03:04:05.678901"}, 678901),
        ({"execution_date": "2022-01-02T03:04:05.678901", "replace_microseconds": "true"}, 0),
        ({"execution_date": "2022-01-02T03:04:05.678901", "replace_microseconds": "TRUE"}, 0),
        ({"execution_date": "2022-01-02T03:04:05.678901", "replace_microseconds": "1"}, 0),
        ({"execution_date": "2022-01-02T03:04:05.678901", "replace_microseconds": True}, 0),
        ({"execution_date": "2022-01-02T03:04:05.678901", "replace_microseconds": False}, 678901),
        ({"execution_date": "2022-01-02T03:04:05.678901", "replace_microseconds": "false"}, 678901),
        ({"execution_date": "2022-01-02T03:04:05.678901", "replace_microseconds": None}, 678901),
        ({"execution_date": None}, 0),
        ({}, 0),
        ({"replace_microseconds": True}, 0),
    ],
)
def test_microseconds_are_dropped_when_asked_or_without_a_date(call, dag, body, kept):
    assert call("POST", "/dags/d1/dag_runs", body).status_code == 200
    assert DagRun.objects.get().logical_date.microsecond == kept


def test_an_offset_that_no_place_has_is_understood(call, dag):
    answer = call("POST", "/dags/d1/dag_runs", {"execution_date": "2022-01-01T23:30:00+23:30"})
    assert answer.status_code == 200
    assert DagRun.objects.get().logical_date == datetime(2022, 1, 1, tzinfo=UTC)


def test_two_runs_in_one_second_need_their_microseconds(call, dag):
    bodies = [{"replace_microseconds": "false"}] * 2
    assert [call("POST", "/dags/d1/dag_runs", body).status_code for body in bodies] == [200, 200]


def test_two_runs_without_a_date_need_not_differ_by_a_second(call, dag, time_machine):
    time_machine.move_to(DATE + timedelta(microseconds=5), tick=False)
    first = call("POST", "/dags/d1/dag_runs", {})
    time_machine.move_to(DATE + timedelta(microseconds=7), tick=False)
    second = call("POST", "/dags/d1/dag_runs", {})
    assert [first.status_code, second.status_code] == [200, 200]
    assert first.json()["execution_date"] == DATE.isoformat()
    assert second.json()["execution_date"] == (DATE + timedelta(microseconds=7)).isoformat()
    assert second.json()["run_id"] != first.json()["run_id"]


def test_a_run_without_a_date_whose_id_is_taken_is_a_400(call, dag):
    assert call("POST", "/dags/d1/dag_runs", {"run_id": "r1"}).status_code == 200
    again = call("POST", "/dags/d1/dag_runs", {"run_id": "r1"})
    assert (again.status_code, DagRun.objects.count()) == (400, 1)


def test_a_second_run_of_a_date_or_id_is_a_400(call, dag):
    call("POST", "/dags/d1/dag_runs", {"run_id": "r1", "execution_date": "2022-01-01"})
    same_date = call("POST", "/dags/d1/dag_runs", {"execution_date": "2022-01-01"})
    same_id = call("POST", "/dags/d1/dag_runs", {"run_id": "r1", "execution_date": "2022-01-02"})
    assert (same_date.status_code, same_id.status_code) == (400, 400)
    assert same_date.json() == {
        "error": "A DAG Run already exists for DAG d1 at 2022-01-01 00:00:00+00:00 "
        "with run id manual__2022-01-01T00:00:00+00:00"
    }
    assert same_id.json()["error"].endswith("at 2022-01-02 00:00:00+00:00 with run id r1")


def test_an_unknown_dag_is_a_404_after_the_body_was_read(call, dag):
    assert call("POST", "/dags/nope/dag_runs", {"execution_date": "junk"}).status_code == 400
    answer = call("POST", "/dags/nope/dag_runs", {})
    assert (answer.status_code, answer.json()) == (404, {"error": "Dag id nope not found in DagModel"})


@pytest.mark.parametrize(
    "raw", [b"{bad", b"", b"null", b"[]", b'"x"', b"5", b"\xff\xfe", b'{"conf": NaN}', b'{"run_id": "\\ud800"}']
)
def test_a_body_that_is_no_json_object_is_refused(call, dag, raw):
    answer = call("POST", "/dags/d1/dag_runs", raw=raw)
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_the_content_type_does_not_matter(call, dag):
    raw = b'{"run_id": "plain", "execution_date": "2022-01-05T00:00:00Z"}'
    assert call("POST", "/dags/d1/dag_runs", raw=raw).json()["run_id"] == "plain"


def test_nul_and_endless_nesting_are_refused(call, dag):
    deep = b'{"conf": {"a": ' + b"[" * 5000 + b"]" * 5000 + b"}}"
    assert call("POST", "/dags/d1/dag_runs", raw=deep).status_code == 400
    assert call("POST", "/dags/d1/dag_runs", {"conf": {"a": "\0"}}).status_code == 400
    assert call("POST", "/dags/d1/dag_runs", {"conf": json.dumps({"a\0": 1})}).status_code == 400


@pytest.mark.parametrize("run_id", ["..", "~", "a/b", "ü", "x" * 251, "scheduled__x", 5])
def test_a_run_id_that_names_a_folder_or_the_systems_own_runs_is_refused(call, dag, run_id):
    answer = call("POST", "/dags/d1/dag_runs", {"run_id": run_id})
    assert answer.status_code == 400
    assert not DagRun.objects.exists()


@pytest.mark.parametrize("run_id", ["", None])
def test_an_empty_run_id_is_none(call, dag, run_id):
    assert call("POST", "/dags/d1/dag_runs", {"run_id": run_id}).json()["run_id"].startswith("manual__")


def test_params_are_checked(call):
    make_dag(dag_id="p1").current_version_id
    from orchestration.models import Dag, versions
    from tests.factories import add_version, serialized

    graph = serialized(dag_id="p1", params={"needed": {"value": None, "schema": {"type": "integer"}}})
    row = Dag.objects.get(pk="p1")
    row.current_version = add_version(row, graph)
    row.save()
    versions.remember(row.current_version, graph)
    answer = call("POST", "/dags/p1/dag_runs", {"conf": {"needed": "x"}})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Invalid input for param needed")


def test_runs_are_listed_by_date_with_ids_states_and_links(call, dag):
    late = make_run(dag, logical_date=DATE + timedelta(days=1), run_id="late", state="queued", start_date=None)
    early = make_run(dag, logical_date=DATE, run_id="early", start_date=DATE + timedelta(hours=1, microseconds=5))
    answer = call("GET", "/dags/d1/dag_runs")
    assert answer.json() == [
        {
            "id": early.pk,
            "run_id": "early",
            "state": "running",
            "dag_id": "d1",
            "execution_date": "2022-01-01T00:00:00+00:00",
            "start_date": "2022-01-01T01:00:00.000005+00:00",
            "dag_run_url": "/dags/d1/graph?execution_date=2022-01-01+00%3A00%3A00%2B00%3A00",
        },
        {
            "id": late.pk,
            "run_id": "late",
            "state": "queued",
            "dag_id": "d1",
            "execution_date": "2022-01-02T00:00:00+00:00",
            "start_date": "",
            "dag_run_url": "/dags/d1/graph?execution_date=2022-01-02+00%3A00%3A00%2B00%3A00",
        },
    ]


@pytest.mark.parametrize(("state", "found"), [("queued", ["q"]), ("SUCCESS", ["s"]), ("failed", []), ("", ["q", "s"])])
def test_runs_are_filtered_by_state_in_any_case(call, dag, state, found):
    DagRunFactory(dag=dag, run_id="q", state="queued")
    DagRunFactory(dag=dag, run_id="s", state="success")
    assert [run["run_id"] for run in call("GET", f"/dags/d1/dag_runs?state={state}").json()] == found


def test_an_unknown_state_is_a_400(call, dag):
    answer = call("GET", "/dags/d1/dag_runs?state=bogus")
    assert (answer.status_code, "bogus" in answer.json()["error"]) == (400, True)


def test_the_list_of_an_unknown_dag_is_a_400_as_in_the_reference(call, dag):
    answer = call("GET", "/dags/nope/dag_runs")
    assert (answer.status_code, answer.json()) == (400, {"error": "Dag id nope not found in DagModel"})


def test_more_runs_than_one_chunk_are_one_array(call, dag, monkeypatch):
    monkeypatch.setattr("api_experimental.responses._CHUNK", 2)
    DagRunFactory.create_batch(5, dag=dag)
    assert len(call("GET", "/dags/d1/dag_runs").json()) == 5


@pytest.mark.parametrize(
    "text", ["2022-01-01T00:00:00+00:00", "2022-01-01T00%3A00%3A00", "2022-01-01", "2022-01-01T02:00:00%2B02:00"]
)
def test_the_state_of_a_date(call, dag, text):
    make_run(dag, logical_date=DATE, state="success")
    answer = call("GET", f"/dags/d1/dag_runs/{text}")
    assert (answer.status_code, answer.json()) == (200, {"state": "success"})


def test_a_date_must_match_to_the_microsecond(call, dag):
    make_run(dag, logical_date=DATE + timedelta(microseconds=1))
    answer = call("GET", "/dags/d1/dag_runs/2022-01-01T00:00:00")
    assert answer.status_code == 404
    assert answer.json() == {"error": "Dag Run for date 2022-01-01 00:00:00+00:00 not found in dag d1"}


def test_a_bad_date_comes_before_an_unknown_dag(call, dag):
    assert call("GET", "/dags/nope/dag_runs/junk").json() == {"error": f"Given execution date, junk, {NO_DATE}"}
    answer = call("GET", "/dags/nope/dag_runs/2022-01-01")
    assert (answer.status_code, answer.json()) == (404, {"error": "Dag id nope not found in DagModel"})


def test_the_latest_run_of_each_dag_comes_in_one_query(call, people, django_assert_num_queries):
    for name in ("a", "b", "c"):
        dag = make_dag(dag_id=name)
        for day in range(3):
            DagRunFactory(dag=dag, logical_date=DATE + timedelta(days=day), state="queued", start_date=None)
    make_dag(dag_id="never ran")
    call("GET", "/test")  # the credential is known from here on
    with django_assert_num_queries(3):  # the user, what the user holds, the runs
        answer = call("GET", "/latest_runs")
    assert answer.json() == {
        "items": [
            {
                "dag_id": name,
                "execution_date": "2022-01-03T00:00:00+00:00",
                "start_date": "",
                "dag_run_url": f"/dags/{name}/graph?execution_date=2022-01-03+00%3A00%3A00%2B00%3A00",
            }
            for name in ("a", "b", "c")
        ]
    }
