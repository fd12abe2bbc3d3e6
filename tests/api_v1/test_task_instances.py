"""Task instances: list, get, mark, clear, note, tries, and why they do not run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestration.models import EventLog, RenderedFields, SlaMiss, TaskInstance, TaskInstanceHistory, User
from orchestration.scheduling.rows import SKIP_KEY
from tests.api_v1.conftest import Api, path_of
from tests.factories import (
    TaskInstanceFactory,
    TaskInstanceHistoryFactory,
    TriggerFactory,
    XComFactory,
    make_dag,
    make_run,
    serialized,
    states_of,
)

DATE = datetime(2024, 1, 1, tzinfo=UTC)
TRY = {
    "task_id", "task_display_name", "dag_id", "dag_run_id", "start_date", "end_date", "duration", "state",
    "try_number", "map_index", "max_tries", "hostname", "unixname", "pool", "pool_slots", "queue", "priority_weight",
    "operator", "queued_when", "pid", "executor", "executor_config",
}  # fmt: skip
MEMBERS = TRY | {
    "execution_date", "sla_miss", "rendered_map_index", "rendered_fields", "trigger", "triggerer_job", "note",
}  # fmt: skip


def run_of(edges: str = "a >> b", states=None, dag_id: str = "d1", **fields):
    return make_run(make_dag(edges, dag_id=dag_id), states, **{"logical_date": DATE, "run_id": "r", **fields})


def names(answer) -> list[str]:
    assert answer.status == 200, answer
    return [
        row["task_id"] if row.get("map_index", -1) < 0 else f"{row['task_id']}[{row['map_index']}]"
        for row in answer.json["task_instances"]
    ]


def mapped_run(length: int = 3, **fields):
    run = run_of("a >> m", {"a": "success"}, **fields)
    TaskInstance.objects.filter(task_id="m").delete()
    for index in range(length):
        TaskInstanceFactory(run=run, task_id="m", map_index=index, state="success" if index else "failed")
    return run


# ------------------------------------------------------------ reading


def test_an_instance_is_answered_with_every_member(api: Api) -> None:
    run = run_of("a", {"a": "running"})
    TaskInstance.objects.update(
        start_date=DATE, duration=1.5, try_number=1, hostname="h", unixname="u", pid=7, note="n", queue="default"
    )
    row = api.get(f"{path_of(run)}/taskInstances/a").json
    assert set(row) == MEMBERS
    assert (row["task_id"], row["dag_id"], row["dag_run_id"], row["map_index"]) == ("a", "d1", "r", -1)
    assert (row["state"], row["start_date"], row["execution_date"]) == ("running",) + (DATE.isoformat(),) * 2
    assert (row["duration"], row["hostname"], row["unixname"], row["pid"], row["note"]) == (1.5, "h", "u", 7, "n")
    assert (row["executor_config"], row["rendered_fields"]) == ("{}", {})
    assert (row["sla_miss"], row["trigger"], row["triggerer_job"]) == (None, None, None)


def test_no_state_is_null(api: Api) -> None:
    run = run_of("a")
    assert api.get(f"{path_of(run)}/taskInstances/a").json["state"] is None
    assert [row["state"] for row in api.get(f"{path_of(run)}/taskInstances").json["task_instances"]] == [None]


def test_an_instance_shows_its_trigger_its_missed_sla_and_its_fields(api: Api) -> None:
    run = run_of("a, b", {"a": "deferred"})
    first = run.task_instances.get(task_id="a")
    first.trigger = TriggerFactory(classpath="x.Y", kwargs='{"password": "S3CRET", "moment": 1}')
    first.save()
    RenderedFields.objects.create(task_instance=first, fields={"command": "echo"})
    SlaMiss.objects.create(dag_id="d1", task_id="a", logical_date=DATE, timestamp=DATE, email_sent=True)
    for row in (
        api.get(f"{path_of(run)}/taskInstances/a").json,
        api.get(f"{path_of(run)}/taskInstances").json["task_instances"][0],
    ):
        assert row["trigger"]["classpath"] == "x.Y"
        assert "S3CRET" not in str(row)
        assert row["rendered_fields"] == {"command": "echo"}
        assert (row["sla_miss"]["task_id"], row["sla_miss"]["email_sent"]) == ("a", True)
    other = api.get(f"{path_of(run)}/taskInstances/b").json
    assert (other["trigger"], other["sla_miss"], other["rendered_fields"]) == (None, None, {})


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "a b c d"),
        ({"state": "failed"}, "b"),
        ({"state": ["failed", "none"]}, "b d"),
        ({"state": "success,failed"}, "a b"),
        ({"state": "shutdown,failed"}, "b"),
        ({"pool": "other"}, "c"),
        ({"pool": "other,default_pool", "state": "success"}, "a"),
        ({"queue": "q"}, "a"),
        ({"executor": "LocalExecutor"}, "b"),
        ({"duration_gte": "2"}, "b c"),
        ({"duration_lte": "2.0", "duration_gte": "1.5"}, "b"),
        ({"start_date_gte": "2024-01-02T00:00:00Z"}, "b c"),
        ({"end_date_lte": "2024-01-02T00:00:00Z"}, "a b"),
        ({"execution_date_gte": "2024-01-01T00:00:00Z"}, "a b c d"),
        ({"execution_date_gte": "2024-01-01T00:00:00.1Z"}, ""),
        ({"updated_at_lte": "2001-01-01T00:00:00Z"}, ""),
        ({"limit": 2}, "a b"),
        ({"limit": 2, "offset": 3}, "d"),
        ({"limit": 0}, ""),
    ],
)
def test_lists_are_filtered_and_cut(api: Api, query, expected) -> None:
    run = run_of("a, b, c, d", {"a": "success", "b": "failed", "c": "running"})
    for number, name in enumerate("abc"):
        run.task_instances.filter(task_id=name).update(
            duration=number + 1.0, start_date=DATE + timedelta(days=number), end_date=DATE + timedelta(days=number)
        )
    run.task_instances.filter(task_id="a").update(queue="q")
    run.task_instances.filter(task_id="b").update(executor="LocalExecutor")
    run.task_instances.filter(task_id="c").update(pool="other")
    answer = api.get(f"{path_of(run)}/taskInstances", **query)
    assert names(answer) == expected.split()
    unpaged = {name: value for name, value in query.items() if name not in {"limit", "offset"}}
    total = len(api.get(f"{path_of(run)}/taskInstances", **unpaged).json["task_instances"])
    assert answer.json["total_entries"] == total


@pytest.mark.parametrize(
    "query",
    [
        {"state": "nope"}, {"state": ""}, {"duration_gte": "x"}, {"duration_gte": "nan"}, {"duration_lte": "1e999"},
        {"start_date_gte": "2024-01-01"}, {"start_date_gte": "soon"}, {"limit": "-1"}, {"offset": "-1"},
        {"order_by": "state"}, {"fields": "state"}, {"nope": "1"},
    ],
)  # fmt: skip
def test_bad_filters_are_refused(api: Api, query) -> None:
    run = run_of()
    answer = api.get(f"{path_of(run)}/taskInstances", **query)
    assert (answer.status, answer.type) == (400, "application/problem+json")


def test_the_wildcards_list_every_run_and_every_readable_dag(api: Api, d1only: User) -> None:
    first = run_of("a")
    make_run(first.dag, run_id="second")
    run_of("x", dag_id="d2")
    assert api.get("/dags/d1/dagRuns/~/taskInstances").json["total_entries"] == 2
    assert api.get("/dags/~/dagRuns/~/taskInstances").json["total_entries"] == 3
    assert api.get("/dags/~/dagRuns/r/taskInstances").json["total_entries"] == 2
    assert api.get("/dags/~/dagRuns/~/taskInstances", user="d1only").json["total_entries"] == 2
    assert names(api.get("/dags/~/dagRuns/r/taskInstances", user="d1only")) == ["a"]
    assert api.get("/dags/d2/dagRuns/r/taskInstances", user="d1only").status == 403


def test_the_batch_narrows_by_everything_it_takes(api: Api) -> None:
    run = run_of("a, b", {"a": "success"})
    make_run(run.dag, {"a": "failed"}, run_id="r2", logical_date=DATE + timedelta(days=1))
    run_of("a, x", {"x": "success"}, dag_id="d2")
    run.task_instances.filter(task_id="a").update(duration=5.0, pool="p", queue="q")

    def asked(**form):
        answer = api.post("/dags/~/dagRuns/~/taskInstances/list", form)
        assert len(names(answer)) == answer.json["total_entries"] or "page_limit" in form
        return [f"{row['dag_id']}.{row['dag_run_id']}.{row['task_id']}" for row in answer.json["task_instances"]]

    assert len(asked()) == 6
    assert asked(dag_ids=["d2"]) == ["d2.r.a", "d2.r.x"]
    assert asked(dag_run_ids=["r2"]) == ["d1.r2.a", "d1.r2.b"]
    assert asked(task_ids=["x"]) == ["d2.r.x"]
    assert asked(state=["failed"]) == ["d1.r2.a"]
    assert asked(state=[None], dag_ids=["d1"]) == ["d1.r.b", "d1.r2.b"]
    assert asked(pool=["p"]) == asked(queue=["q"]) == asked(duration_gte=4) == ["d1.r.a"]
    assert asked(execution_date_gte="2024-01-02T00:00:00Z") == ["d1.r2.a", "d1.r2.b"]
    assert asked(page_limit=1, page_offset=4) == ["d2.r.a"]
    for bad in ({"page_limit": 0}, {"state": ["nope"]}, {"state": "failed"}, {"task_ids": [1]}, {"x": 1}):
        assert api.post("/dags/~/dagRuns/~/taskInstances/list", bad).status == 400, bad


def test_a_batch_that_names_an_unreadable_dag_is_refused_whole(api: Api, d1only: User) -> None:
    run_of("a")
    run_of("x", dag_id="d2")
    path = "/dags/~/dagRuns/~/taskInstances/list"
    assert names(api.post(path, {}, user="d1only")) == ["a"]
    assert api.post(path, {"dag_ids": ["d1", "d2"]}, user="d1only").status == 403
    assert api.post(path, {"dag_ids": ["d1", "nowhere"]}, user="d1only").status == 403
    assert names(api.post(path, {"dag_run_ids": ["r"], "task_ids": ["x", "a"]}, user="d1only")) == ["a"]


def test_mapped_instances_are_asked_for_by_index(api: Api) -> None:
    run = mapped_run()
    base = f"{path_of(run)}/taskInstances/m"
    assert api.get(f"{base}/1").json["map_index"] == 1
    assert api.get(f"{base}/9").status == 404
    answer = api.get(base)
    assert (answer.status, answer.title) == (404, "Task instance not found")
    assert answer.detail == "Task instance is mapped, add the map_index value to the URL"
    assert api.get(f"{base}/{2**40}").status == 404


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, "0 1 2"),
        ({"order_by": "-map_index"}, "2 1 0"),
        ({"order_by": "state"}, "0 1 2"),
        ({"order_by": "-duration"}, "2 1 0"),
        ({"state": "success", "order_by": "-map_index"}, "2 1"),
        ({"limit": 1, "offset": 1}, "1"),
    ],
)
def test_mapped_instances_are_listed(api: Api, query, expected) -> None:
    run = mapped_run()
    for index in range(3):
        TaskInstance.objects.filter(map_index=index).update(duration=index)
    answer = api.get(f"{path_of(run)}/taskInstances/m/listMapped", **query)
    assert [str(row["map_index"]) for row in answer.json["task_instances"]] == expected.split()


def test_listing_what_is_not_mapped_is_a_404(api: Api) -> None:
    run = run_of()
    for task_id, title in (("a", "Task id a is not mapped"), ("nope", "Task id nope not found")):
        answer = api.get(f"{path_of(run)}/taskInstances/{task_id}/listMapped")
        assert (answer.status, answer.title) == (404, title)
    assert api.get(f"{path_of(mapped_run(dag_id='d2'))}/taskInstances/m/listMapped", order_by="nope").status == 400


@pytest.mark.parametrize("tasks", [2, 25])
def test_a_list_costs_the_same_for_few_and_many_instances(api: Api, tasks, django_assert_max_num_queries) -> None:
    run = run_of(", ".join(f"t{number}" for number in range(tasks)))
    for instance in run.task_instances.all():
        RenderedFields.objects.create(task_instance=instance, fields={"x": 1})
    api.get(f"{path_of(run)}/taskInstances")
    with django_assert_max_num_queries(6):
        assert len(api.get(f"{path_of(run)}/taskInstances").json["task_instances"]) == tasks


# ------------------------------------------------------------ tries


def test_tries_are_the_earlier_ones_and_the_present_one(api: Api) -> None:
    run = run_of("a", {"a": "running"})
    instance = run.task_instances.get()
    TaskInstance.objects.update(try_number=3)
    for number in (1, 2):
        TaskInstanceHistoryFactory(task_instance=instance, try_number=number, state="failed")
    base = f"{path_of(run)}/taskInstances/a/tries"
    listed = api.get(base).json
    assert [(row["try_number"], row["state"]) for row in listed["task_instances"]] == [
        (1, "failed"),
        (2, "failed"),
        (3, "running"),
    ]
    assert listed["total_entries"] == 3
    assert {frozenset(row) for row in listed["task_instances"]} == {frozenset(TRY)}
    assert [api.get(f"{base}/{number}").status for number in (1, 2, 3, 4, 2**40)] == [200, 200, 200, 404, 404]
    assert api.get(f"{base}/2").json["state"] == "failed"
    assert api.get(f"{path_of(run)}/taskInstances/nope/tries").json == {"task_instances": [], "total_entries": 0}


def test_mapped_tries_are_those_of_the_index(api: Api) -> None:
    run = mapped_run()
    TaskInstance.objects.update(try_number=2)
    TaskInstanceHistoryFactory(task_instance=run.task_instances.get(map_index=1), try_number=1)
    base = f"{path_of(run)}/taskInstances/m"
    assert [row["try_number"] for row in api.get(f"{base}/1/tries").json["task_instances"]] == [1, 2]
    assert [row["try_number"] for row in api.get(f"{base}/0/tries").json["task_instances"]] == [2]
    assert (api.get(f"{base}/1/tries/1").status, api.get(f"{base}/0/tries/1").status) == (200, 404)


# ------------------------------------------------------------ why not running


def reasons(api: Api, run, task_id: str = "b") -> dict[str, str]:
    answer = api.get(f"{path_of(run)}/taskInstances/{task_id}/dependencies")
    assert answer.status == 200, answer
    return {row["name"]: row["reason"] for row in answer.json["dependencies"]}


def test_what_keeps_an_instance_is_said_in_words(api: Api) -> None:
    run = run_of(states={"a": "running"})
    assert set(reasons(api, run)) == {"Task Instance State", "Trigger Rule"}
    assert "all_success" in reasons(api, run)["Trigger Rule"]
    assert "1 running" in reasons(api, run)["Trigger Rule"]
    run.task_instances.filter(task_id="a").update(state="success")
    run.task_instances.filter(task_id="b").update(state="scheduled")
    assert reasons(api, run) == {}


def test_a_paused_dag_a_queued_run_and_a_missing_pool_keep_an_instance(api: Api) -> None:
    run = run_of(states={"a": "success", "b": "scheduled"}, state="queued")
    run.dag.is_paused = True
    run.dag.save()
    run.task_instances.filter(task_id="b").update(pool="nowhere")
    found = reasons(api, run)
    assert set(found) == {"Dag Not Paused", "Dagrun Running", "Pool Slots Available"}
    assert "DAG d1 is paused" in found["Dag Not Paused"]
    assert "no pool nowhere" in found["Pool Slots Available"]


def test_limits_keep_an_instance(api: Api) -> None:
    graph = serialized("a, b", dag_id="d1", tasks={"b": {"max_active_tis_per_dag": 1}}, max_active_tasks=1)
    dag = make_dag(graph)
    make_run(dag, {"b": "running"}, run_id="other")
    run = make_run(dag, {"b": "scheduled"}, run_id="r")
    assert set(reasons(api, run)) == {"Task Instance Slots Available", "Task Concurrency"}


def test_a_branch_that_was_not_taken_keeps_an_instance(api: Api) -> None:
    run = run_of("a >> b, a >> c", {"a": "success", "b": "scheduled", "c": "scheduled"})
    XComFactory(task_instance=run.task_instances.get(task_id="a"), key=SKIP_KEY, value={"followed": ["c"]})
    assert set(reasons(api, run, "b")) == {"Not Previously Skipped"}
    assert reasons(api, run, "c") == {}


def test_the_run_before_keeps_an_instance_that_depends_on_it(api: Api) -> None:
    dag = make_dag(serialized("a", dag_id="d1", tasks={"a": {"depends_on_past": True}}, catchup=False))
    before = make_run(dag, {"a": "failed"}, logical_date=DATE, run_id="before")
    run = make_run(dag, {"a": "scheduled"}, logical_date=DATE + timedelta(days=1), run_id="r")
    assert set(reasons(api, run, "a")) == {"Previous Dagrun State"}
    before.task_instances.update(state="success")
    assert reasons(api, run, "a") == {}


@pytest.mark.parametrize("state", ["running", "success", "failed", "queued", "deferred", "skipped"])
def test_nothing_keeps_what_is_past_waiting(api: Api, state: str) -> None:
    assert reasons(api, run_of(states={"b": state})) == {}


def test_a_missing_instance_has_no_reasons(api: Api) -> None:
    run = run_of()
    assert api.get(f"{path_of(run)}/taskInstances/nope/dependencies").status == 404
    assert api.get(f"{path_of(mapped_run(dag_id='d2'))}/taskInstances/m/7/dependencies").status == 404


# ------------------------------------------------------------ verbs


def test_a_clear_tells_first_and_then_does(api: Api) -> None:
    run = run_of("a >> b", {"a": "success", "b": "failed"}, state="failed")
    told = api.post("/dags/d1/clearTaskInstances", {})
    assert told.json["task_instances"] == [
        {"task_id": "b", "dag_id": "d1", "dag_run_id": "r", "execution_date": "2024-01-01T00:00:00+00:00"}
    ]
    assert states_of(run) == {"a": "success", "b": "failed"}
    done = api.post("/dags/d1/clearTaskInstances", {"dry_run": False, "reset_dag_runs": True})
    assert done.json == told.json
    run.refresh_from_db()
    assert (states_of(run), run.state) == ({"a": "success", "b": ""}, "queued")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({}, "r1.c"),
        ({"only_failed": False}, "r0.a r0.b r0.c r1.a r1.b r1.c"),
        ({"only_failed": False, "only_running": True}, "r1.b"),
        ({"only_failed": False, "task_ids": ["b"]}, "r0.b r1.b"),
        ({"only_failed": False, "task_ids": ["b"], "include_upstream": True}, "r0.a r0.b r1.a r1.b"),
        ({"only_failed": False, "task_ids": ["b"], "include_downstream": True}, "r0.b r0.c r1.b r1.c"),
        ({"only_failed": False, "task_ids": ["a"], "dag_run_id": "r1"}, "r1.a"),
        ({"only_failed": False, "task_ids": ["a"], "dag_run_id": "r1", "include_past": True}, "r0.a r1.a"),
        ({"only_failed": False, "task_ids": ["a"], "dag_run_id": "r0", "include_future": True}, "r0.a r1.a"),
        ({"only_failed": False, "task_ids": ["a"], "start_date": "2024-01-02T00:00:00Z"}, "r1.a"),
        ({"only_failed": False, "task_ids": ["a"], "end_date": "2024-01-01T00:00:00Z"}, "r0.a"),
        ({"only_failed": False, "task_ids": ["nope"]}, ""),
    ],
)
def test_what_a_clear_reaches(api: Api, sent, expected) -> None:
    dag = make_dag("a >> b >> c", dag_id="d1")
    make_run(dag, {"a": "success", "b": "success", "c": "success"}, run_id="r0", logical_date=DATE)
    make_run(dag, {"a": "success", "b": "running", "c": "failed"}, run_id="r1", logical_date=DATE + timedelta(days=1))
    answer = api.post("/dags/d1/clearTaskInstances", sent)
    found = sorted(f"{row['dag_run_id']}.{row['task_id']}" for row in answer.json["task_instances"])
    assert found == expected.split()


@pytest.mark.parametrize(
    "sent",
    [
        {"only_failed": True, "only_running": True},
        {"start_date": "2024-02-01T00:00:00Z", "end_date": "2024-01-01T00:00:00Z"},
        {"dag_run_id": "r", "start_date": "2024-01-01T00:00:00Z"},
        {"dag_run_id": "r", "end_date": "2024-01-01T00:00:00Z"},
        {"task_ids": []}, {"task_ids": "a"}, {"task_ids": [1]}, {"dry_run": "no"}, {"nope": 1}, {"dag_ids": ["d2"]},
        {"start_date": "soon"}, [],
    ],
)  # fmt: skip
def test_bad_clears_are_refused(api: Api, sent) -> None:
    run = run_of(states={"a": "failed"})
    assert api.post("/dags/d1/clearTaskInstances", sent).status == 400
    assert states_of(run) == {"a": "failed", "b": ""}


def test_a_clear_without_its_dag_or_run_is_a_404(api: Api) -> None:
    run_of()
    run_of(dag_id="d2", run_id="elsewhere")
    assert api.post("/dags/nowhere/clearTaskInstances", {}).status == 404
    answer = api.post("/dags/d1/clearTaskInstances", {"dag_run_id": "elsewhere"})
    assert (answer.status, answer.title) == (404, "Dag Run id elsewhere not found in dag d1")


def test_a_running_instance_that_is_cleared_is_restarted(api: Api) -> None:
    run = run_of("a", {"a": "running"})
    api.post("/dags/d1/clearTaskInstances", {"dry_run": False, "only_failed": False})
    assert states_of(run) == {"a": "restarting"}


def test_cleared_tries_stay_in_the_history(api: Api) -> None:
    run = run_of("a", {"a": "failed"})
    TaskInstance.objects.update(try_number=2, max_tries=1)
    api.post("/dags/d1/clearTaskInstances", {"dry_run": False})
    assert list(TaskInstanceHistory.objects.values_list("try_number", "state")) == [(2, "failed")]
    instance = run.task_instances.get()
    assert (instance.try_number, instance.max_tries) == (2, 2)  # what the task has of retries, from here on


def test_what_is_cleared_before_it_ran_stays_in_the_history_once_as_try_0(api: Api) -> None:
    run_of("a >> b", {"a": "success", "b": ""})
    body = {"dry_run": False, "only_failed": False}
    tries = "/dags/d1/dagRuns/r/taskInstances/{}/tries"
    assert api.post("/dags/d1/clearTaskInstances", body).status == 200
    for _ in range(2):
        kept = {name: api.get(tries.format(name)).json["task_instances"] for name in "ab"}
        assert [(row["try_number"], row["state"]) for row in kept["a"]] == [(0, "success"), (0, None)]
        assert [(row["try_number"], row["state"]) for row in kept["b"]] == [(0, "failed"), (0, None)]
        assert (kept["b"][0]["start_date"], kept["b"][0]["duration"]) == (None, None)
        assert api.post("/dags/d1/clearTaskInstances", body).status == 200


def test_states_are_set_with_relatives_and_other_runs(api: Api) -> None:
    dag = make_dag("a >> b >> c", dag_id="d1")
    runs = [make_run(dag, run_id=f"r{day}", logical_date=DATE + timedelta(days=day)) for day in range(3)]
    sent = {
        "task_id": "b", "dag_run_id": "r1", "new_state": "success", "include_upstream": False,
        "include_downstream": False, "include_future": False, "include_past": False,
    }  # fmt: skip

    def told(**more):
        answer = api.post("/dags/d1/updateTaskInstancesState", {**sent, **more})
        assert answer.status == 200, answer
        return sorted(f"{row['dag_run_id']}.{row['task_id']}" for row in answer.json["task_instances"])

    assert told() == ["r1.b"]
    assert told(include_upstream=True) == ["r1.a", "r1.b"]
    assert told(include_downstream=True) == ["r1.b", "r1.c"]
    assert told(include_past=True) == ["r0.b", "r1.b"]
    assert told(include_future=True) == ["r1.b", "r2.b"]
    dated = {name: value for name, value in sent.items() if name != "dag_run_id"}
    answer = api.post("/dags/d1/updateTaskInstancesState", {**dated, "execution_date": "2024-01-03T00:00:00Z"})
    assert [row["dag_run_id"] for row in answer.json["task_instances"]] == ["r2"]
    assert {state for run in runs for state in states_of(run).values()} == {""}
    assert told(include_past=True, include_upstream=True, dry_run=False) == ["r0.a", "r0.b", "r1.a", "r1.b"]
    assert [states_of(run) for run in runs] == [
        {"a": "success", "b": "success", "c": ""},
        {"a": "success", "b": "success", "c": ""},
        {"a": "", "b": "", "c": ""},
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"new_state": "running"}, {"new_state": None}, {"dag_run_id": None}, {"execution_date": "2024-01-01T00:00:00Z"},
        {"include_past": "yes"}, {"task_id": None}, {"nope": 1}, {"dry_run": None},
    ],
)  # fmt: skip
def test_bad_states_are_refused(api: Api, more) -> None:
    run = run_of("a", {"a": "failed"})
    sent = {
        "task_id": "a", "dag_run_id": "r", "new_state": "success", "include_upstream": False, "dry_run": False,
        "include_downstream": False, "include_future": False, "include_past": False,
    }  # fmt: skip
    assert api.post("/dags/d1/updateTaskInstancesState", {**sent, **more}).status == 400
    assert states_of(run) == {"a": "failed"}


def test_one_instance_s_state_is_set(api: Api) -> None:
    run = run_of("a", {"a": "failed"})
    path = f"{path_of(run)}/taskInstances/a"
    told = api.patch(path, {"new_state": "success"})
    assert (told.status, set(told.json)) == (200, {"task_id", "dag_id", "dag_run_id", "execution_date"})
    assert states_of(run) == {"a": "failed"}
    assert api.patch(path, {"new_state": "success", "dry_run": False}).json == {}
    assert states_of(run) == {"a": "success"}
    for bad in ({}, {"new_state": "queued"}, {"new_state": None}, {"new_state": "success", "task_id": "b"}):
        assert api.patch(path, bad).status == 400, bad
    assert api.patch(f"{path_of(run)}/taskInstances/nope", {"new_state": "success"}).status == 404


def test_one_mapped_instance_s_state_is_set(api: Api) -> None:
    run = mapped_run()
    path = f"{path_of(run)}/taskInstances/m"
    assert api.patch(f"{path}/0", {"new_state": "success", "dry_run": False}).status == 200
    assert states_of(run)["m[0]"] == "success"
    assert api.patch(f"{path}/7", {"new_state": "success", "dry_run": False}).status == 404


def test_notes_are_written(api: Api) -> None:
    run = mapped_run()
    assert api.patch(f"{path_of(run)}/taskInstances/a/setNote", {"note": "x"}).json["note"] == "x"
    assert api.patch(f"{path_of(run)}/taskInstances/m/2/setNote", {"note": "y"}).json["note"] == "y"
    stored = {f"{ti.task_id}{ti.map_index}": ti.note for ti in run.task_instances.all() if ti.note}
    assert stored == {"a-1": "x", "m2": "y"}
    for bad in ({}, {"note": 1}, {"note": "x" * 1001}, {"note": "x", "state": "success"}):
        assert api.patch(f"{path_of(run)}/taskInstances/a/setNote", bad).status == 400, bad


def test_one_task_of_a_run_is_cleared_and_run_again(api: Api) -> None:
    run = run_of("a >> b", {"a": "success", "b": "failed"}, state="failed")
    base = f"{path_of(run)}/taskInstances"
    assert api.post(f"{base}/b/clear").json == {"message": "Task instance cleared successfully."}
    run.refresh_from_db()
    assert (states_of(run), run.state) == ({"a": "success", "b": ""}, "queued")
    assert api.post(f"{base}/a/run").json == {"message": "Task instance triggered to run."}
    assert states_of(run) == {"a": "", "b": ""}
    assert api.post(f"{base}/nope/clear").status == api.post(f"{base}/nope/run").status == 404
    for busy in ("queued", "running"):
        run.task_instances.filter(task_id="a").update(state=busy)
        assert api.post(f"{base}/a/run").status == 409
        assert states_of(run)["a"] == busy


VERBS = [
    ("GET", "", None), ("PATCH", "", {"new_state": "success", "dry_run": False}), ("PATCH", "/setNote", {"note": "x"}),
    ("GET", "/dependencies", None), ("POST", "/clear", None), ("POST", "/run", None), ("GET", "/links", None),
    ("GET", "/tries/1", None), ("GET", "/logs/1", None), ("GET", "/xcomEntries/return_value", None),
]  # fmt: skip


@pytest.mark.parametrize(("method", "tail", "body"), VERBS)
def test_an_instance_of_another_dag_is_not_found_under_this_one(api: Api, d1only: User, method, tail, body) -> None:
    run_of("a", run_id="mine")
    other = run_of("a", {"a": "failed"}, dag_id="d2", run_id="secret")
    for user in ("admin", "d1only"):
        answer = api.send(method, f"/dags/d1/dagRuns/secret/taskInstances/a{tail}", body, user=user)
        assert answer.status == 404, answer
    assert states_of(other) == {"a": "failed"}
    assert other.task_instances.get().note is None


@pytest.mark.parametrize(("method", "tail", "body"), VERBS)
def test_what_a_viewer_may(api: Api, method, tail, body) -> None:
    run = run_of("a", {"a": "success"})
    path = f"{path_of(run)}/taskInstances/a{tail}"
    before = states_of(run)
    expected = {200, 404} if method == "GET" else {403}
    assert api.send(method, path, body, user="viewer").status in expected
    assert api.send(method, path, body, user="public").status == 403
    assert api.send(method, path, body, user=None).status == 401
    assert states_of(run) == before


def test_verbs_are_in_the_audit_log_with_who_and_what(api: Api) -> None:
    run = run_of("a", {"a": "failed"})
    base = f"{path_of(run)}/taskInstances/a"
    api.patch(base, {"new_state": "success", "dry_run": False})
    api.post(f"{base}/clear")
    api.patch(f"{base}/setNote", {"note": "x"})
    logged = EventLog.objects.order_by("pk").values_list("event", "dag_id", "run_id", "task_id", "owner")
    assert set(logged) == {
        (f"api.{event}", "d1", "r", "a", "admin")
        for event in ("patch_task_instance", "clear_task_instance", "set_task_instance_note")
    }
