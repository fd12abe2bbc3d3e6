"""The datasets' pages and the event that an operator makes."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from orchestration.access.permissions import Pair
from orchestration.models import Dag, DagDatasetReference, Dataset, DatasetEvent, DatasetQueuedEvent, EventLog
from tests.admin.conftest import client_of
from tests.admin.test_system_pages import link
from tests.factories import DatasetEventFactory, DatasetFactory, make_dag, make_run
from tests.people import person, restricted

pytestmark = pytest.mark.django_db


def create(client, dataset, body=None):
    return client.post(
        reverse("admin:desk_dataset_event", args=(dataset.pk,)), body or {}, content_type="application/json"
    )


def test_the_list_says_who_writes_and_who_waits(desk):
    dataset = link(make_dag("a", dag_id="writer"), "s3://x", writes=True)
    link(make_dag("b", dag_id="reader"), "s3://x")
    DatasetEventFactory.create_batch(3, dataset=dataset)
    (row,) = desk.get(reverse("admin:desk_datasets")).context["rows"]
    assert (row["producers"], row["consumers"], row["recent"]) == ([("writer", "a")], ["reader"], 3)
    assert row["last"] is not None


def test_the_list_is_searched_and_paged(desk, monkeypatch):
    from orchestration.admin.queries import datasets

    monkeypatch.setattr(datasets, "PAGE_SIZE", 2)
    for number in range(5):
        DatasetFactory(uri=f"s3://{number}")
    DatasetFactory(uri="file:///other")
    address = reverse("admin:desk_datasets")
    last = desk.get(address, {"search": "s3", "page": 3})
    assert [row["uri"] for row in last.context["rows"]] == ["s3://4"]
    assert last.context["after"] is None
    assert last.context["before"] == "?search=s3&page=2"
    assert desk.get(address, {"page": "-1"}).status_code == desk.get(address, {"page": "9" * 30}).status_code == 200


def test_a_dataset_s_page_says_how_far_the_next_runs_are(desk):
    reader = make_dag("b", dag_id="reader")
    first, second = link(reader, "s3://1"), link(reader, "s3://2")
    DatasetQueuedEvent.objects.create(dataset=first, dag=reader)
    (row,) = desk.get(reverse("admin:desk_dataset", args=(second.pk,))).context["consumers"]
    assert (row["ready"], row["of"], row["since"]) == (1, 2, None)
    (row,) = desk.get(reverse("admin:desk_dataset", args=(first.pk,))).context["consumers"]
    assert row["since"] is not None


def test_events_lead_to_the_runs_that_they_started(desk):
    dag = make_dag("a", dag_id="d1")
    event = DatasetEventFactory()
    event.created_dag_runs.add(make_run(dag, run_id="started"))
    page = desk.get(reverse("admin:desk_dataset_events")).content.decode()
    assert reverse("admin:desk_run", args=("d1", "started")) in page


def test_an_event_is_made_queued_and_logged(desk):
    reader = make_dag("b", dag_id="reader")
    dataset = link(reader, "s3://x")
    answer = create(desk, dataset, {"extra": {"rows": 3}})
    assert answer.json()["url"] == reverse("admin:desk_dataset", args=(dataset.pk,))
    assert DatasetEvent.objects.get().extra["rows"] == 3
    assert DatasetQueuedEvent.objects.get().dag == reader
    assert EventLog.objects.get(event="create_dataset_event").owner == "boss"


def test_an_event_s_extra_must_be_an_object(desk):
    answer = create(desk, DatasetFactory(), {"extra": [1]})
    assert answer.status_code == 400
    assert "JSON object" in answer.json()["detail"]
    assert not DatasetEvent.objects.exists()


@pytest.mark.parametrize("name", ["Public", "Viewer"])
def test_those_who_may_not_make_events_do_not(name):
    assert create(client_of(person(name)), DatasetFactory()).status_code in (302, 403)
    assert not DatasetEvent.objects.exists()


def test_an_event_that_would_start_a_dag_one_may_not_run_is_refused():
    mine, other = make_dag("a", dag_id="d1"), make_dag("a", dag_id="d2")
    dataset = link(mine, "s3://x")
    DagDatasetReference.objects.create(dag=other, dataset=dataset)
    also = [Pair("can_read", "Website"), Pair("can_create", "Datasets")]
    assert create(client_of(restricted(also=also)), dataset).status_code == 403
    assert not DatasetEvent.objects.exists()


def test_an_event_needs_the_csrf_token():
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("Admin"), backend="orchestration.access.backends.RoleBackend")
    assert create(client, DatasetFactory()).status_code == 403
    assert not DatasetEvent.objects.exists()


def test_a_graph_of_many_datasets_is_cut_and_says_so(desk, monkeypatch):
    from orchestration.admin.queries import datasets

    monkeypatch.setattr(datasets, "MOST_IN_GRAPH", 2)
    DatasetFactory.create_batch(3)
    address = reverse("admin:desk_dataset_graph_data")
    assert desk.get(address).json()["is_cut"] is True
    one = desk.get(address, {"dataset": Dataset.objects.first().pk}).json()
    assert (len(one["nodes"]), one["is_cut"]) == (1, False)


class TestLineage:
    """a writes s1, b makes s2 of it, c makes s3 of that; d reads s1, too; e has to do with none."""

    @pytest.fixture
    def chain(self):
        made = {name: make_dag("a", dag_id=name) for name in "abcde"}
        for writer, number, readers in (("a", 1, "bd"), ("b", 2, "c"), ("c", 3, ""), ("e", 9, "")):
            link(made[writer], f"s{number}", writes=True)
            for reader in readers:
                link(made[reader], f"s{number}")
        return {dataset.uri: dataset.pk for dataset in Dataset.objects.all()}

    def edges(self, client, pk, **query):
        graph = client.get(reverse("admin:desk_dataset_graph_data"), {"dataset": pk, **query}).json()
        return {(edge["source"].partition(":")[2], edge["target"].partition(":")[2]) for edge in graph["edges"]}, graph

    def test_it_is_followed_both_ways_over_several_steps(self, desk, chain):
        s1, s2, s3 = (str(chain[f"s{number}"]) for number in (1, 2, 3))
        found, graph = self.edges(desk, chain["s2"])
        assert found == {("a", s1), (s1, "b"), ("b", s2), (s2, "c"), ("c", s3)}
        assert {edge["label"] for edge in graph["edges"]} == {"a", ""}
        everything, _ = self.edges(desk, chain["s1"])
        assert everything == found | {(s1, "d")}

    def test_one_step_is_the_neighbours(self, desk, chain):
        s1, s2, s3 = (str(chain[f"s{number}"]) for number in (1, 2, 3))
        assert self.edges(desk, chain["s3"], hops=1)[0] == {(s2, "c"), ("c", s3)}
        assert ("a", s1) in self.edges(desk, chain["s3"], hops=10)[0]
        assert self.edges(desk, chain["s3"], hops="x")[0] == self.edges(desk, chain["s3"], hops=3)[0]

    def test_a_circle_ends(self, desk, chain):
        link(Dag.objects.get(pk="a"), "s3")
        found, _ = self.edges(desk, chain["s1"], hops=10)
        assert (str(chain["s3"]), "a") in found

    def test_it_leads_over_readable_dags_only(self, chain):
        client = client_of(restricted(dag_id="c", also=[Pair("can_read", name) for name in ("Website", "Datasets")]))
        s2, s3 = str(chain["s2"]), str(chain["s3"])
        assert self.edges(client, chain["s3"])[0] == {(s2, "c"), ("c", s3)}

    def test_its_cost_does_not_grow(self, desk, chain, django_assert_max_num_queries):
        address = reverse("admin:desk_dataset_graph_data")
        with django_assert_max_num_queries(9):
            desk.get(address, {"dataset": chain["s1"], "hops": 10})

    def test_the_page_names_the_dataset(self, desk, chain):
        page = desk.get(reverse("admin:desk_dataset_graph"), {"dataset": chain["s1"]}).content.decode()
        assert "Lineage of" in page
        assert "<option selected>3</option>" in page
