"""Verbs on all rows that a list matches: previewed, guarded, done step by step, each change logged by itself."""

from __future__ import annotations

import pytest
from django.urls import reverse

from orchestration.access.permissions import Pair
from orchestration.models import DagRun, EventLog, TaskInstance
from orchestration.services import bulk
from tests.admin.conftest import client_of
from tests.factories import make_dag, make_run
from tests.people import person, restricted

pytestmark = pytest.mark.django_db


@pytest.fixture
def runs() -> list[DagRun]:
    """Sixty runs of d1, every third failed at b, and a failed one of d2."""
    dag = make_dag("a >> b", dag_id="d1")
    made = [
        make_run(
            dag,
            {"a": "success", "b": "failed" if number % 3 == 0 else "success"},
            run_id=f"r{number:02}",
            state="failed" if number % 3 == 0 else "success",
        )
        for number in range(60)
    ]
    other = make_run(make_dag("a >> b", dag_id="d2"), {"a": "failed"}, run_id="other", state="failed")
    return [*made, other]


def post(client, name, kind, query, body):
    address = reverse(f"admin:{name}", args=(kind,))
    return client.post(f"{address}?{query}", body, content_type="application/json")


def all_steps(client, kind, query, body):
    """Preview, then every step; the answers of the steps."""
    page = client.get(reverse("admin:desk_bulk", args=(kind,)) + f"?{query}")
    assert page.status_code == 200
    data = page.context["data"]
    answers, after = [], 0
    while after is not None:
        sent = {**body, "after": after, "through": data["through"], "expected": data["count"]}
        answer = post(client, "desk_bulk_step", kind, query, sent)
        assert answer.status_code == 200, answer.content
        answers.append(answer.json())
        after = answers[-1]["after"]
    return answers


FAILED = "state__in=failed&dag__exact=d1"


