"""Pages of every list: each row once, whatever the order, and links that lead from page to page."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from api_v1 import pagination
from api_v1.viewsets import ALL
from orchestration.models import DagRun, Pool, TaskInstance, User
from tests.api_v1.conftest import Api
from tests.factories import (
    BackfillFactory,
    ConnectionFactory,
    DagImportErrorFactory,
    DagWarningFactory,
    DatasetEventFactory,
    DatasetFactory,
    EventLogFactory,
    PoolFactory,
    UserFactory,
    VariableFactory,
    XComFactory,
    make_dag,
    make_run,
)

#: More than two pages of two.
ROWS = range(5)


def dags() -> None:
    for number in ROWS:
        make_dag("a", dag_id=f"d{number}")


def runs() -> None:
    dag = make_dag("a", dag_id="d")
    for number in ROWS:
        make_run(dag, {"a": "success"}, run_id=f"r{number}", state="success")


def instances() -> None:
    make_run(make_dag("a, b, c, d, e", dag_id="d"), run_id="r")


def mapped() -> None:
    run = make_run(make_dag("a", dag_id="d"), run_id="r")
    ti = run.task_instances.get()
    for number in ROWS:
        ti.pk, ti.map_index, ti._state.adding = None, number, True
        ti.save()
    run.task_instances.filter(map_index=-1).delete()


def xcoms() -> None:
    instances()
    ti = DagRun.objects.get().task_instances.get(task_id="a")
    for number in ROWS:
        XComFactory(task_instance=ti, key=f"k{number}")


def each(factory: Callable[..., object], **fields: Callable[[int], object]) -> Callable[[], None]:
    """Makes as many rows of a factory."""

    def make() -> None:
        for number in ROWS:
            factory(**{name: value(number) for name, value in fields.items()})

    return make


def warnings() -> None:
    for number in ROWS:
        DagWarningFactory(dag=make_dag("a", dag_id=f"d{number}"))


def errors() -> None:
    for number in ROWS:
        DagImportErrorFactory(filename=f"/dags/{number}.py")


def dataset_events() -> None:
    dataset = DatasetFactory()
    for _ in ROWS:
        DatasetEventFactory(dataset=dataset)


def tokens() -> None:
    api = Api()
    for number in ROWS:
        assert api.post("/tokens", {"name": f"t{number}"}).status == 200


def backfills() -> None:
    for number in ROWS:
        BackfillFactory(dag=make_dag("a", dag_id=f"d{number}"))


#: Operation → address, what fills the list, what tells its rows apart.
LISTS: dict[str, tuple[str, Callable[[], None], tuple[str, ...]]] = {
    "get_dags": ("/dags", dags, ("dag_id",)),
    "get_dag_runs": ("/dags/d/dagRuns", runs, ("dag_run_id",)),
    "get_task_instances": ("/dags/d/dagRuns/r/taskInstances", instances, ("task_id",)),
    "get_mapped_task_instances": ("/dags/d/dagRuns/r/taskInstances/a/listMapped", mapped, ("map_index",)),
    "get_xcom_entries": ("/dags/d/dagRuns/r/taskInstances/a/xcomEntries", xcoms, ("key",)),
    "get_dag_warnings": ("/dagWarnings", warnings, ("dag_id",)),
    "get_import_errors": ("/importErrors", errors, ("import_error_id",)),
    "get_connections": ("/connections", each(ConnectionFactory, conn_id="c{}".format), ("connection_id",)),
    "get_variables": ("/variables", each(VariableFactory, key="k{}".format), ("key",)),
    "get_pools": ("/pools", each(PoolFactory, name="p{}".format), ("name",)),
    "get_datasets": ("/datasets", each(DatasetFactory, uri="s3://{}".format), ("id",)),
    "get_dataset_events": ("/datasets/events", dataset_events, ("id",)),
    "get_event_logs": ("/eventLogs", each(EventLogFactory), ("event_log_id",)),
    "get_users": ("/users", each(UserFactory, username="u{}".format), ("username",)),
    "get_roles": ("/roles", each(Group.objects.create, name="g{}".format), ("name",)),
    "get_permissions": ("/permissions", lambda: None, ("name",)),
    "get_tokens": ("/tokens", tokens, ("token_id",)),
    "get_backfills": ("/backfills", backfills, ("id",)),
}
#: Lists whose limit takes nothing away, as in the reference.
WHOLE = {"get_plugins", "get_task_instance_tries", "get_mapped_task_instance_tries"}
#: Lists that the reference orders in one direction only.
ASCENDING = {"get_users", "get_roles"}
SERVED = {operation.id: operation for viewset in ALL for operation in viewset.operations}


def links(answer) -> dict[str, str]:
    found = re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers.get("Link", ""))
    return {name: address.removeprefix("http://testserver/api/v1") for address, name in found}


def follow(api: Api, address: str):
    answer = api.get(address)
    assert answer.status == 200, answer
    (rows,) = (value for value in answer.json.values() if isinstance(value, list))
    return answer, rows


def test_every_list_with_pages_is_walked_here() -> None:
    reading = [operation for operation in SERVED.values() if operation.method == "GET" and operation.parameters]
    paged = {operation.id for operation in reading if "limit" in operation.parameters.base_filters}
    assert set(LISTS) <= paged <= set(LISTS) | WHOLE


@pytest.mark.parametrize("name", LISTS)
def test_links_lead_through_each_row_once_and_back(api: Api, name: str) -> None:
    address, fill, key = LISTS[name]
    fill()
    _, all_rows = follow(api, f"{address}?limit=100")
    expected = [tuple(row.get(part) for part in key) for row in all_rows]
    step = 2 if len(expected) < 20 else 40
    answer, rows = follow(api, f"{address}?limit={step}")
    assert set(links(answer)) == {"first", "next", "last"}
    walked = [*rows]
    while (to := links(answer).get("next")) is not None:
        answer, rows = follow(api, to)
        walked += rows
        assert len(walked) <= answer.json["total_entries"]
    assert [tuple(row.get(part) for part in key) for row in walked] == expected
    assert links(answer)["last"] == to or set(links(answer)) == {"first", "prev", "last"}
    assert follow(api, links(answer)["last"])[1] == rows
    back = 0
    while (to := links(answer).get("prev")) is not None:
        answer, rows = follow(api, to)
        back += 1
    assert back == (len(expected) - 1) // step
    assert rows == walked[: len(rows)]


@pytest.mark.parametrize("name", [name for name in LISTS if "order_by" in SERVED[name].parameters.base_filters])
def test_in_every_order_a_walk_gives_each_row_once(api: Api, name: str) -> None:
    """Equal values are kept apart by the primary key."""
    address, fill, key = LISTS[name]
    fill()
    told = str(SERVED[name].parameters.base_filters["order_by"].extra["help_text"])
    columns = re.findall(r"(-?\w+)(?: \([^)]*\))?(?:, |\.)", told.partition("One of: ")[2])
    assert columns
    for column in columns:
        is_alone = name in ASCENDING or column.startswith("-")
        for order_by in (column,) if is_alone else (column, f"-{column}"):
            answer, whole = follow(api, f"{address}?limit=100&order_by={order_by}")
            walked = []
            for offset in range(0, len(whole), 2):
                walked += follow(api, f"{address}?limit=2&offset={offset}&order_by={order_by}")[1]
            assert walked == whole, order_by
            assert len({tuple(row[part] for part in key) for row in walked}) == answer.json["total_entries"], order_by


def test_a_link_keeps_what_was_asked(api: Api) -> None:
    runs()
    answer = api.get("/dags/d/dagRuns", limit=2, offset=2, state=["success", "failed"], order_by="-id")
    for address in links(answer).values():
        assert parse_qs(urlsplit(address).query)["state"] == ["success", "failed"]
        assert parse_qs(urlsplit(address).query)["order_by"] == ["-id"]
    assert parse_qs(urlsplit(links(answer)["next"]).query)["offset"] == ["4"]
    assert parse_qs(urlsplit(links(answer)["prev"]).query)["offset"] == ["0"]


def test_a_link_leads_back_to_an_odd_address(api: Api) -> None:
    dag = make_dag("a, b, c", dag_id="what? #1 50%+")
    make_run(dag, run_id="r+1")
    answer = api.get("/dags/what%3F%20%231%2050%25+/dagRuns/r+1/taskInstances", limit=1)
    assert answer.status == 200, answer
    _, rows = follow(api, links(answer)["next"])
    assert [row["task_id"] for row in rows] == ["b"]


def test_a_page_limit_that_was_cut_is_the_links_own(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__MAXIMUM_PAGE_LIMIT", "2")
    dags()
    answer = api.get("/dags", limit=100)
    assert len(answer.json["dags"]) == 2
    assert parse_qs(urlsplit(links(answer)["next"]).query) == {"limit": ["2"], "offset": ["2"]}


@pytest.mark.parametrize("path", ["/dags/~/dagRuns/list", "/dags/~/dagRuns/~/taskInstances/list"])
def test_a_page_that_a_body_asks_for_has_no_links(api: Api, path: str) -> None:
    runs()
    answer = api.post(path, {"page_limit": 2})
    assert (answer.json["total_entries"], "Link" in answer.headers) == (5, False)


def test_a_list_on_one_page_and_the_page_after_the_last_have_no_next(api: Api) -> None:
    dags()
    assert "Link" not in api.get("/dags").headers
    assert set(links(api.get("/dags", limit=2, offset=50))) == {"first", "prev", "last"}


def test_the_head_of_a_list_has_its_links(api: Api, people: dict[str, User]) -> None:
    dags()
    assert set(links(api.send("HEAD", "/dags", limit=2))) == {"first", "next", "last"}


@pytest.mark.django_db
@pytest.mark.parametrize("few", [0, 2_000])
def test_rows_by_id_are_the_same_however_they_are_looked_up(few, monkeypatch) -> None:
    monkeypatch.setattr(pagination, "_FEW", few)
    for name, slots in (("a", 7), ("b", 8), ("c", 7)):
        PoolFactory(name=name, slots=slots)
    found = pagination.by_id(Pool.objects.filter(slots=7).order_by("-id"), 2)
    assert [pool.name for pool in found] == ["a", "c"]
    assert [pool.name for pool in found[1:]] == ["c"]


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "sqlite", reason="other databases know how many rows a filter leaves")
def test_sqlite_looks_a_few_task_instances_up_by_an_index_of_the_filter() -> None:
    recent = TaskInstance.objects.filter(start_date__gte=timezone.now())
    assert "task_instance_start_date" in pagination.by_id(recent, 1).explain()
    assert "task_instance_start_date" not in pagination.by_id(recent, 1_000_000).explain()
