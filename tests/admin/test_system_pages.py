"""Pages beside DAGs and their runs: who may open them, whose DAGs they show, what they cost, and hostile texts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from orchestration.access.permissions import Pair
from orchestration.models import (
    Dag,
    DagDatasetReference,
    DagOwnerLink,
    DagTag,
    Dataset,
    TaskInstance,
    TaskOutletReference,
    Variable,
)
from tests.admin.conftest import client_of
from tests.factories import (
    ConnectionFactory,
    DagFactory,
    DatasetEventFactory,
    JobFactory,
    PoolFactory,
    TriggerFactory,
    VariableFactory,
    make_dag,
    make_run,
    serialized,
)
from tests.people import person, restricted, role
from tests.security.world import CANARY, World

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"
#: Name of a page, and the weakest built-in role that may open it.
PAGES = {
    "desk_datasets": "Viewer",
    "desk_dataset_events": "Viewer",
    "desk_dataset_graph": "Viewer",
    "desk_dataset_graph_data": "Viewer",
    "desk_dependencies": "Viewer",
    "desk_dependencies_data": "Viewer",
    "desk_cluster": "Viewer",
    "desk_workers": "Viewer",
    "desk_profile": "Viewer",
    "desk_config": "Op",
    "desk_plugins": "Op",
    "desk_providers": "Op",
    "desk_variables_export": "Op",
    "desk_variables_import": "Op",
    "desk_permissions": "Admin",
}
ROLES = ["Public", "Viewer", "User", "Op", "Admin"]
#: The lists of tables that an operator browses.
LISTS = [
    "dagrun", "taskinstance", "job", "eventlog", "taskreschedule", "trigger", "slamiss", "dagimporterror", "dagwarning",
    "pool", "variable", "connection", "user", "personalaccesstoken", "datasetevent", "xcom", "taskinstancehistory",
    "automation", "notificationchannel", "delivery",
]  # fmt: skip


def link(dag: Dag, uri: str, *, writes: bool = False) -> Dataset:
    """A dataset that the DAG waits for, or that its task ``a`` writes."""
    dataset, _ = Dataset.objects.get_or_create(uri=uri)
    if writes:
        TaskOutletReference.objects.create(dag=dag, task_id="a", dataset=dataset)
    else:
        DagDatasetReference.objects.create(dag=dag, dataset=dataset)
    return dataset


def triggering(dag_id: str, other: str, kind: str = "trigger", task_id: str = "call") -> Dag:
    """A DAG whose task triggers or waits for another DAG."""
    return make_dag(
        serialized(task_id, dag_id=dag_id, tasks={task_id: {"external_dag": {"kind": kind, "dag_id": other}}})
    )


@pytest.mark.parametrize("name", ROLES)
def test_pages_open_for_the_roles_that_the_api_lets_read_the_same(name):
    client = client_of(person(name))
    for page, weakest in PAGES.items():
        allowed = ROLES.index(name) >= ROLES.index(weakest)
        status = client.get(reverse(f"admin:{page}")).status_code
        assert status == 200 if allowed else status in (302, 403), page


def test_the_sidebar_leads_to_no_page_that_would_refuse(desk):
    for name in ROLES[1:]:
        client = client_of(person(name))
        page = client.get(reverse("admin:desk_profile"))
        links = [item["link"] for group in page.context["sidebar_navigation"] for item in group["items"]]
        assert reverse("admin:desk_cluster") in links
        for address in links:
            assert client.get(address).status_code == 200, (name, address)


def test_one_who_may_read_one_dag_learns_nothing_of_another():
    world = World()
    triggering("d4", "d2")
    also = [Pair("can_read", name) for name in ("Website", "Audit Logs", "Task Reschedules", "Triggers")]
    client = client_of(restricted(also=also))
    addresses = [reverse(f"admin:{page}") for page in PAGES if PAGES[page] == "Viewer"]
    addresses += [
        reverse(f"admin:orchestration_{model}_changelist") for model in ("dagrun", "taskinstance", "eventlog")
    ]
    addresses += [
        reverse("admin:desk_dependencies_data") + "?dag_id=d2&alone=1",
        reverse("admin:desk_dataset_graph_data"),
    ]
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200, address
        text = answer.content.decode()
        assert CANARY not in text, address
        assert "/d2/" not in text, address
        assert '"d2"' not in text, address
    hidden = Dataset.objects.get(uri=f"s3://{CANARY}")
    assert client.get(reverse("admin:desk_dataset", args=(hidden.pk,))).status_code == 404
    assert (
        client.get(reverse("admin:desk_dataset", args=(Dataset.objects.get(uri="s3://plain").pk,))).status_code == 200
    )
    assert world.d2


def test_one_who_may_read_one_dag_opens_the_rows_that_the_lists_show_of_it():
    for dag_id in ("d1", "d2"):
        dag = DagFactory(dag_id=dag_id)
        DagTag.objects.create(dag=dag, name=f"of-{dag_id}")
        DagOwnerLink.objects.create(dag=dag, owner=f"of-{dag_id}", link="https://people.example.org")
    client = client_of(restricted())
    for model in (DagTag, DagOwnerLink):
        name = f"admin:orchestration_{model._meta.model_name}"
        text = client.get(reverse(f"{name}_changelist")).content.decode()
        mine, other = (reverse(f"{name}_change", args=(model.objects.get(dag=dag_id).pk,)) for dag_id in ("d1", "d2"))
        assert mine in text
        assert other not in text
        assert client.get(mine).status_code == 200
        assert client.get(other).status_code == 302, "as of a row that is not there"


@pytest.mark.parametrize("many", [1, 12])
def test_pages_cost_a_fixed_number_of_queries(desk, many, django_assert_max_num_queries):
    JobFactory.create_batch(many)
    PoolFactory.create_batch(many)
    ConnectionFactory.create_batch(many)
    VariableFactory.create_batch(many)
    TriggerFactory.create_batch(many)
    for number in range(many):
        dag = triggering(f"d{number}", "d0")
        dataset = link(dag, f"s3://{number}")
        link(dag, f"s3://out{number}", writes=True)
        run = make_run(dag, {"call": "running"}, run_id="r")
        event = DatasetEventFactory(dataset=dataset)
        event.created_dag_runs.add(run)
    costs = {
        **dict.fromkeys([reverse(f"admin:{page}") for page in PAGES], 10),
        reverse("admin:desk_cluster"): 20,
        reverse("admin:desk_dataset", args=(Dataset.objects.first().pk,)): 14,
        **dict.fromkeys([reverse(f"admin:orchestration_{model}_changelist") for model in LISTS], 9),
    }
    for address, cost in costs.items():
        desk.get(address)
        with django_assert_max_num_queries(cost):
            assert desk.get(address).status_code == 200, address


def test_hostile_texts_are_shown_and_never_markup(desk):
    dag = make_dag(serialized("a", dag_id="d1"), dag_display_name=HOSTILE)
    dataset = link(dag, HOSTILE)
    link(dag, HOSTILE, writes=True)
    DatasetEventFactory(dataset=dataset, extra={"x": HOSTILE})
    PoolFactory(name=HOSTILE, description=HOSTILE)
    VariableFactory(key=HOSTILE, val=HOSTILE, description=HOSTILE)
    connection = ConnectionFactory(
        host=HOSTILE, description=HOSTILE, conn_type=HOSTILE, extra='{"a": "</script><script>alert(1)"}'
    )
    JobFactory(hostname=HOSTILE)
    role(HOSTILE, [Pair("can_read", "Pools")])
    person(username=HOSTILE, first_name=HOSTILE)
    run = make_run(dag, {"a": "failed"}, run_id="r1", note=HOSTILE)
    run.task_instances.update(note=HOSTILE, pool=HOSTILE, hostname=HOSTILE, state="running")
    addresses = [reverse(f"admin:{page}") for page in PAGES]
    addresses += [reverse(f"admin:orchestration_{model}_changelist") for model in LISTS]
    addresses += [
        reverse("admin:desk_dataset", args=(dataset.pk,)),
        reverse("admin:orchestration_connection_change", args=(connection.pk,)),
        *(
            f"{reverse(f'admin:{page}')}?search={HOSTILE}&dag_id={HOSTILE}&role={HOSTILE}&start={HOSTILE}&period={HOSTILE}"
            for page in PAGES
        ),
        reverse("admin:orchestration_dagrun_changelist") + f"?q={HOSTILE}&dag={HOSTILE}",
    ]
    for address in addresses:
        answer = desk.get(address)
        assert answer.status_code == 200, address
        if "html" in answer["Content-Type"]:
            assert "<script>alert" not in answer.content.decode(), address
            assert "script-src 'self' 'unsafe-eval';" in answer["Content-Security-Policy"], address


def test_a_list_counts_no_further_than_it_pages(desk, monkeypatch):
    from orchestration.admin.tables import paging

    monkeypatch.setattr(paging, "MOST_COUNTED", 3)
    dag = make_dag("a", dag_id="d1")
    for number in range(5):
        make_run(dag, run_id=f"r{number}")
    page = desk.get(reverse("admin:orchestration_dagrun_changelist")).content.decode()
    assert "More than 3 DAG runs" in page


def test_a_search_in_history_looks_among_the_newest_rows(desk, monkeypatch):
    from orchestration.admin.tables import paging

    dag = make_dag("a", dag_id="d1")
    for number in range(4):
        make_run(dag, run_id=f"wanted{number}")
    address = reverse("admin:orchestration_dagrun_changelist")
    assert desk.get(address, {"q": "wanted"}).context["cl"].result_count == 4
    monkeypatch.setattr(paging, "SEARCH_WINDOW", 2)
    assert desk.get(address, {"q": "wanted"}).context["cl"].result_count == 2


def test_a_list_is_filtered_by_a_part_of_the_dag_s_id_and_by_state(desk):
    for dag_id in ("alpha.one", "alpha.two", "beta"):
        make_run(make_dag("a", dag_id=dag_id), {"a": "failed"}, run_id="r", state="failed")
    runs, tasks = (reverse(f"admin:orchestration_{name}_changelist") for name in ("dagrun", "taskinstance"))
    assert desk.get(runs, {"dag": "alpha"}).context["cl"].result_count == 2
    assert desk.get(tasks, {"dag": "beta", "state__exact": "failed"}).context["cl"].result_count == 1
    assert desk.get(tasks, {"run__run_id": "nope"}).context["cl"].result_count == 0


def test_the_dependencies_name_triggers_sensors_and_datasets(desk):
    triggering("caller", "called")
    triggering("waiter", "called", kind="sensor", task_id="see")
    called = make_dag("a", dag_id="called")
    link(called, "s3://x", writes=True)
    link(make_dag("b", dag_id="reader"), "s3://x")
    make_dag("c", dag_id="alone")
    address = reverse("admin:desk_dependencies_data")
    graph = desk.get(address).json()
    edges = {(edge["source"], edge["target"]) for edge in graph["edges"]}
    dataset = f"dataset:{Dataset.objects.get().pk}"
    assert edges == {
        ("dag:caller", "trigger:caller:call"),
        ("trigger:caller:call", "dag:called"),
        ("dag:called", "sensor:waiter:see"),
        ("sensor:waiter:see", "dag:waiter"),
        ("dag:called", dataset),
        (dataset, "dag:reader"),
    }
    assert "dag:alone" not in {node["id"] for node in graph["nodes"]}
    assert "dag:alone" in {node["id"] for node in desk.get(address, {"alone": 1}).json()["nodes"]}
    assert [node["id"] for node in desk.get(address, {"dag_id": "alone"}).json()["nodes"]] == ["dag:alone"]
    Dag.objects.filter(pk="caller").update(is_active=False)
    assert "dag:caller" not in {node["id"] for node in desk.get(address).json()["nodes"]}


def test_a_changed_version_is_looked_at_again(desk):
    dag = triggering("caller", "called")
    make_dag("a", dag_id="called")
    make_dag("a", dag_id="other")
    address = reverse("admin:desk_dependencies_data")
    assert "dag:called" in {node["id"] for node in desk.get(address).json()["nodes"]}
    Dag.objects.filter(pk=dag.pk).update(current_version=triggering("second", "other").current_version)
    named = {node["id"] for node in desk.get(address).json()["nodes"]}
    assert "dag:other" in named
    assert "dag:called" not in named


def test_a_list_is_filtered_by_moments_of_the_operator_s_zone(desk):
    run = make_run(make_dag("a", dag_id="d1"), {"a": "success"}, run_id="r")
    TaskInstance.objects.filter(run=run).update(start_date=datetime(2024, 3, 5, 23, 30, tzinfo=UTC))
    address = reverse("admin:orchestration_taskinstance_changelist")

    def count(**query: str) -> int:
        return desk.get(address, query).context["cl"].result_count

    assert count(start_date_from_0="2024-03-05", start_date_to_0="2024-03-05") == 1
    assert count(start_date_from_0="2024-03-05", start_date_from_1="23:45:00") == 0
    assert count(start_date_to_0="2024-03-04") == 0
    assert count(start_date_from_0="nonsense") == 1
    desk.cookies["desk_zone"] = "Asia%2FTokyo"
    assert count(start_date_from_0="2024-03-06", start_date_to_0="2024-03-06") == 1
    assert count(start_date_to_0="2024-03-05") == 0
    desk.cookies["desk_zone"] = "../etc/passwd"
    assert count(start_date_from_0="2024-03-05", start_date_to_0="2024-03-05") == 1


def test_an_empty_list_says_what_that_means_and_a_filtered_one_leads_back(desk):
    address = reverse("admin:orchestration_trigger_changelist")
    assert "No task is deferred" in desk.get(address).content.decode()
    TriggerFactory()
    page = desk.get(address, {"q": "nothing"}).content.decode()
    assert "Nothing matches" in page
    assert 'href="?"' in page


@pytest.mark.parametrize("query", ["", "&extended=1"])
def test_the_search_and_the_palette_find_pages_and_readable_dags(query):
    make_dag("a", dag_id="d1")
    make_dag("a", dag_id="d2")
    client = client_of(restricted(also=[Pair("can_read", "Website")]))
    address = reverse("admin:search")
    page = client.get(f"{address}?s=d{query}").content.decode()
    assert reverse("admin:desk_dag", args=("d1",)) in page
    assert reverse("admin:desk_dag", args=("d2",)) not in page
    assert reverse("admin:desk_cluster") in client.get(f"{address}?s=cluster{query}").content.decode()
    assert reverse("admin:desk_config") not in client.get(f"{address}?s=config{query}").content.decode()
    assert "<script>alert" not in client.get(f"{address}?s={HOSTILE}{query}").content.decode()


def test_nobody_gets_in_or_changes_anything_without_a_login():
    world = World()
    dataset = Dataset.objects.first()
    before = world.rows()
    client = Client()
    addresses = [*(reverse(f"admin:{page}") for page in PAGES), reverse("admin:desk_dataset", args=(dataset.pk,))]
    addresses += [
        reverse(f"admin:{name}") for name in ("desk_connection_test", "desk_profile_names", "desk_token_create")
    ]
    addresses += [reverse("admin:desk_dataset_event", args=(dataset.pk,)), reverse("admin:search") + "?s=d"]
    file = SimpleUploadedFile("v.json", b'{"a": "b"}')
    for address in addresses:
        for answer in (
            client.get(address),
            client.post(address, {"file": file, "name": "t", "scope": "read"}),
            client.post(address, {"name": "t", "scope": "read"}, content_type="application/json"),
        ):
            assert answer.status_code == 302, address
            assert answer.url.startswith(reverse("admin:login")), address
    assert world.rows() == before
    assert not Variable.objects.exists()


def test_no_address_read_by_get_changes_a_row(desk):
    world = World()
    before = world.rows()
    for page in PAGES:
        desk.get(reverse(f"admin:{page}"), {"extra": "{}", "existing": "overwrite", "name": "t", "action": "export"})
    assert world.rows() == before
