"""Backfills through the API."""

from __future__ import annotations

import pytest

from api_v1.serializers.backfills import BackfillAnswer, BackfillPlanAnswer, PlannedRunAnswer
from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.registry import create_timetable
from orchestration.models import Backfill, Dag, DagRun, EventLog, IdempotencyRecord, User
from tests.api_v1.conftest import Answer, Api
from tests.factories import BackfillFactory, make_dag, make_run, serialized

DAYS = {"from_date": "2024-01-01T00:00:00Z", "to_date": "2024-01-03T00:00:00Z"}
KEY = {"Idempotency-Key": "one"}


def daily(dag_id: str = "d1", **fields) -> Dag:
    timetable = registry.encode(create_timetable("0 0 * * *", "UTC"))
    return make_dag(serialized("a >> b", dag_id=dag_id, timetable=timetable), **fields)


@pytest.fixture
def dag(api: Api) -> Dag:
    return daily()


def order(api: Api, dag_id: str = "d1", *, user: str = "admin", headers=None, **body) -> Answer:
    return api.post("/backfills", {"dag_id": dag_id, **DAYS, **body}, user=user, headers=headers)


# ------------------------------------------------------------ ordering


def test_an_order_makes_the_runs_of_its_dates(api: Api, dag: Dag) -> None:
    answer = order(api, dag_run_conf={"k": 1}, max_active_runs=2)
    assert answer.status == 200, answer
    row = answer.json
    assert set(row) == set(BackfillAnswer().fields)
    backfill = Backfill.objects.get()
    assert row["id"] == backfill.pk
    assert (row["dag_id"], row["max_active_runs"], row["dag_run_conf"]) == ("d1", 2, {"k": 1})
    assert (row["from_date"], row["to_date"]) == ("2024-01-01T00:00:00+00:00", "2024-01-03T00:00:00+00:00")
    assert (row["reprocess_behavior"], row["run_backwards"], row["is_paused"]) == ("none", False, False)
    assert (row["completed_at"], row["cancelled_at"]) == (None, None)
    assert row["dag_run_states"] == {"queued": 3, "running": 0, "success": 0, "failed": 0}
    assert backfill.author.username == "admin"
    assert api.get("/dags/d1/dagRuns").json["total_entries"] == 3
    run = api.get("/dags/d1/dagRuns/backfill__2024-01-02T00:00:00+00:00").json
    assert (run["run_type"], run["state"], run["conf"]) == ("backfill", "queued", {"k": 1})


def test_a_dry_run_lists_the_runs_and_changes_nothing(api: Api, dag: Dag) -> None:
    make_run(dag, {"a": "failed"}, state="failed", logical_date="2024-01-01T00:00:00Z", run_id="old")
    left = list(DagRun.objects.values())
    answer = order(api, dry_run=True, reprocess_behavior="failed", run_backwards=True)
    assert answer.status == 200, answer
    assert set(answer.json) == set(BackfillPlanAnswer().fields)
    rows = answer.json["dag_runs"]
    assert {frozenset(row) for row in rows} == {frozenset(PlannedRunAnswer().fields)}
    assert [(row["dag_run_id"][:20], row["action"]) for row in rows] == [
        ("backfill__2024-01-03", "create"),
        ("backfill__2024-01-02", "create"),
        ("old", "clear"),
    ]
    assert rows[0]["data_interval_end"] == "2024-01-04T00:00:00+00:00"
    assert (answer.json["total_entries"], answer.json["left_as_they_are"]) == (3, 0)
    assert order(api, dry_run=True).json["left_as_they_are"] == 1
    assert (Backfill.objects.count(), list(DagRun.objects.values())) == (0, left)


def test_a_dry_run_tells_what_an_order_then_does(api: Api, dag: Dag) -> None:
    make_run(dag, state="success", logical_date="2024-01-02T00:00:00Z", run_id="old")
    for reprocess in ("none", "completed"):
        told = order(api, dry_run=True, reprocess_behavior=reprocess).json["dag_runs"]
        row = order(api, reprocess_behavior=reprocess).json
        done = set(DagRun.objects.filter(backfill=row["id"]).values_list("run_id", flat=True))
        assert {each["dag_run_id"] for each in told} == done
        Backfill.objects.get(pk=row["id"]).runs.exclude(run_id="old").delete()
        Backfill.objects.all().delete()


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"dag_id": "nowhere"}, 404, "no DAG nowhere"),
        ({"dag_id": ""}, 400, "non-empty"),
        ({"dag_id": None}, 400, "not of type"),
        ({"from_date": None}, 400, "not of type"),
        ({"from_date": "2024-01-01"}, 400, ""),
        ({"to_date": "2023-01-01T00:00:00Z"}, 400, "ends before it begins"),
        ({"to_date": "9998-01-01T00:00:00Z"}, 400, "more than 10000"),
        ({"from_date": "0001-01-01T00:00:00Z"}, 400, ""),
        ({"max_active_runs": 0}, 400, "minimum"),
        ({"max_active_runs": 2**31}, 400, "maximum"),
        ({"max_active_runs": True}, 400, "integer"),
        ({"reprocess_behavior": "all"}, 400, "not one of"),
        ({"dag_run_conf": []}, 400, "object"),
        ({"dry_run": "no"}, 400, "boolean"),
        ({"is_paused": True}, 400, "Unknown field"),
        ({"author": "op"}, 400, "Unknown field"),
    ],
)
def test_what_cannot_be_ordered_is_refused_with_a_sentence(api: Api, dag: Dag, body, status: int, said: str) -> None:
    answer = order(api, **body)
    assert (answer.status, answer.type) == (status, "application/problem+json")
    assert said in str(answer.detail), answer
    assert (Backfill.objects.count(), DagRun.objects.count()) == (0, 0)


