"""Datasets, their events and queued events over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from orchestration.models import (
    DagDatasetAliasReference,
    DagDatasetReference,
    DatasetEvent,
    DatasetQueuedEvent,
    EventLog,
    TaskOutletReference,
)
from tests.api_v1.conftest import Api
from tests.factories import (
    DagFactory,
    DagRunFactory,
    DatasetAliasFactory,
    DatasetEventFactory,
    DatasetFactory,
    DatasetQueuedEventFactory,
)

URI = "s3://bucket/one.csv"
PATH = quote(URI, safe="")


def consumed(dag_id: str, **fields: object):
    dataset = DatasetFactory(**fields)
    DagDatasetReference.objects.create(dag=DagFactory(dag_id=dag_id), dataset=dataset)
    return dataset


def test_a_dataset_is_answered_with_what_uses_it(api: Api) -> None:
    dataset = consumed("reader", uri=URI, extra={"team": "x"})
    TaskOutletReference.objects.create(dag=DagFactory(dag_id="writer"), task_id="t", dataset=dataset)
    alias = DatasetAliasFactory(name="a")
    alias.datasets.add(dataset)
    row = api.get(f"/datasets/{PATH}").json
    assert (row["id"], row["uri"], row["extra"]) == (dataset.pk, URI, {"team": "x"})
    assert [use["dag_id"] for use in row["consuming_dags"]] == ["reader"]
    assert [(use["dag_id"], use["task_id"]) for use in row["producing_tasks"]] == [("writer", "t")]
    assert row["aliases"] == [{"id": alias.pk, "name": "a"}]
    assert row["created_at"].endswith("+00:00")
    assert api.get("/datasets").json == {"datasets": [row], "total_entries": 1}


@pytest.mark.parametrize("path", [PATH, URI, quote(URI)])
def test_a_dataset_is_found_by_its_uri_encoded_or_not(api: Api, path: str) -> None:
    DatasetFactory(uri=URI)
    assert api.get(f"/datasets/{path}").status == 200


def test_a_missing_dataset(api: Api) -> None:
    answer = api.get("/datasets/nope")
    assert (answer.status, answer.title) == (404, "Dataset not found")


@pytest.mark.parametrize("datasets", [1, 20])
def test_listing_costs_the_same_for_one_and_for_many(api: Api, datasets: int, django_assert_num_queries) -> None:
    for number in range(datasets):
        consumed(f"dag{number}")
    api.get("/datasets")
    with django_assert_num_queries(7):  # user, permissions, count, page, consumers, producers, aliases
        assert api.get("/datasets").json["total_entries"] == datasets


@pytest.mark.parametrize(
    ("query", "uris"),
    [
        ({}, ["b://1", "a://2", "C://3"]),
        ({"order_by": "uri", "uri_pattern": "://"}, None),
        ({"order_by": "-id"}, ["C://3", "a://2", "b://1"]),
        ({"uri_pattern": "c:"}, ["C://3"]),
        ({"uri_pattern": "%2"}, ["a://2"]),
        ({"uri_pattern": "://_"}, ["b://1", "a://2", "C://3"]),
        ({"uri_pattern": ""}, ["b://1", "a://2", "C://3"]),
        ({"uri_pattern": "no such"}, []),
        ({"dag_ids": "r1"}, ["b://1"]),
        ({"dag_ids": "r1,w2"}, ["b://1", "a://2"]),
        ({"dag_ids": "nobody"}, []),
        ({"limit": 1, "offset": 1}, ["a://2"]),
    ],
)
def test_the_list_is_filtered_and_its_total_is_not(api: Api, query: dict[str, object], uris: list[str] | None) -> None:
    consumed("r1", uri="b://1")
    written = DatasetFactory(uri="a://2")
    TaskOutletReference.objects.create(dag=DagFactory(dag_id="w2"), task_id="t", dataset=written)
    DatasetFactory(uri="C://3")
    answer = api.get("/datasets", **query).json
    assert answer["total_entries"] == 3
    if uris is not None:
        assert [row["uri"] for row in answer["datasets"]] == uris


@pytest.mark.parametrize("order", ["nope", "extra", "", "is_orphaned", "events__id"])
def test_other_orders_are_refused(api: Api, order: str) -> None:
    assert api.get("/datasets", order_by=order).status == 400


class TestEvents:
    def test_an_event_is_answered_with_the_runs_it_started(self, api: Api) -> None:
        run = DagRunFactory(dag__dag_id="reader", run_id="r1")
        event = DatasetEventFactory(
            dataset__uri=URI,
            source_dag_id="d",
            source_task_id="t",
            source_run_id="r",
            source_map_index=2,
            extra={"a": 1},
        )
        event.created_dag_runs.add(run)
        answer = api.get("/datasets/events").json
        row = answer["dataset_events"][0]
        started = row.pop("created_dagruns")
        assert row.pop("timestamp").endswith("+00:00")
        assert row == {
            "id": event.pk,
            "dataset_id": event.dataset_id,
            "dataset_uri": URI,
            "extra": {"a": 1},
            "source_dag_id": "d",
            "source_task_id": "t",
            "source_run_id": "r",
            "source_map_index": 2,
        }
        assert [(s["dag_run_id"], s["run_id"], s["dag_id"], s["state"]) for s in started] == [
            ("r1", "r1", "reader", "running")
        ]
        assert "execution_date" not in started[0]
        assert answer["total_entries"] == 1

    @pytest.mark.parametrize("events", [1, 20])
    def test_listing_costs_the_same_for_one_and_for_many(
        self, api: Api, events: int, django_assert_num_queries
    ) -> None:
        for _ in range(events):
            DatasetEventFactory().created_dag_runs.add(DagRunFactory())
        api.get("/datasets/events")
        with django_assert_num_queries(5):  # user, permissions, count, page, runs
            assert api.get("/datasets/events").json["total_entries"] == events

    @pytest.mark.parametrize(
        ("query", "tasks"),
        [
            ({}, ["a", "b", "c"]),
            ({"source_dag_id": "d1"}, ["a", "b"]),
            ({"source_task_id": "b"}, ["b"]),
            ({"source_run_id": "r2"}, ["b"]),
            ({"source_map_index": 0}, ["c"]),
            ({"source_map_index": -1}, ["a", "b"]),
            ({"source_dag_id": "d1", "source_run_id": "r3"}, []),
            ({"source_dag_id": "d1", "source_task_id": "", "source_run_id": ""}, ["a", "b"]),
            ({"order_by": "-source_task_id"}, ["c", "b", "a"]),
            ({"order_by": "-timestamp", "limit": 1}, ["c"]),
            ({"dataset_id": 2**40}, []),
        ],
    )
    def test_the_list_is_filtered(self, api: Api, query: dict[str, object], tasks: list[str]) -> None:
        for day, (dag_id, task_id, run_id, index) in enumerate(
            (("d1", "a", "r1", -1), ("d1", "b", "r2", -1), ("d2", "c", "r3", 0)), start=1
        ):
            DatasetEventFactory(
                source_dag_id=dag_id,
                source_task_id=task_id,
                source_run_id=run_id,
                source_map_index=index,
                timestamp=datetime(2024, 1, day, tzinfo=UTC),
            )
        answer = api.get("/datasets/events", **query).json
        assert [row["source_task_id"] for row in answer["dataset_events"]] == tasks

    @pytest.mark.parametrize(
        "query", [{"order_by": "id"}, {"dataset_id": "x"}, {"dataset_id": 10**20}, {"limit": -1}, {"dataset_uri": "x"}]
    )
    def test_other_queries_are_refused(self, api: Api, query: dict[str, object]) -> None:
        assert api.get("/datasets/events", **query).status == 400

    def test_a_caller_makes_an_event(self, api: Api) -> None:
        dataset = consumed("reader", uri=URI)
        row = api.post("/datasets/events", {"dataset_uri": URI, "extra": {"b": "c"}}).json
        assert (row["dataset_id"], row["extra"]) == (dataset.pk, {"b": "c", "from_rest_api": True})
        assert (row["source_dag_id"], row["source_map_index"], row["created_dagruns"]) == (None, -1, [])
        assert DatasetQueuedEvent.objects.get().dag_id == "reader"
        assert EventLog.objects.get().event == "api.create_dataset_event"

    @pytest.mark.parametrize(
        ("body", "status", "detail"),
        [
            ({}, 400, "'dataset_uri' is a required property"),
            ({"dataset_uri": None}, 400, "None is not of type 'string' - 'dataset_uri'"),
            ({"dataset_uri": 3}, 400, "3 is not of type 'string' - 'dataset_uri'"),
            ({"dataset_uri": URI, "extra": "str"}, 400, "'str' is not of type 'object' - 'extra'"),
            ({"dataset_uri": URI, "extra": None}, 400, "{'extra': ['Field may not be null.']}"),
            ({"dataset_uri": URI, "bogus": 1}, 400, "{'bogus': ['Unknown field.']}"),
            ({"dataset_uri": URI, "timestamp": "2020-01-01"}, 400, "{'timestamp': ['Unknown field.']}"),
            ({"dataset_uri": "nope"}, 404, "Dataset with uri: 'nope' not found"),
        ],
    )
    def test_a_wrong_event_is_refused(self, api: Api, body: dict[str, object], status: int, detail: str) -> None:
        DatasetFactory(uri=URI)
        answer = api.post("/datasets/events", body)
        assert (answer.status, answer.detail) == (status, detail)
        assert not DatasetEvent.objects.exists()

    @pytest.mark.parametrize(("user", "status"), [("public", 403), ("viewer", 403), ("user", 200), ("op", 200)])
    def test_who_may_make_events(self, api: Api, user: str, status: int) -> None:
        consumed("reader", uri=URI)
        assert api.post("/datasets/events", {"dataset_uri": URI}, user=user).status == status


class TestQueued:
    ADDRESSES = (
        f"/datasets/queuedEvent/{PATH}",
        "/dags/reader/datasets/queuedEvent",
        f"/dags/reader/datasets/queuedEvent/{PATH}",
    )

    def queue(self) -> None:
        DatasetQueuedEventFactory(dataset__uri=URI, dag__dag_id="reader", created_at=datetime(2024, 1, 2, tzinfo=UTC))

    def test_a_queued_event_is_answered_at_each_address(self, api: Api) -> None:
        self.queue()
        row = {"uri": URI, "dag_id": "reader", "created_at": "2024-01-02T00:00:00+00:00"}
        by_dataset, by_dag, one = (api.get(address).json for address in self.ADDRESSES)
        assert by_dataset == by_dag == {"queued_events": [row], "total_entries": 1}
        assert one == row

    @pytest.mark.parametrize("address", ADDRESSES)
    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    @pytest.mark.parametrize(("before", "is_found"), [("2024-01-02T00:00:00Z", False), ("2024-01-02T00:00:01Z", True)])
    def test_before_is_exclusive(self, api: Api, address: str, method: str, before: str, is_found: bool) -> None:
        self.queue()
        answer = api.send(method, address, before=before)
        assert (answer.status < 400) is is_found
        if not is_found:
            assert (answer.status, answer.title) == (404, "Queue event not found")
        assert DatasetQueuedEvent.objects.exists() is (method == "GET" or not is_found)

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_it_is_deleted_once_and_logged(self, api: Api, address: str) -> None:
        self.queue()
        assert [api.delete(address).status for _ in range(2)] == [204, 404]
        assert all(event.startswith("api.delete_da") for event in EventLog.objects.values_list("event", flat=True))

    @pytest.mark.parametrize("address", ADDRESSES)
    def test_a_viewer_reads_and_does_not_delete(self, api: Api, address: str) -> None:
        self.queue()
        assert api.get(address, user="viewer").status == 200
        assert api.delete(address, user="viewer").status == 403
        assert api.get(address, user="public").status == 403

    @pytest.mark.parametrize("before", ["junk", "2024-01-02", "2024-01-02T00:00:00", ""])
    def test_before_is_a_moment(self, api: Api, before: str) -> None:
        assert api.get(self.ADDRESSES[0], before=before).status == 400

    def test_what_is_missing_is_named(self, api: Api) -> None:
        told = [api.get(address).detail for address in self.ADDRESSES]
        assert told == [
            f"Queue event with dataset uri: `{URI}` was not found",
            "Queue event with dag_id: `reader` was not found",
            f"Queue event with dag_id: `reader` and dataset uri: `{URI}` was not found",
        ]


class TestRestricted:
    """``d1only`` sees nothing of d2."""

    @pytest.fixture
    def rows(self, api: Api, d1only: object) -> None:
        shared = consumed("d1", uri="shared")
        d2 = DagFactory(dag_id="d2")
        DagDatasetReference.objects.create(dag=d2, dataset=shared)
        TaskOutletReference.objects.create(dag=d2, task_id="d2CANARY", dataset=shared)
        alias = DatasetAliasFactory(name="d2CANARY")
        alias.datasets.add(shared)
        DagDatasetAliasReference.objects.create(dag=d2, alias=alias)
        hidden = DatasetFactory(uri="d2CANARY")
        DagDatasetReference.objects.create(dag=d2, dataset=hidden)
        event = DatasetEventFactory(dataset=shared, source_dag_id="d1")
        event.created_dag_runs.add(DagRunFactory(dag=d2, run_id="d2CANARY"))
        DatasetEventFactory(dataset=shared, source_dag_id="d2", source_task_id="d2CANARY")
        DatasetEventFactory(dataset=hidden)
        DatasetQueuedEventFactory(dataset=shared, dag=d2)
        DatasetQueuedEventFactory(dataset=hidden, dag=d2)

    @pytest.mark.parametrize(
        ("path", "total"),
        [
            ("/datasets", 1),
            ("/datasets/shared", None),
            ("/datasets?dag_ids=d2", 1),
            ("/datasets?uri_pattern=d2", 1),
            ("/datasets/events", 1),
            ("/datasets/events?source_dag_id=d2", 0),
            ("/datasets/events?order_by=source_dag_id", 1),
        ],
    )
    def test_what_is_answered_holds_no_trace(self, api: Api, rows: None, path: str, total: int | None) -> None:
        answer = api.get(path, user="d1only")
        assert answer.status == 200
        assert b"CANARY" not in answer.content
        assert b'"d2"' not in answer.content
        if total is not None:
            assert answer.json["total_entries"] == total

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/datasets/d2CANARY", 404),
            ("GET", "/datasets/queuedEvent/shared", 404),
            ("GET", "/datasets/queuedEvent/d2CANARY", 404),
            ("GET", "/dags/d2/datasets/queuedEvent", 403),
            ("GET", "/dags/d2/datasets/queuedEvent/shared", 403),
            ("DELETE", "/dags/d2/datasets/queuedEvent", 403),
            ("DELETE", "/datasets/queuedEvent/shared", 403),
        ],
    )
    def test_what_is_refused_tells_nothing_and_changes_nothing(
        self, api: Api, rows: None, method: str, path: str, status: int
    ) -> None:
        answer = api.send(method, path, user="d1only")
        assert answer.status == status
        hidden = answer.content.replace(path.rpartition("/")[2].encode(), b"")
        assert b"CANARY" not in hidden
        assert DatasetQueuedEvent.objects.count() == 2
