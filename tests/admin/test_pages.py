"""The desk's own pages: who may open them, what they cost, and that names are never markup."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orchestration.admin.pages.dag import TAB_PAGES
from orchestration.models import Dag, DagRun, EventLog, TaskInstance
from tests.admin.conftest import client_of
from tests.factories import (
    DagImportErrorFactory,
    DagTagFactory,
    DagWarningFactory,
    JobFactory,
    PoolFactory,
    XComFactory,
    make_dag,
    make_run,
    serialized,
)
from tests.people import person, restricted

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>\"'{{7*7}}"
#: No page may cost more.
MOST_QUERIES = 30


@pytest.fixture
def d1() -> Dag:
    dag = make_dag("a >> b", dag_id="d1")
    make_run(dag, {"a": "success", "b": "failed"}, run_id="r1", state="failed")
    return dag


def pages(dag_id: str = "d1", run_id: str = "r1", task_id: str = "a") -> list[str]:
    """The addresses of all pages and data of one DAG, run and task."""
    tabs = [reverse("admin:desk_dag_tab", args=(dag_id, tab)) for tab in TAB_PAGES]
    of_dag = ["desk_dag", "desk_grid", "desk_graph", "desk_gantt", "desk_calendar", "desk_durations", "desk_trigger"]
    of_dag += ["desk_badge", "desk_badge_data"]
    return [
        *tabs,
        *(reverse(f"admin:{name}", args=(dag_id,)) for name in of_dag),
        reverse("admin:desk_run", args=(dag_id, run_id)),
        reverse("admin:desk_task", args=(dag_id, run_id, task_id)),
        reverse("admin:desk_log", args=(dag_id, run_id, task_id)) + "?try=1",
    ]


def needs_more(address: str) -> bool:
    """Whether the page asks more than reading DAGs, runs and tasks."""
    return "/trigger/" in address or "/audit/" in address


def post(client, name, args, body):
    return client.post(reverse(f"admin:{name}", args=args), body, content_type="application/json")


def test_every_page_opens_for_an_administrator(desk, d1):
    for address in [reverse("admin:index"), reverse("admin:desk_dags"), *pages()]:
        assert desk.get(address).status_code == 200, address


def test_a_person_without_permissions_opens_no_page(d1):
    client = client_of(person("Public"))
    for address in [reverse("admin:index"), reverse("admin:desk_dags"), *pages()]:
        assert client.get(address).status_code in (302, 403), address


def test_someone_who_may_read_one_dag_opens_its_pages_and_no_others(d1):
    make_run(make_dag("a", dag_id="d2"), run_id="r1")
    client = client_of(restricted())
    for address in pages("d1"):
        assert client.get(address).status_code in ((200, 403) if needs_more(address) else (200,)), address
    for address in pages("d2"):
        assert client.get(address).status_code == 403, address
    listed = client.get(reverse("admin:desk_dags")).content.decode()
    assert "/dags/d1/" in listed
    assert "/dags/d2/" not in listed  # the two letters alone may stand in the page's CSRF token


def test_a_viewer_reads_and_changes_nothing(d1):
    client = client_of(person("Viewer"))
    for address in pages():
        assert client.get(address).status_code == (403 if needs_more(address) else 200), address
    verbs = [
        ("desk_dag_pause", ("d1",), {"is_paused": True}),
        ("desk_dag_delete", ("d1",), {}),
        ("desk_dag_reparse", ("d1",), {}),
        ("desk_trigger_run", ("d1",), {}),
        ("desk_run_clear", ("d1", "r1"), {}),
        ("desk_run_mark", ("d1", "r1"), {"state": "success"}),
        ("desk_run_delete", ("d1", "r1"), {}),
        ("desk_run_note", ("d1", "r1"), {"note": "x"}),
        ("desk_task_clear", ("d1", "r1", "a"), {}),
        ("desk_task_mark", ("d1", "r1", "a"), {"state": "success"}),
        ("desk_task_note", ("d1", "r1", "a"), {"note": "x"}),
    ]
    for name, args, body in verbs:
        assert post(client, name, args, body).status_code == 403, name
    assert DagRun.objects.get().state == "failed"


def test_verbs_need_the_csrf_token(d1):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(person("Admin"), backend="orchestration.access.backends.RoleBackend")
    assert post(client, "desk_dag_pause", ("d1",), {"is_paused": True}).status_code == 403
    assert Dag.objects.get().is_paused is False


def test_what_is_not_there_is_404(desk, d1):
    for address in (
        reverse("admin:desk_dag", args=("nope",)),
        reverse("admin:desk_dag_tab", args=("d1", "nope")),
        reverse("admin:desk_run", args=("d1", "nope")),
        reverse("admin:desk_task", args=("d1", "r1", "nope")),
        reverse("admin:desk_task", args=("d1", "r1", "a")) + "?map_index=7",
    ):
        assert desk.get(address).status_code == 404, address


@pytest.mark.parametrize("many", [1, 12])
def test_pages_cost_a_fixed_number_of_queries(desk, many, django_assert_max_num_queries):
    """The bounds hold for one row and for many."""
    JobFactory()
    PoolFactory.create_batch(many)
    DagImportErrorFactory.create_batch(many)
    for number in range(many):
        dag = make_dag("a >> b >> c", dag_id=f"d{number}")
        DagTagFactory.create_batch(2, dag=dag)
        DagWarningFactory(dag=dag)
        for index in range(many):
            make_run(dag, {"a": "success"}, run_id=f"r{index}")
    costs = {
        reverse("admin:index"): 18,
        reverse("admin:desk_dags"): 14,
        **dict.fromkeys(pages("d0", "r0"), 22),
    }
    for address, cost in costs.items():
        desk.get(address)
        with django_assert_max_num_queries(min(cost, MOST_QUERIES)):
            assert desk.get(address).status_code == 200


def test_hostile_texts_are_shown_and_never_markup(desk):
    shape = serialized(
        "a",
        dag_id="d1",
        description=HOSTILE,
        doc_md=HOSTILE + '<img src=x onerror="alert(1)"> [x](javascript:alert(1))',
        params={"p": {"value": HOSTILE, "description": HOSTILE, "schema": {"type": "string", "title": HOSTILE}}},
        tasks={"a": {"doc": HOSTILE, "doc_md": HOSTILE, "task_display_name": HOSTILE}},
    )
    dag = make_dag(shape, description=HOSTILE, owners=HOSTILE, dag_display_name=HOSTILE, timetable_description=HOSTILE)
    DagTagFactory(dag=dag, name=HOSTILE)
    DagWarningFactory(dag=dag, message=HOSTILE)
    DagImportErrorFactory(filename=HOSTILE, stack_trace=HOSTILE)
    run = make_run(dag, {"a": "failed"}, run_id="r1", note=HOSTILE, conf={"x": HOSTILE})
    run.task_instances.update(note=HOSTILE, reason=HOSTILE, hostname=HOSTILE)
    XComFactory(task_instance=run.task_instances.get(), key=HOSTILE, value=HOSTILE)
    EventLog.record("x", dag_id="d1", run_id="r1", task_id="a", owner=HOSTILE, extra=HOSTILE)
    for address in [reverse("admin:index"), reverse("admin:desk_dags"), *pages()]:
        answer = desk.get(address)
        assert answer.status_code == 200, address
        if "json" in answer["Content-Type"]:
            continue
        page = answer.content.decode()
        assert "<script>alert" not in page, address
        assert "onerror=" not in page.replace("onerror=&quot;", ""), address
        assert "javascript:alert" not in page, address
    reflected = desk.get(reverse("admin:desk_dags"), {"search": HOSTILE, "owner": HOSTILE, "tag": HOSTILE})
    assert "<script>alert" not in reflected.content.decode()


def test_html_answers_carry_a_policy_without_other_hosts(desk, d1):
    policy = desk.get(reverse("admin:desk_dag", args=("d1",)))["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "http" not in policy


def test_data_answer_304_while_nothing_changed(desk, d1):
    address = reverse("admin:desk_grid", args=("d1",))
    first = desk.get(address)
    assert desk.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304
    TaskInstance.objects.update(state="running")
    assert desk.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_the_switch_pauses_and_is_logged(desk, d1):
    assert post(desk, "desk_dag_pause", ("d1",), {"is_paused": True}).json() == {"dag_id": "d1", "is_paused": True}
    assert Dag.objects.get().is_paused is True
    assert EventLog.objects.get(event="patch_dag").owner == "boss"
    assert post(desk, "desk_dag_pause", ("d1",), {"is_paused": "yes"}).status_code == 400


def test_a_clear_is_previewed_and_done(desk, d1):
    preview = post(desk, "desk_task_clear", ("d1", "r1", "a"), {"downstream": True, "dry_run": True}).json()
    assert {row["task_id"] for row in preview["affected"]} == {"a", "b"}
    assert set(TaskInstance.objects.values_list("state", flat=True)) == {"success", "failed"}
    assert not EventLog.objects.exists()
    assert post(desk, "desk_task_clear", ("d1", "r1", "a"), {"downstream": True}).json()["count"] == 2
    assert set(TaskInstance.objects.values_list("state", flat=True)) == {""}
    assert DagRun.objects.get().state == "queued"
    assert EventLog.objects.get().event == "post_clear_task_instances"


def test_failed_tasks_are_run_again(desk, d1):
    answer = post(desk, "desk_run_clear", ("d1", "r1"), {"only_failed": True}).json()
    assert [row["task_id"] for row in answer["affected"]] == ["b"]
    assert dict(TaskInstance.objects.values_list("task_id", "state")) == {"a": "success", "b": ""}


@pytest.mark.parametrize("state", ["success", "failed"])
def test_a_task_and_a_run_are_marked(desk, d1, state):
    assert post(desk, "desk_task_mark", ("d1", "r1", "b"), {"state": state}).status_code == 200
    assert TaskInstance.objects.get(task_id="b").state == state
    assert post(desk, "desk_run_mark", ("d1", "r1"), {"state": state}).json() == {"state": state}


def test_a_run_is_deleted(desk, d1):
    assert post(desk, "desk_run_delete", ("d1", "r1"), {"dry_run": True}).json()["count"] == 2
    assert post(desk, "desk_run_delete", ("d1", "r1"), {}).json() == {"url": reverse("admin:desk_dag", args=("d1",))}
    assert not DagRun.objects.exists()


def test_notes_are_written(desk, d1):
    assert post(desk, "desk_run_note", ("d1", "r1"), {"note": "look"}).json() == {"note": "look"}
    assert post(desk, "desk_task_note", ("d1", "r1", "a"), {"note": "here"}).json() == {"note": "here"}
    assert post(desk, "desk_task_note", ("d1", "r1", "a"), {"note": "x" * 1001}).status_code == 400


def test_a_run_is_triggered_with_its_params(desk):
    params = {"n": {"value": 1, "description": None, "schema": {"type": "integer", "minimum": 1}}}
    make_dag(serialized("a", dag_id="d1", params=params), is_paused=True)
    body = {"conf": {"n": 3}, "run_id": "mine", "logical_date": "2024-05-01T00:00:00+00:00", "unpause": True}
    answer = post(desk, "desk_trigger_run", ("d1",), body)
    assert answer.json() == {"run_id": "mine", "url": reverse("admin:desk_run", args=("d1", "mine"))}
    assert DagRun.objects.get().conf == {"n": 3}
    assert Dag.objects.get().is_paused is False
    refused = post(desk, "desk_trigger_run", ("d1",), {"conf": {"n": 0}})
    assert refused.status_code == 400
    assert "param n" in refused.json()["detail"]


def test_a_tasks_page_says_why_it_does_not_run(desk):
    dag = make_dag("a >> b", dag_id="d1", is_paused=True)
    make_run(dag, run_id="r1")
    page = desk.get(reverse("admin:desk_task", args=("d1", "r1", "b"))).content.decode()
    assert "Why it is not running yet" in page
    assert "is paused" in page
    assert "Trigger Rule" in page


def test_a_log_is_read_piece_by_piece_and_downloaded(desk, d1):
    from orchestration.admin.pages import logs
    from orchestration.execution.logs import log_path

    TaskInstance.objects.update(try_number=1)
    path = log_path(dag_id="d1", run_id="r1", task_id="a", map_index=-1, try_number=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"line {number} {'x' * 90}\n" for number in range(9000))
    path.write_text(lines)
    address = reverse("admin:desk_log", args=("d1", "r1", "a"))
    first = desk.get(address, {"try": 1}).json()
    assert first["skipped"] > 0
    assert first["text"].startswith("line ")
    assert len(first["text"]) <= logs.PIECE
    assert first["text"].endswith(lines[-100:])
    with path.open("a") as file:
        file.write("more\n")
    assert desk.get(address, {"try": 1, "at": first["at"]}).json()["text"] == "more\n"
    whole = b"".join(desk.get(reverse("admin:desk_log_file", args=("d1", "r1", "a")), {"try": 1}).streaming_content)
    assert whole.decode() == lines + "more\n"
    assert desk.get(address, {"try": 1, "at": "nonsense"}).status_code == 404