@pytest.mark.parametrize("missing", ["dag_id", "from_date", "to_date"])
def test_dag_and_dates_are_needed(api: Api, dag: Dag, missing: str) -> None:
    body = {"dag_id": "d1", **DAYS}
    del body[missing]
    answer = api.post("/backfills", body)
    assert (answer.status, answer.detail) == (400, f"'{missing}' is a required property")


def test_a_second_order_while_one_is_at_work_is_a_conflict(api: Api, dag: Dag) -> None:
    assert order(api).status == 200
    answer = order(api)
    assert (answer.status, answer.type) == (409, "application/problem+json")
    assert "at work" in answer.detail


def test_an_order_that_is_sent_twice_with_a_key_is_one(api: Api, dag: Dag) -> None:
    first, again = (order(api, headers=KEY) for _ in range(2))
    assert (first.status, again.status, again.content) == (200, 200, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert (Backfill.objects.count(), DagRun.objects.count()) == (1, 3)
    assert order(api, headers=KEY, max_active_runs=3).status == 422


def test_an_order_leaves_one_row_in_the_audit_log(api: Api, dag: Dag) -> None:
    order(api)
    order(api)
    rows = EventLog.objects.filter(event="api.post_backfill").values_list("dag_id", "owner")
    assert list(rows) == [("d1", "admin")] * 2


# ------------------------------------------------------------ reading


def test_a_list_is_narrowed_ordered_and_paged(api: Api) -> None:
    for dag_id in ("d1", "d2", "d1"):
        BackfillFactory.create(dag=Dag.objects.filter(pk=dag_id).first() or daily(dag_id))
    Backfill.objects.filter(pk=Backfill.objects.first().pk).update(completed_at="2024-02-01T00:00:00Z")
    ids = list(Backfill.objects.order_by("pk").values_list("pk", flat=True))

    def listed(**query) -> list[int]:
        return [row["id"] for row in api.get("/backfills", **query).json["backfills"]]

    assert listed() == ids
    assert listed(dag_id="d1") == [ids[0], ids[2]]
    assert listed(dag_id="d1,d2") == ids
    assert listed(active="true") == ids[1:]
    assert listed(active="false") == ids[:1]
    assert listed(order_by="-id") == ids[::-1]
    assert listed(order_by="dag_id") == [ids[0], ids[2], ids[1]]
    answer = api.get("/backfills", limit=1, offset=1, dag_id="d1")
    assert ([row["id"] for row in answer.json["backfills"]], answer.json["total_entries"]) == ([ids[2]], 2)
    assert 'rel="prev"' in answer.headers["Link"]
    assert "dag_id=d1" in answer.headers["Link"]


@pytest.mark.parametrize("query", [{"order_by": "author__password"}, {"state": "x"}, {"limit": -1}, {"active": "1"}])
def test_other_parameters_are_refused(api: Api, query) -> None:
    assert api.get("/backfills", **query).status == 400


@pytest.mark.parametrize("number", [1, 5])
def test_listing_costs_the_same_for_one_and_for_many(api: Api, number: int, django_assert_num_queries) -> None:
    for at in range(number):
        backfill = BackfillFactory.create(dag=daily(f"x{at}"))
        make_run(backfill.dag, backfill=backfill, run_type="backfill")
    api.get("/backfills")
    with django_assert_num_queries(5):  # caller, permissions, count, page, states of runs
        assert api.get("/backfills").json["total_entries"] == number


def test_one_is_read_with_how_far_it_is_and_a_tag_of_that(api: Api, dag: Dag) -> None:
    pk = order(api).json["id"]
    first = api.get(f"/backfills/{pk}")
    assert first.json["dag_run_states"]["queued"] == 3
    tag = {"If-None-Match": first.headers["ETag"]}
    assert api.get(f"/backfills/{pk}", headers=tag).status == 304
    DagRun.objects.filter(logical_date__day=1).update(state="running")
    answer = api.get(f"/backfills/{pk}", headers=tag)
    assert (answer.status, answer.json["dag_run_states"]["running"]) == (200, 1)


@pytest.mark.parametrize("path", ["/backfills/99", "/backfills/999999999999999999"])
def test_a_missing_one_is_a_404(api: Api, path: str) -> None:
    answer = api.get(path)
    assert (answer.status, answer.title) == (404, "Backfill not found")
    for verb in ("cancel", "pause", "unpause"):
        assert api.post(f"{path}/{verb}").status == 404


@pytest.mark.parametrize("path", ["/backfills/x", "/backfills/-1", "/backfills/1.0", "/backfills/"])
def test_an_address_without_a_number_is_a_404(api: Api, path: str) -> None:
    assert api.get(path).status == 404


# ------------------------------------------------------------ stopping


def test_one_is_paused_goes_on_and_is_cancelled(api: Api, dag: Dag) -> None:
    pk = order(api).json["id"]
    assert api.post(f"/backfills/{pk}/pause").json["is_paused"] is True
    assert api.post(f"/backfills/{pk}/unpause").json["is_paused"] is False
    answer = api.post(f"/backfills/{pk}/cancel")
    assert answer.status == 200, answer
    assert answer.json["dag_run_states"] == {"queued": 0, "running": 0, "success": 0, "failed": 3}
    assert answer.json["cancelled_at"]
    assert answer.json["completed_at"]
    for verb in ("cancel", "pause", "unpause"):
        refused = api.post(f"/backfills/{pk}/{verb}")
        assert (refused.status, refused.type) == (409, "application/problem+json")
    events = EventLog.objects.exclude(event="api.post_backfill").values_list("event", "dag_id")
    assert set(events) == {(f"api.{verb}_backfill", "d1") for verb in ("pause", "unpause", "cancel")}


def test_a_cancel_that_is_sent_twice_with_a_key_is_answered_alike(api: Api, dag: Dag) -> None:
    pk = order(api).json["id"]
    first, again = (api.post(f"/backfills/{pk}/cancel", headers=KEY) for _ in range(2))
    assert (first.status, again.status, again.content) == (200, 200, first.content)


# ------------------------------------------------------------ who may


def test_roles_may_what_they_may_with_runs(api: Api, dag: Dag) -> None:
    pk = order(api).json["id"]
    for user, reads, changes in (
        ("public", 403, 403),
        ("viewer", 200, 403),
        ("user", 200, 409),
        ("op", 200, 409),
    ):
        assert api.get("/backfills", user=user).status == reads
        assert api.get(f"/backfills/{pk}", user=user).status == reads
        assert order(api, user=user).status == changes
        if changes == 403:
            assert api.post(f"/backfills/{pk}/cancel", user=user).status == 403
    assert api.post(f"/backfills/{pk}/cancel", user="user").status == 200


def test_who_may_use_one_dag_learns_nothing_of_others(api: Api, dag: Dag, d1only: User) -> None:
    daily("d2")
    mine, other = order(api, "d1").json["id"], order(api, "d2").json["id"]
    listed = api.get("/backfills", user="d1only").json
    assert ([row["id"] for row in listed["backfills"]], listed["total_entries"]) == ([mine], 1)
    assert api.get("/backfills", dag_id="d2", user="d1only").json["total_entries"] == 0
    before = list(Backfill.objects.values())
    refused = [order(api, dag_id, user="d1only") for dag_id in ("d2", "nowhere", "~", "d1 ")]
    for pk in (other, 999):
        refused.append(api.get(f"/backfills/{pk}", user="d1only"))
        refused += [api.post(f"/backfills/{pk}/{verb}", user="d1only") for verb in ("cancel", "pause", "unpause")]
    assert {(answer.status, answer.content) for answer in refused} == {(403, refused[0].content)}
    assert list(Backfill.objects.values()) == before
    assert api.get(f"/backfills/{mine}", user="d1only").status == 200
    assert order(api, "d1", user="d1only").status == 409
    assert api.post(f"/backfills/{mine}/cancel", user="d1only").status == 200


def test_an_earlier_answer_is_not_told_to_who_may_not_know_any_more(api: Api, dag: Dag, d1only: User) -> None:
    assert order(api, user="d1only", headers=KEY).status == 200
    d1only.groups.get().dag_grants.filter(dag_id="d1", action="can_edit").update(dag_id="d9")
    assert order(api, user="d1only", headers=KEY).status == 403
    assert IdempotencyRecord.objects.count() == 1


def test_a_token_that_only_reads_orders_nothing(api: Api, dag: Dag) -> None:
    token = api.post("/tokens", {"name": "t", "scope": "read"}).json["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert api.post("/backfills", {"dag_id": "d1", **DAYS}, user=None, headers=bearer).status == 403
    assert api.get("/backfills", user=None, headers=bearer).status == 200


def test_a_dag_with_a_backfill_can_be_deleted(api: Api, dag: Dag) -> None:
    order(api)
    assert api.delete("/dags/d1").status == 204
    assert not Backfill.objects.exists()
