"""Names that complete what is typed: whose they are, which come first, and what they cost."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from orchestration.access.permissions import Pair
from orchestration.models import TaskInstance
from tests.admin.conftest import client_of
from tests.factories import DagTagFactory, PoolFactory, make_dag, make_run
from tests.people import person, restricted, role
from tests.security.world import CANARY, World

pytestmark = pytest.mark.django_db

KINDS = ["dag", "task", "run", "owner", "tag", "user", "pool"]


def names(client, kind: str, text: str):
    return client.get(reverse("admin:desk_names", args=(kind,)), {"q": text})


def test_names_that_begin_with_the_text_come_first_and_each_once(desk):
    for dag_id in ("a_sales", "sales"):
        run = make_run(make_dag("load_sales >> sales_x", dag_id=dag_id, owners="bob, ann"), run_id=f"r_{dag_id}")
        DagTagFactory(dag=run.dag, name="daily sales")
    PoolFactory(name="sales pool")
    assert names(desk, "dag", "Sales").json() == ["sales", "a_sales"]
    assert names(desk, "task", "sales").json() == ["sales_x", "load_sales"]
    assert names(desk, "run", "sales").json() == ["r_sales", "r_a_sales"]
    assert names(desk, "owner", "an").json() == ["ann"]
    assert names(desk, "tag", "sales").json() == ["daily sales"]
    assert names(desk, "user", "bos").json() == ["boss"]
    assert names(desk, "pool", "sa").json() == ["sales pool"]
    assert names(desk, "dag", " ").json() == []


def test_other_kinds_are_not_there(desk):
    assert names(desk, "secret", "x").status_code == 404


@pytest.mark.parametrize("kind", KINDS)
def test_no_name_of_a_dag_that_one_may_not_read(kind):
    World()
    TaskInstance.objects.filter(dag="d2").update(task_id=CANARY)
    also = [Pair("can_read", name) for name in ("Website", "DAG Runs", "Task Instances")]
    for text in ("d2", CANARY[2:], "t"):
        answer = names(client_of(restricted(f"only{text}", also=also)), kind, text)
        assert answer.status_code == 200 if kind in ("dag", "task", "run", "owner", "tag") else 403
        assert CANARY not in answer.content.decode()
        assert '"d2"' not in answer.content.decode()


@pytest.mark.parametrize("kind", KINDS)
def test_who_may_not_read_the_rows_gets_no_names(kind):
    role("none", [Pair("can_read", "Website")])
    assert names(client_of(person("none")), kind, "a").status_code == 403


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rows", [1, 12])
def test_they_cost_the_same_for_few_and_many(desk, kind, rows, django_assert_max_num_queries):
    for number in range(rows):
        make_run(make_dag("a", dag_id=f"a{number}", owners="anna"))
    names(desk, kind, "a")
    with django_assert_max_num_queries(6):
        assert names(desk, kind, "a").status_code == 200


def test_filters_know_where_their_names_are(desk):
    page = desk.get(reverse("admin:orchestration_taskinstance_changelist")).content.decode()
    found = re.findall(r'name="(\w+)"[^>]*data-names="[^"]*/names/(\w+)\.json"', page)
    assert dict(found) == {"dag": "dag", "dag_owner": "owner", "run__run_id": "run", "task_id": "task"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [({"task_id": "a"}, 2), ({"dag_owner": "ann"}, 2), ({"dag_owner": "an"}, 0), ({"run__run_id": "r1"}, 2)],
)
def test_task_instances_are_filtered_by_task_owner_and_run(desk, query, expected):
    make_run(make_dag("a, b", dag_id="d1", owners="bob, ann"), run_id="r1")
    make_run(make_dag("a, b", dag_id="d2", owners="bob"), run_id="r2")
    page = desk.get(reverse("admin:orchestration_taskinstance_changelist"), query)
    assert page.context["cl"].result_count == expected


def test_runs_are_filtered_by_id_and_owner(desk):
    make_run(make_dag("a", dag_id="d1", owners="bob, ann"), run_id="r1")
    make_run(make_dag("a", dag_id="d2", owners="bob"), run_id="r2")
    address = reverse("admin:orchestration_dagrun_changelist")
    for query, expected in (({"run_id": "r1"}, 1), ({"dag_owner": "bob"}, 2), ({"dag_owner": "ann"}, 1)):
        assert desk.get(address, query).context["cl"].result_count == expected
