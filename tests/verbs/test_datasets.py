"""Datasets: who sees what, and events that callers make."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orchestration.access.permissions import Pair
from orchestration.errors import Forbidden, NotFound
from orchestration.models import DagDatasetReference, DatasetEvent, DatasetQueuedEvent, TaskOutletReference, wakeups
from orchestration.services import datasets
from tests.factories import DagFactory, DatasetEventFactory, DatasetFactory, DatasetQueuedEventFactory
from tests.people import person, restricted

pytestmark = pytest.mark.django_db

MAY_CREATE = [Pair("can_create", "Datasets")]


@pytest.fixture
def d1():
    return DagFactory(dag_id="d1")


@pytest.fixture
def d2():
    return DagFactory(dag_id="d2")


def consumed(dag, **fields):
    dataset = DatasetFactory(**fields)
    DagDatasetReference.objects.create(dag=dag, dataset=dataset)
    return dataset


def test_one_who_may_read_every_dag_sees_every_dataset(viewer, d1, d2):
    made = {consumed(d1), consumed(d2), DatasetFactory()}
    assert set(datasets.visible(viewer)) == made == set(datasets.visible(None))


def test_others_see_those_that_their_dags_wait_for_or_write(d1, d2):
    user = restricted()
    waited = consumed(d1)
    written = DatasetFactory()
    TaskOutletReference.objects.create(dag=d1, task_id="t", dataset=written)
    consumed(d2)
    DatasetFactory()
    assert set(datasets.visible(user)) == {waited, written}


def test_others_see_no_event_that_a_hidden_dag_made(d1, d2):
    user = restricted()
    dataset = consumed(d1)
    shown = {DatasetEventFactory(dataset=dataset), DatasetEventFactory(dataset=dataset, source_dag_id="d1")}
    DatasetEventFactory(dataset=dataset, source_dag_id="d2")
    DatasetEventFactory(dataset=consumed(d2))
    assert set(datasets.visible_events(user)) == shown


def test_an_event_is_made_marked_queued_and_logged(admin, d1, logged):
    dataset = consumed(d1, uri="s3://b/k")
    event = datasets.create_event(actor=admin, uri="s3://b/k", extra={"rows": 3, "from_rest_api": False})
    event.refresh_from_db()
    assert event.extra == {"rows": 3, "from_rest_api": True}
    assert (event.source_dag_id, event.source_map_index) == (None, -1)
    assert [(q.dataset, q.dag) for q in DatasetQueuedEvent.objects.all()] == [(dataset, d1)]
    assert logged() == [("create_dataset_event", "admin")]


def test_the_scheduler_is_woken(admin, d1, monkeypatch):
    consumed(d1, uri="u")
    woken = []
    monkeypatch.setattr(wakeups, "notify", woken.append)
    datasets.create_event(actor=admin, uri="u")
    assert woken == ["scheduler"]


def test_an_unknown_dataset_is_not_made(admin):
    with pytest.raises(NotFound):
        datasets.create_event(actor=admin, uri="nope")
    assert not DatasetEvent.objects.exists()


def test_who_may_not_run_a_waiting_dag_makes_no_event(d1, d2):
    user = restricted(also=MAY_CREATE)
    both = consumed(d1, uri="both")
    DagDatasetReference.objects.create(dag=d2, dataset=both)
    consumed(d1, uri="mine")
    with pytest.raises(Forbidden) as refused:
        datasets.create_event(actor=user, uri="both")
    assert "d2" not in str(refused.value)
    assert datasets.create_event(actor=user, uri="mine").pk
    assert DatasetEvent.objects.count() == 1


def test_a_hidden_dataset_is_not_there(d2):
    consumed(d2, uri="u")
    with pytest.raises(NotFound):
        datasets.create_event(actor=restricted(also=MAY_CREATE), uri="u")
    with pytest.raises(NotFound):
        datasets.find("u", actor=person())


def test_queued_events_are_chosen_by_dag_dataset_and_time(admin, d1, d2):
    dataset = DatasetFactory(uri="u")
    now = timezone.now()
    old = DatasetQueuedEventFactory(dataset=dataset, dag=d1, created_at=now - timedelta(days=1))
    new = DatasetQueuedEventFactory(dataset=dataset, dag=d2, created_at=now)
    other = DatasetQueuedEventFactory(dag=d1, created_at=now)
    assert list(datasets.queued(admin, uri="u")) == [old, new]
    assert list(datasets.queued(admin, dag_id="d1")) == [old, other]
    assert list(datasets.queued(admin, dag_id="d1", uri="u")) == [old]
    assert list(datasets.queued(admin, uri="u", before=now)) == [old]


def test_those_of_hidden_dags_are_neither_shown_nor_deleted(d1, d2):
    user = restricted(also=[Pair("can_delete", "Datasets")])
    dataset = DatasetFactory(uri="u")
    mine = DatasetQueuedEventFactory(dataset=dataset, dag=d1)
    DatasetQueuedEventFactory(dataset=dataset, dag=d2)
    assert list(datasets.queued(user, uri="u")) == [mine]
    assert datasets.delete_queued(actor=user, uri="u") == 1
    assert datasets.delete_queued(actor=user, dag_id="d2") == 0
    assert [q.dag_id for q in DatasetQueuedEvent.objects.all()] == ["d2"]


def test_a_viewer_makes_and_deletes_nothing(viewer, d1):
    consumed(d1, uri="u")
    DatasetQueuedEventFactory(dag=d1)
    with pytest.raises(Forbidden):
        datasets.create_event(actor=viewer, uri="u")
    with pytest.raises(Forbidden):
        datasets.delete_queued(actor=viewer, dag_id="d1")
    assert DatasetQueuedEvent.objects.count() == 1
