"""What the pages work out for the operator: order, tries, times, lateness, next runs, history, links, reasons."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from orchestration.access.permissions import Pair
from orchestration.admin.queries import charts, events, grid, schedule
from orchestration.authoring.timetables import registry
from orchestration.authoring.timetables.trigger import CronTriggerTimetable
from orchestration.models import Dag, DagRun, EventLog, RenderedFields, TaskInstance
from orchestration.serialization.values import SerializedGroup
from tests.admin.conftest import client_of
from tests.factories import (
    DatasetEventFactory,
    DatasetFactory,
    TaskInstanceHistoryFactory,
    XComFactory,
    add_version,
    make_dag,
    make_run,
    serialized,
)
from tests.people import person, restricted

pytestmark = pytest.mark.django_db

T0 = datetime(2024, 1, 1, 12, tzinfo=UTC)


def test_tasks_and_groups_stand_in_the_order_in_which_they_run():
    inner = SerializedGroup(group_id="g", parent_group_id=None, children=(("task", "g.b"), ("task", "g.a")))
    dag = serialized("z >> g.a >> g.b >> m", groups=[inner])
    dag.groups[None] = SerializedGroup(  # type: ignore[index]  # as the file has them, not as they run
        group_id=None, children=(("task", "m"), ("group", "g"), ("task", "z"), ("task", "alone"))
    )
    dag.tasks["alone"] = serialized("alone").tasks["alone"]  # type: ignore[index]
    listed = grid.tree(dag, {"gone"})
    assert [node["id"] for node in listed] == ["z", "g", "m", "alone", "gone"]
    assert [node["id"] for node in listed[1]["children"]] == ["g.a", "g.b"]
    assert listed[-1]["is_gone"]


def test_a_gantt_holds_earlier_tries_before_the_present_one():
    run = make_run(make_dag("a >> b", dag_id="d1"), {"a": "success"}, run_id="r1")
    run.task_instances.filter(task_id="a").update(try_number=3, start_date=T0)
    instance = run.task_instances.get(task_id="a")
    for number in (1, 2, 3):  # the third is the present one, kept by a clear that came later
        TaskInstanceHistoryFactory(task_instance=instance, try_number=number, state="failed", start_date=T0)
    found = {bar["task_id"]: bar for bar in charts.bars(run.pk)}
    assert [each["try_number"] for each in found["a"]["tries"]] == [1, 2]
    assert found["b"]["tries"] == []


def test_measures_are_taken_from_the_ends_that_they_name():
    run = make_run(
        make_dag("a", dag_id="d1"),
        run_id="r1",
        state="success",
        logical_date=T0 - timedelta(hours=1),
        data_interval_end=T0,
        queued_at=T0 + timedelta(seconds=5),
        start_date=T0 + timedelta(seconds=8),
        end_date=T0 + timedelta(seconds=68),
    )
    TaskInstance.objects.update(
        queued_at=T0 + timedelta(seconds=9),
        start_date=T0 + timedelta(seconds=11),
        end_date=T0 + timedelta(seconds=60),
        duration=49.0,
        try_number=2,
    )
    runs = grid.runs("d1", grid.Window())
    expected = {"duration": (60.0, 49.0), "landing": (68.0, 60.0), "queued": (3.0, 2.0), "tries": (2, 2)}
    for measure, (of_run, of_task) in expected.items():
        found = charts.measured(measure, runs)
        assert found["of_runs"] == {run.pk: of_run}, measure
        assert found["tasks"]["a"] == {run.pk: of_task}, measure


def test_the_timeline_shows_what_was_at_work_and_only_what_may_be_read():
    now = timezone.now()
    for dag_id in ("d1", "d2"):
        dag = make_dag("a", dag_id=dag_id)
        hours = [("over", 5, 4), ("within", 2, 1), ("begun-before", 4, 2), ("running", 6, None)]
        for number, (name, begun, ended) in enumerate(hours):
            make_run(
                dag,
                run_id=name,
                state="running" if ended is None else "success",
                logical_date=T0 + timedelta(hours=number),
                start_date=now - timedelta(hours=begun),
                end_date=None if ended is None else now - timedelta(hours=ended),
            )
    found = charts.timeline(person("Admin"), now - timedelta(hours=3), now)
    assert {dag: [run["run_id"] for run in runs] for dag, runs in found.items()} == {
        "d1": ["running", "begun-before", "within"],
        "d2": ["running", "begun-before", "within"],
    }
    client = client_of(restricted(also=[Pair("can_read", "Website")]))
    assert set(client.get(reverse("admin:desk_timeline_data"), {"hours": 3}).json()["dags"]) == {"d1"}


@pytest.mark.parametrize(
    ("minutes", "also", "expected"),
    [
        (0.5, {}, ""),
        (5, {}, "late"),
        (15, {}, "overdue"),
        (15, {"is_paused": True}, ""),
        (15, {"is_active": False}, ""),
    ],
)
def test_a_dag_whose_run_is_due_and_not_made_is_late(minutes, also, expected):
    now = timezone.now()
    dag = make_dag("a", dag_id="d1", next_dagrun_create_after=now - timedelta(minutes=minutes), **also)
    assert schedule.lateness(dag, now) == expected
    assert [row["how"] for row in schedule.late(person("Admin"), now)] == ([expected] if expected else [])
    badge = client_of(person("Admin")).get(reverse("admin:desk_badge_data", args=("d1",))).json()
    assert badge["state"] == ("paused" if also.get("is_paused") else expected or "never ran")


def test_the_next_runs_are_shown_in_the_dags_own_zone_over_a_clock_change():
    timetable = registry.encode(CronTriggerTimetable("30 3 * * *", timezone="Europe/Berlin"))
    start = datetime(2030, 10, 25, tzinfo=UTC)
    shape = serialized("a", dag_id="d1", timezone="Europe/Berlin", start_date=start, timetable=timetable)
    found = schedule.upcoming(make_dag(shape), shape)
    assert len(found) == schedule.NEXT
    assert [each["local"] for each in found[:4]] == [
        "Fri 25 Oct, 03:30 CEST (+0200)",
        "Sat 26 Oct, 03:30 CEST (+0200)",
        "Sun 27 Oct, 03:30 CET (+0100)",
        "Mon 28 Oct, 03:30 CET (+0100)",
    ]
    assert schedule.upcoming(Dag.objects.get(), serialized("a", dag_id="d1")) == []


def test_the_history_says_who_did_what_to_a_task_and_what_became_of_it(desk):
    run = make_run(make_dag("a >> b", dag_id="d1"), {"a": "failed"}, run_id="r1", state="failed")
    body = {"downstream": True, "dry_run": False}
    address = reverse("admin:desk_task_clear", args=("d1", "r1", "a"))
    desk.post(address, body, content_type="application/json")
    EventLog.record("failed", dag_id="d1", run_id="r1", task_id="a", map_index=-1, try_number=1, owner="airflow")
    EventLog.record("failed", dag_id="d1", run_id="r1", task_id="b", owner="airflow")
    EventLog.record("clear_dag_run", dag_id="d1", run_id="r1", owner="boss", owner_display_name="The Boss")
    told = events.of(events.of_task("d1", "r1", "a", -1))
    assert [(each.who, each.what) for each in told] == [
        ("The Boss", "cleared the run"),
        ("the system", "failed"),
        ("boss", "cleared task instances"),
    ]
    assert told[2].details == "downstream"
    page = desk.get(reverse("admin:desk_task", args=("d1", "r1", "a"))).content.decode()
    assert "The Boss" in page
    assert "cleared task instances" in page
    assert run.run_id in desk.get(reverse("admin:desk_dag_tab", args=("d1", "audit"))).content.decode()


def test_the_audit_log_of_a_dag_is_filtered_and_paged(desk):
    make_dag("a", dag_id="d1")
    for number in range(events.PAGE_SIZE + 5):
        EventLog.record("post_dag_run" if number % 2 else "running", dag_id="d1", owner=f"u{number % 3}", run_id="r")
    address = reverse("admin:desk_dag_tab", args=("d1", "audit"))
    first = desk.get(address).context
    rest = desk.get(f"{address}?{first['before']}").context
    keys = [each.pk for each in [*first["events"], *rest["events"]]]
    assert len(keys) == events.PAGE_SIZE + 5
    assert keys == sorted(keys, reverse=True)
    assert {each.what for each in desk.get(address, {"people": "on"}).context["events"]} == {"triggered the run"}
    assert {each.who for each in desk.get(address, {"people": "on", "who": "u1"}).context["events"]} == {"u1"}


def test_extra_links_lead_to_the_run_that_was_triggered_or_say_that_it_is_not_known(desk):
    links = {"extra_links": ("Triggered DAG",), "extra_link_specs": {"Triggered DAG": {"kind": "trigger_dag_run"}}}
    tasks = {"a": {**links, "external_dag": {"kind": "trigger", "dag_id": "d2"}}}
    run = make_run(make_dag(serialized("a", dag_id="d1", tasks=tasks)), {"a": "success"}, run_id="r1")
    make_run(make_dag("x", dag_id="d2"), run_id="made")
    instance = run.task_instances.get()
    address = reverse("admin:desk_task", args=("d1", "r1", "a"))
    assert desk.get(address).context["links"] == [("Triggered DAG", reverse("admin:desk_dag", args=("d2",)))]
    XComFactory(task_instance=instance, key="trigger_run_id", value="made")
    RenderedFields.objects.create(task_instance=instance, fields={"trigger_dag_id": "d2"})
    assert desk.get(address).context["links"] == [("Triggered DAG", reverse("admin:desk_run", args=("d2", "made")))]
    assert desk.get(reverse("admin:desk_run", args=("d2", "made"))).status_code == 200


def test_a_run_says_why_it_is_there_and_hides_sources_that_one_may_not_read():
    run = make_run(make_dag("a", dag_id="d1"), run_id="r1", run_type="dataset_triggered")
    make_run(make_dag("a", dag_id="d2"), run_id="source")
    event = DatasetEventFactory(
        dataset=DatasetFactory(uri="s3://shop/orders"), source_dag_id="d2", source_run_id="source", source_task_id="a"
    )
    event.created_dag_runs.add(run)
    address = reverse("admin:desk_run", args=("d1", "r1"))
    page = client_of(person("Admin")).get(address).content.decode()
    assert "Datasets were written" in page
    assert "s3://shop/orders" in page
    assert reverse("admin:desk_run", args=("d2", "source")) in page
    hidden = client_of(restricted(also=[Pair("can_read", "Website"), Pair("can_read", "Datasets")])).get(address)
    assert "d2" not in hidden.content.decode()


def test_a_failed_run_names_the_tasks_that_failed_by_themselves(desk):
    dag = make_dag("a >> b", dag_id="d1")
    make_run(dag, {"a": "failed", "b": "upstream_failed"}, run_id="r1", state="failed")
    TaskInstance.objects.filter(task_id="a").update(reason="ValueError: no rows")
    page = desk.get(reverse("admin:desk_run", args=("d1", "r1")))
    assert "Re-run failed" in page.content.decode()
    culprits = page.context["culprits"]
    assert [(ti.task_id, ti.reason) for ti in culprits] == [("a", "ValueError: no rows")]


def test_tasks_that_the_file_got_since_are_added_to_a_run_and_nothing_else_is_touched(desk):
    dag = make_dag("a", dag_id="d1")
    run = make_run(dag, {"a": "success"}, run_id="r1", state="success")
    dag.current_version = add_version(dag, serialized("a >> b", dag_id="d1"))
    dag.save()
    address = reverse("admin:desk_run_clear", args=("d1", "r1"))
    preview = desk.post(address, {"new_tasks": True, "dry_run": True}, content_type="application/json").json()
    assert [row["task_id"] for row in preview["affected"]] == ["b"]
    assert run.task_instances.count() == 1
    done = desk.post(address, {"new_tasks": True}, content_type="application/json").json()
    assert (done["count"], done["affected"][0]["task_id"]) == (1, "b")
    assert dict(run.task_instances.values_list("task_id", "state")) == {"a": "success", "b": ""}
    run.refresh_from_db()
    assert (run.state, run.dag_version_id) == ("queued", dag.current_version_id)
    assert EventLog.objects.get().event == "clear_dag_run"


def test_names_are_offered_while_one_is_typed(desk):
    for dag_id in ("sales_report", "report", "other"):
        make_dag("a", dag_id=dag_id)
    assert desk.get(reverse("admin:desk_names", args=("dag",)), {"q": "rep"}).json() == ["report", "sales_report"]


def test_a_run_s_history_begins_with_who_triggered_it(desk):
    make_dag("a", dag_id="d1")
    trigger = reverse("admin:desk_trigger_run", args=("d1",))
    assert desk.post(trigger, {"run_id": "mine"}, content_type="application/json").status_code == 200
    row = EventLog.objects.get(event="post_dag_run")
    assert (row.dag_id, row.run_id, row.owner) == ("d1", "mine", "boss")
    assert row.logical_date == DagRun.objects.get(run_id="mine").logical_date
    assert "triggered the run" in desk.get(reverse("admin:desk_run", args=("d1", "mine"))).content.decode()
