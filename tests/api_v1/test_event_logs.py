"""The audit log over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from orchestration.access.permissions import Pair
from tests.api_v1.conftest import Api
from tests.factories import EventLogFactory
from tests.people import restricted

DAY = datetime(2024, 1, 2, tzinfo=UTC)


def test_a_row_is_answered_with_every_member(api: Api) -> None:
    row = EventLogFactory(
        when=DAY, event="e", owner="o", dag_id="d", task_id="t", run_id="r", map_index=0, try_number=1, extra='{"a": 1}'
    )
    expected = {
        "event_log_id": row.pk,
        "when": "2024-01-02T00:00:00+00:00",
        "dag_id": "d",
        "task_id": "t",
        "run_id": "r",
        "map_index": 0,
        "try_number": 1,
        "event": "e",
        "execution_date": None,
        "owner": "o",
        "extra": '{"a": 1}',
    }
    assert api.get(f"/eventLogs/{row.pk}").json == expected
    assert api.get("/eventLogs").json == {"event_logs": [expected], "total_entries": 1}


@pytest.mark.parametrize("rows", [1, 20])
def test_listing_costs_the_same_for_one_and_for_many(api: Api, rows: int, django_assert_num_queries) -> None:
    EventLogFactory.create_batch(rows)
    api.get("/eventLogs")
    with django_assert_num_queries(4):  # user, permissions, count, page
        assert api.get("/eventLogs").json["total_entries"] == rows


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ({}, ["a", "b", "c"]),
        ({"dag_id": "d1"}, ["a", "b"]),
        ({"dag_id": ""}, ["a", "b", "c"]),
        ({"dag_id": "nowhere"}, []),
        ({"task_id": "t1"}, ["a"]),
        ({"run_id": "r2"}, ["b"]),
        ({"map_index": 0}, ["b"]),
        ({"map_index": -1}, ["a"]),
        ({"try_number": 1}, ["a"]),
        ({"try_number": 0}, ["b"]),
        ({"owner": "alice"}, ["a", "c"]),
        ({"event": "b"}, ["b"]),
        ({"included_events": "a,c"}, ["a", "c"]),
        ({"included_events": ""}, ["a", "b", "c"]),
        ({"excluded_events": "a,c"}, ["b"]),
        ({"included_events": "a,b", "excluded_events": "b"}, ["a"]),
        ({"before": "2024-01-02T00:00:00Z"}, ["a"]),
        ({"after": "2024-01-02T00:00:00Z"}, ["c"]),
        ({"after": "2024-01-01T00:00:00Z", "before": "2024-01-03T00:00:00+00:00"}, ["b"]),
        ({"order_by": "-event_log_id"}, ["c", "b", "a"]),
        ({"order_by": "-when"}, ["c", "b", "a"]),
        ({"order_by": "owner"}, ["a", "c", "b"]),
        ({"limit": 1, "offset": 1}, ["b"]),
    ],
)
def test_the_list_is_filtered(api: Api, query: dict[str, object], events: list[str]) -> None:
    a = {"dag_id": "d1", "task_id": "t1", "run_id": "r1", "map_index": -1, "try_number": 1, "owner": "alice"}
    b = {"dag_id": "d1", "task_id": "t2", "run_id": "r2", "map_index": 0, "try_number": 0, "owner": "bob"}
    for day, (event, columns) in enumerate((("a", a), ("b", b), ("c", {"owner": "alice"})), start=1):
        EventLogFactory(event=event, when=DAY.replace(day=day), **columns)
    answer = api.get("/eventLogs", **query).json
    assert [row["event"] for row in answer["event_logs"]] == events


@pytest.mark.parametrize(
    "query",
    [
        {"order_by": "nope"},
        {"order_by": "id"},
        {"order_by": ""},
        {"limit": -1},
        {"map_index": "x"},
        {"before": "yesterday"},
        {"extra": "x"},
        {"extra__contains": "x"},
    ],
)
def test_a_wrong_query_is_refused(api: Api, query: dict[str, object]) -> None:
    assert api.get("/eventLogs", **query).status == 400


@pytest.mark.parametrize("path", ["x", "-3", "1.0", "99999999999999999999", "1/2"])
def test_a_row_is_asked_for_by_a_number(api: Api, path: str) -> None:
    assert api.get(f"/eventLogs/{path}").status == 404


def test_a_missing_row(api: Api) -> None:
    answer = api.get("/eventLogs/999999")
    assert (answer.status, answer.title) == (404, "Event Log not found")


@pytest.mark.parametrize("user", ["public", "viewer", "user", "op"])
def test_only_administrators_read_it(api: Api, user: str) -> None:
    row = EventLogFactory()
    assert api.get("/eventLogs", user=user).status == 403
    assert api.get(f"/eventLogs/{row.pk}", user=user).status == 403


def test_who_may_read_it_and_one_dag_sees_that_dag_s_rows(api: Api) -> None:
    restricted(also=[Pair("can_read", "Audit Logs")])
    mine = EventLogFactory(dag_id="d1", event="mine")
    hidden = EventLogFactory(dag_id="d2", extra="d2CANARY")
    EventLogFactory(dag_id=None, extra="d2CANARY")
    answer = api.get("/eventLogs", user="d1only")
    assert (answer.json["total_entries"], b"CANARY" in answer.content) == (1, False)
    assert api.get(f"/eventLogs/{mine.pk}", user="d1only").status == 200
    assert api.get(f"/eventLogs/{hidden.pk}", user="d1only").status == 404
    assert api.get("/eventLogs", user="d1only", dag_id="d2").status == 403
    assert api.get("/eventLogs", user="d1only", dag_id="d1").json["total_entries"] == 1
