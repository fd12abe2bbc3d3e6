"""What a written dataset leaves: events, links of aliases, DAGs that wait no longer."""

from __future__ import annotations

import pytest

from orchestration.models import (
    DagDatasetAliasReference,
    DagDatasetReference,
    Dataset,
    DatasetAlias,
    DatasetEvent,
    DatasetQueuedEvent,
    ParseRequest,
)
from orchestration.models.dataset_events import Change, Source, register
from tests.factories import make_dag

pytestmark = pytest.mark.django_db
SOURCE = Source("producer", "task", "run", 3)


def waiting(dag_id: str, uri: str, **columns) -> None:
    dag = make_dag(dag_id=dag_id, **columns)
    dataset, _ = Dataset.objects.get_or_create(uri=uri)
    DagDatasetReference.objects.create(dag=dag, dataset=dataset)


def queued() -> set[tuple[str, str]]:
    return set(DatasetQueuedEvent.objects.values_list("dataset__uri", "dag_id"))


def test_nothing_written_costs_nothing(now, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert register([], source=SOURCE, now=now) == []


@pytest.mark.parametrize(
    ("columns", "is_queued"),
    [
        ({}, True),
        ({"is_paused": True}, False),
        ({"is_paused": None}, True),
        ({"is_active": False}, False),
    ],
)
def test_an_event_is_queued_for_active_unpaused_dags_that_wait(now, columns, is_queued):
    waiting("consumer", "s3://one", **columns)
    waiting("other", "s3://two")
    [event] = register([Change("s3://one", {"n": 1})], source=SOURCE, now=now)
    stored = DatasetEvent.objects.get(pk=event.pk)
    assert (stored.extra, stored.timestamp) == ({"n": 1}, now)
    assert (stored.source_dag_id, stored.source_task_id, stored.source_run_id) == ("producer", "task", "run")
    assert stored.source_map_index == 3
    assert queued() == ({("s3://one", "consumer")} if is_queued else set())


def test_a_caller_of_the_api_leaves_no_source(now):
    [event] = register([Change("s3://one")], source=None, now=now)
    stored = DatasetEvent.objects.get(pk=event.pk)
    assert (stored.source_dag_id, stored.source_map_index, stored.extra) == (None, -1, {})


def test_several_events_leave_one_queued_event(now):
    waiting("consumer", "s3://one")
    register([Change("s3://one", {"n": 1}), Change("s3://one", {"n": 2})], source=SOURCE, now=now)
    register([Change("s3://one")], source=SOURCE, now=now)
    assert DatasetEvent.objects.count() == 3
    assert queued() == {("s3://one", "consumer")}


def test_an_alias_stands_for_its_dataset_from_then_on(now):
    dag = make_dag(dag_id="by_alias")
    DagDatasetAliasReference.objects.create(dag=dag, alias=DatasetAlias.objects.create(name="many"))
    change = Change("s3://new", {"n": 1}, frozenset({"many", "unknown"}))
    [event] = register([change], source=SOURCE, now=now)
    many = DatasetAlias.objects.get(name="many")
    assert [dataset.uri for dataset in many.datasets.all()] == ["s3://new"]
    assert [each.pk for each in many.events.all()] == [event.pk]
    assert DatasetAlias.objects.filter(name="unknown").exists()
    assert queued() == {("s3://new", "by_alias")}
    assert [request.fileloc for request in ParseRequest.objects.all()] == [dag.fileloc]


def test_a_dag_that_knows_the_dataset_already_is_not_parsed_again(now):
    dag = make_dag(dag_id="both")
    DagDatasetAliasReference.objects.create(dag=dag, alias=DatasetAlias.objects.create(name="many"))
    DagDatasetReference.objects.create(dag=dag, dataset=Dataset.objects.create(uri="s3://new"))
    register([Change("s3://new", {}, frozenset({"many"}))], source=SOURCE, now=now)
    assert not ParseRequest.objects.exists()


def test_the_number_of_statements_does_not_grow(now, django_assert_max_num_queries):
    for i in range(10):
        waiting(f"consumer{i}", f"s3://{i}")
    with django_assert_max_num_queries(12):
        register([Change(f"s3://{i}") for i in range(30)], source=SOURCE, now=now)