def test_all_failed_runs_of_a_dag_are_run_again_from_their_failure(desk, runs, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH", 7)  # more than one step
    monkeypatch.setattr(bulk, "SECONDS", 60)
    answers = all_steps(desk, "runs", FAILED, {"verb": "rerun"})
    assert len(answers) == 3
    assert sum(answer["rows"] for answer in answers) == 20
    assert sum(answer["changed"] for answer in answers) == 20
    assert set(TaskInstance.objects.filter(dag="d1", task_id="b", state="").values_list("run__run_id", flat=True)) == {
        f"r{number:02}" for number in range(0, 60, 3)
    }
    assert not TaskInstance.objects.filter(task_id="a", state="").exists()
    assert DagRun.objects.get(dag="d2").state == "failed"


def test_each_changed_run_leaves_one_audit_row_with_its_actor(desk, runs):
    all_steps(desk, "runs", FAILED, {"verb": "success"})
    rows = EventLog.objects.filter(event="update_dag_run_state")
    assert rows.count() == EventLog.objects.count() == 20
    assert set(rows.values_list("owner", "dag_id")) == {("boss", "d1")}
    assert rows.values("run_id").distinct().count() == 20
    assert not DagRun.objects.filter(dag="d1", state="failed").exists()


def test_a_preview_tells_what_would_change_and_changes_nothing(desk, runs, monkeypatch):
    monkeypatch.setattr(bulk, "SECONDS", 60.0)  # a busy machine looks at fewer runs in its second
    through = DagRun.objects.order_by("-pk").first().pk
    body = {"verb": "clear", "options": {"only_failed": False}, "through": through}
    answer = post(desk, "desk_bulk_preview", "runs", FAILED, body).json()
    assert (answer["rows"], answer["count"], answer["is_all"]) == (20, 40, True)
    assert {row["task_id"] for row in answer["affected"]} == {"a", "b"}
    assert not EventLog.objects.exists()
    assert not TaskInstance.objects.filter(dag="d1", state="").exists()


def test_the_first_step_is_refused_when_other_rows_match_than_were_counted(desk, runs):
    sent = {"verb": "delete", "after": 0, "through": runs[-1].pk, "expected": 19}
    answer = post(desk, "desk_bulk_step", "runs", FAILED, sent)
    assert answer.status_code == 409
    assert "20 rows match now, not 19" in answer.json()["detail"]
    assert DagRun.objects.count() == 61


def test_rows_that_came_after_the_preview_are_left_alone(desk, runs):
    page = desk.get(reverse("admin:desk_bulk", args=("runs",)) + "?dag__exact=d2")
    through = page.context["data"]["through"]
    late = make_run(runs[-1].dag, run_id="late", state="failed")
    sent = {"verb": "delete", "after": 0, "through": through, "expected": 2}
    assert post(desk, "desk_bulk_step", "runs", "dag__exact=d2", sent).json()["rows"] == 1
    assert list(DagRun.objects.filter(dag="d2")) == [late]


def test_ticked_rows_are_a_filter_like_any_other(desk, runs):
    query = f"id__in={runs[0].pk},{runs[3].pk}"
    all_steps(desk, "runs", query, {"verb": "delete"})
    assert DagRun.objects.filter(dag="d1").count() == 58
    assert not TaskInstance.objects.filter(run__in=[runs[0].pk, runs[3].pk]).exists()


def test_task_instances_are_cleared_with_what_comes_after_them(desk, runs):
    body = {"verb": "clear", "options": {"downstream": True}}
    answers = all_steps(desk, "tasks", "task_id__exact=a&dag__exact=d2", body)
    assert answers == [{"rows": 1, "changed": 2, "refused": [], "after": None}]
    assert set(TaskInstance.objects.filter(dag="d2").values_list("state", flat=True)) == {""}
    row = EventLog.objects.get()
    assert (row.event, row.dag_id, row.run_id, row.task_id) == ("post_clear_task_instances", "d2", "other", "a")


def test_map_indexes_that_do_not_match_are_not_touched(desk):
    dag = make_dag("m", dag_id="d1")
    run = make_run(dag, run_id="r")
    run.task_instances.update(map_index=0)
    for index in (1, 2, 3):
        TaskInstance.objects.create(run=run, dag=dag, task_id="m", map_index=index)
    run.task_instances.update(state="success")
    run.task_instances.filter(map_index__in=(1, 2)).update(state="failed")
    all_steps(desk, "tasks", "state__in=failed", {"verb": "skipped"})
    assert dict(run.task_instances.values_list("map_index", "state")) == {
        0: "success",
        1: "skipped",
        2: "skipped",
        3: "success",
    }


def test_what_is_refused_for_one_row_is_told_and_the_others_go_on(desk, runs, monkeypatch):
    from orchestration.errors import Conflict
    from orchestration.services import dag_runs

    real = dag_runs.set_state

    def refuse_one(run, state, *, actor):
        if run.run_id == "r03":
            raise Conflict("not this one")
        return real(run, state, actor=actor)

    monkeypatch.setattr(dag_runs, "set_state", refuse_one)
    answers = all_steps(desk, "runs", FAILED, {"verb": "success"})
    assert [each for answer in answers for each in answer["refused"]] == [{"name": "d1 r03", "detail": "not this one"}]
    assert list(DagRun.objects.filter(dag="d1", state="failed").values_list("run_id", flat=True)) == ["r03"]


def test_a_restricted_caller_reaches_the_rows_of_their_own_dag_only(runs):
    client = client_of(restricted(also=[Pair("can_read", "Website")]))
    answers = all_steps(client, "runs", "state__in=failed", {"verb": "success"})
    assert sum(answer["rows"] for answer in answers) == 20
    assert DagRun.objects.get(dag="d2").state == "failed"
    assert b"other" not in client.get(reverse("admin:desk_bulk", args=("runs",))).content


def test_a_viewer_may_look_and_change_nothing(runs):
    client = client_of(person("Viewer"))
    page = client.get(reverse("admin:desk_bulk", args=("runs",)) + f"?{FAILED}")
    assert b"change none of them" in page.content
    sent = {"verb": "success", "after": 0, "through": runs[-1].pk, "expected": 20}
    answer = post(client, "desk_bulk_step", "runs", FAILED, sent).json()
    assert len(answer["refused"]) == 20
    assert DagRun.objects.filter(dag="d1", state="failed").count() == 20
    assert client_of(person("Public")).get(reverse("admin:desk_bulk", args=("runs",))).status_code in (302, 403)


@pytest.mark.parametrize(
    "body",
    [
        {"verb": "explode", "after": 0, "through": 1},
        {"verb": "clear", "after": 0, "through": "all"},
        {"verb": "clear", "after": 5, "through": 1},
        {"verb": "clear", "after": -1, "through": 1},
        {"verb": "clear", "options": [], "after": 0, "through": 1},
        {"verb": "clear", "after": 0, "through": 10**30},
    ],
)
def test_bad_input_is_refused_with_a_sentence(desk, runs, body):
    count = 61
    answer = post(desk, "desk_bulk_step", "runs", "", {"expected": count, **body})
    assert answer.status_code == 400
    assert len(answer.json()["detail"]) > 10


def test_unknown_filters_and_kinds_are_not_found(desk, runs):
    assert desk.get(reverse("admin:desk_bulk", args=("users",))).status_code == 404
    assert desk.get(reverse("admin:desk_bulk", args=("runs",)) + "?dag__owners=x").status_code == 404
    assert desk.get(reverse("admin:desk_bulk", args=("runs",)) + "?no_such=x").status_code == 404


def test_the_page_costs_the_same_for_few_rows_and_for_many(desk, runs, django_assert_max_num_queries):
    desk.get(reverse("admin:desk_bulk", args=("runs",)))
    with django_assert_max_num_queries(25):
        assert desk.get(reverse("admin:desk_bulk", args=("runs",)) + f"?{FAILED}").status_code == 200


def test_the_lists_lead_to_the_page_with_their_own_filters(desk, runs):
    listed = reverse("admin:orchestration_dagrun_changelist")
    page = desk.get(f"{listed}?state__in=failed").content.decode()
    assert reverse("admin:desk_bulk", args=("runs",)) + "?state__in=failed" in page
    form = {"action": "do_with_ticked", "_selected_action": [runs[0].pk, runs[1].pk], "select_across": "0"}
    ticked = desk.post(listed, form)
    assert ticked["Location"].endswith(f"/bulk/runs/?id__in={runs[0].pk}%2C{runs[1].pk}")
    assert desk.get(ticked["Location"]).context["data"]["count"] == 2
    everything = desk.post(f"{listed}?state__in=failed", {**form, "select_across": "1"})
    assert everything["Location"].endswith("/bulk/runs/?state__in=failed")
    assert desk.get(everything["Location"]).context["data"]["count"] == 21
