"""Calls every method of apache-airflow-client and checks what it makes of the answers.

A program, run by ``test_official_client`` with the client alone on its path: ``official_client.py URL USER PASSWORD``.
The client itself raises ApiTypeError or ApiValueError where an answer's type, enumeration or nullability is not what it
was generated for. Prints one JSON object: ``sections`` (name → null, or the traceback), ``called`` and ``offered``.
"""

from __future__ import annotations

import inspect
import json
import sys
import time
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from airflow_client import client
from airflow_client.client import apis, exceptions, models

#: What every API class has of its generator, and what is no operation.
_SECTIONS: list[Callable[[], None]] = []
_CALLED: set[str] = set()
_URL, _USER, _PASSWORD = sys.argv[1:4]

FLOW, HOLD, CONSUMER, VICTIM = "contract_flow", "contract_hold", "contract_consumer", "contract_victim"
RUN, HELD = "contract_run", "contract_held"
DAY = datetime(2022, 5, 5, 4, 30, tzinfo=timezone.utc)  # noqa: UP017 the client's own Pythons are older


class Recorder:
    """An API class of the client that notes which of its methods were called."""

    def __init__(self, name: str, api: Any) -> None:
        self._name, self._api = name, api

    def __getattr__(self, name: str) -> Any:
        _CALLED.add(f"{self._name}.{name}")
        return getattr(self._api, name)


def offered(api: type) -> list[str]:
    return [name for name, _ in inspect.getmembers(api, inspect.isfunction) if not name.startswith("_")]


_CLASSES = {name: api for name, api in inspect.getmembers(apis, inspect.isclass) if name.endswith("Api")}
_CONNECTION = client.ApiClient(client.Configuration(host=f"{_URL}/api/v1", username=_USER, password=_PASSWORD))
_CONNECTION.configuration.discard_unknown_keys = False
api = {name.removesuffix("Api"): Recorder(name, kind(_CONNECTION)) for name, kind in _CLASSES.items()}


def section(check: Callable[[], None]) -> Callable[[], None]:
    _SECTIONS.append(check)
    return check


def refused(kind: type[Exception], call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The exception that a call must raise, with its body read."""
    try:
        call(*arguments, **options)
    except kind as error:
        body = json.loads(error.body)  # type: ignore[attr-defined]
        assert {"title", "status", "type", "detail"} <= set(body), body
        assert body["status"] == error.status  # type: ignore[attr-defined]
        return body
    raise AssertionError(f"{call} did not raise {kind.__name__}")


def until(check: Callable[[], Any], seconds: float = 90) -> Any:
    limit = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < limit, "it took too long"
        time.sleep(0.2)


@section
def monitoring() -> None:
    health = until(lambda: str((told := api["Monitoring"].get_health()).scheduler.status) == "healthy" and told)
    assert str(health.metadatabase.status) == "healthy"
    assert datetime.fromisoformat(health.scheduler.latest_scheduler_heartbeat).tzinfo is not None
    assert api["Monitoring"].get_version().version
    assert api["Plugin"].get_plugins(limit=5).plugins == []
    assert {each["package_name"] for each in api["Provider"].get_providers()["providers"]}


@section
def config() -> None:
    sections = api["Config"].get_config(section="core").sections
    assert [each.name for each in sections] == ["core"]
    assert isinstance(sections[0].options[0].key, str)
    option = api["Config"].get_value("core", "parallelism").sections[0].options[0]
    assert (option.key, option.value) == ("parallelism", "32")
    assert refused(exceptions.NotFoundException, api["Config"].get_value, "core", "nope")["status"] == 404


@section
def connections() -> None:
    sent = models.Connection(
        connection_id="contract",
        conn_type="http",
        host="h.example",
        port=8080,
        login="me",
        password="p",
        extra='{"a": 1}',
    )
    made = api["Connection"].post_connection(sent)
    assert isinstance(made, models.Connection)
    assert (made.connection_id, made.port, made.extra) == ("contract", 8080, '{"a": 1}')
    assert api["Connection"].get_connection("contract").host == "h.example"
    listed = api["Connection"].get_connections(limit=10, offset=0, order_by="-connection_id")
    assert isinstance(listed, models.ConnectionCollection)
    assert "contract" in [each.connection_id for each in listed.connections]
    changed = api["Connection"].patch_connection(
        "contract", models.Connection(connection_id="contract", conn_type="http", port=9), update_mask=["port"]
    )
    assert (changed.port, changed.host) == (9, "h.example")
    tested = api["Connection"].test_connection(models.Connection(connection_id="t", conn_type="unknown_kind"))
    assert tested.status is False
    assert isinstance(tested.message, str)
    refused(exceptions.ApiException, api["Connection"].post_connection, sent)
    api["Connection"].delete_connection("contract")
    refused(exceptions.NotFoundException, api["Connection"].get_connection, "contract")


@section
def variables() -> None:
    made = api["Variable"].post_variables(models.Variable(key="contract", value="one", description="d"))
    assert (made.key, made.value) == ("contract", "one")
    assert api["Variable"].get_variable("contract").description == "d"
    assert api["Variable"].get_variables(order_by="key").total_entries >= 1
    sent = models.Variable(key="contract", value="two")
    assert api["Variable"].patch_variable("contract", sent).value == "two"
    api["Variable"].delete_variable("contract")
    refused(exceptions.NotFoundException, api["Variable"].get_variable, "contract")


@section
def pools() -> None:
    made = api["Pool"].post_pool(models.Pool(name="contract", slots=3, description="d", include_deferred=True))
    assert (made.name, made.slots, made.open_slots, made.deferred_slots) == ("contract", 3, 3, 0)
    assert api["Pool"].get_pool("default_pool").slots == 128
    assert {"contract", "default_pool"} <= {each.name for each in api["Pool"].get_pools(limit=50).pools}
    assert api["Pool"].patch_pool("contract", models.Pool(slots=5), update_mask=["slots"]).slots == 5
    refused(exceptions.ApiException, api["Pool"].post_pool, models.Pool(name="contract", slots=1))
    refused(exceptions.ApiException, api["Pool"].delete_pool, "default_pool")
    api["Pool"].delete_pool("contract")
    refused(exceptions.NotFoundException, api["Pool"].get_pool, "contract")


@section
def users_and_roles() -> None:
    action = models.ActionResource(action=models.Action(name="can_read"), resource=models.Resource(name="DAGs"))
    api["Role"].post_role(models.Role(name="contract", actions=[action]))
    role = api["Role"].get_role("contract")
    assert [(each.action.name, each.resource.name) for each in role.actions] == [("can_read", "DAGs")]
    assert {"Admin", "Viewer", "contract"} <= {each.name for each in api["Role"].get_roles().roles}
    more = models.ActionResource(action=models.Action(name="can_edit"), resource=models.Resource(name="DAGs"))
    changed = api["Role"].patch_role("contract", models.Role(name="contract", actions=[more]))
    assert {each.action.name for each in changed.actions} == {"can_read", "can_edit"}
    assert {"can_read", "menu_access"} <= {each.name for each in api["Permission"].get_permissions().actions}

    names = {"username": "contract", "email": "contract@example.org", "first_name": "C", "last_name": "T"}
    roles = [models.UserCollectionItemRoles(name="contract")]
    made = api["User"].post_user(models.User(password="a long password", roles=roles, **names))
    assert (made.username, made.roles[0].name) == ("contract", "contract")
    found = api["User"].get_user("contract")
    assert found.active is True
    assert found.last_login is None
    assert isinstance(found.created_on, str)
    assert {_USER, "contract"} <= {each.username for each in api["User"].get_users(order_by="id").users}
    assert api["User"].patch_user("contract", models.User(**{**names, "first_name": "New"})).first_name == "New"
    api["User"].delete_user("contract")
    refused(exceptions.NotFoundException, api["User"].get_user, "contract")
    api["Role"].delete_role("contract")
    refused(exceptions.NotFoundException, api["Role"].get_role, "contract")


@section
def dags() -> None:
    dag = api["DAG"].get_dag(FLOW)
    assert isinstance(dag, models.DAG)
    assert (dag.dag_id, dag.owners, [each.name for each in dag.tags]) == (FLOW, ["alice"], ["contract"])
    assert type(dag.schedule_interval).__name__ == "CronExpression"
    assert dag.schedule_interval.value == "30 4 * * *"
    assert isinstance(dag.last_parsed_time, datetime)
    assert isinstance(api["DAG"].get_dag(HOLD).schedule_interval, models.TimeDelta)
    detail = api["DAG"].get_dag_details(FLOW)
    assert isinstance(detail, models.DAGDetail)
    assert (detail.doc_md, detail.timezone, detail.catchup) == ("# Flow", "UTC", False)
    assert detail.start_date == datetime(2021, 1, 1, tzinfo=DAY.tzinfo)
    assert {"count", "plain"} == set(detail.params)
    listed = api["DAG"].get_dags(tags=["contract"], order_by="-dag_id", only_active=True)
    assert isinstance(listed, models.DAGCollection)
    assert [each.dag_id for each in listed.dags] == [FLOW]
    assert api["DAG"].get_dags(dag_id_pattern="contract_", limit=2).total_entries == 5
    refused(exceptions.NotFoundException, api["DAG"].get_dag, "nowhere")
    refused(exceptions.ApiException, api["DAG"].get_dags, order_by="nonsense")

    for paused in (True, False):
        assert api["DAG"].patch_dag(FLOW, models.DAG(is_paused=paused), update_mask=["is_paused"]).is_paused is paused
    many = api["DAG"].patch_dags("contract_hold", models.DAG(is_paused=True))
    assert [(each.dag_id, each.is_paused) for each in many.dags] == [(HOLD, True)]

    source = api["DAG"].get_dag_source(dag.file_token)
    assert "contract-marker" in (source if isinstance(source, str) else source.content)
    api["DAG"].reparse_dag_file(dag.file_token)
    refused(exceptions.NotFoundException, api["DAG"].reparse_dag_file, "forged")

    tasks = api["DAG"].get_tasks(FLOW, order_by="task_id")
    assert [each.task_id for each in tasks.tasks] == ["double", "fire", "push", "say"]
    say = api["DAG"].get_task(FLOW, "say")
    assert isinstance(say, models.Task)
    assert (say.class_ref.class_name, say.downstream_task_ids, say.trigger_rule.value) == (
        "BashOperator", ["push"], "all_success",
    )  # fmt: skip
    assert say.retry_delay.seconds == 1
    assert api["DAG"].get_task(FLOW, "double").is_mapped is True
    refused(exceptions.NotFoundException, api["DAG"].get_task, FLOW, "nope")


@section
def problems_of_files() -> None:
    warnings = api["DagWarning"].get_dag_warnings(dag_id=VICTIM, order_by="timestamp").dag_warnings
    assert [each["warning_type"] for each in warnings] == ["non-existent pool"]
    errors = until(lambda: api["ImportError"].get_import_errors().import_errors)
    assert "a_module_that_does_not_exist_anywhere" in errors[0].stack_trace
    assert datetime.fromisoformat(errors[0].timestamp).tzinfo is not None
    assert api["ImportError"].get_import_error(errors[0].import_error_id).filename == errors[0].filename
    refused(exceptions.NotFoundException, api["ImportError"].get_import_error, 999_999)


@section
def runs() -> None:
    made = api["DAGRun"].post_dag_run(
        FLOW, models.DAGRun(dag_run_id=RUN, logical_date=DAY, conf={"count": 2}, note="first")
    )
    assert isinstance(made, models.DAGRun)
    assert (made.dag_run_id, made.logical_date, made.conf, made.note) == (RUN, DAY, {"count": 2}, "first")
    assert made.state.value == "queued"
    assert made.external_trigger is True
    refused(exceptions.ApiException, api["DAGRun"].post_dag_run, FLOW, models.DAGRun(dag_run_id=RUN))
    run = until(lambda: (found := api["DAGRun"].get_dag_run(FLOW, RUN)).state.value in {"success", "failed"} and found)
    assert run.state.value == "success"
    assert isinstance(run.start_date, datetime)
    assert run.start_date.tzinfo is not None
    assert run.end_date >= run.start_date

    held = models.DAGRun(dag_run_id=HELD, logical_date=DAY)
    assert api["DAGRun"].post_dag_run(HOLD, held).dag_run_id == HELD
    listed = api["DAGRun"].get_dag_runs(
        FLOW, execution_date_gte=DAY, execution_date_lte=DAY, order_by="-execution_date"
    )
    assert isinstance(listed, models.DAGRunCollection)
    assert [each.dag_run_id for each in listed.dag_runs] == [RUN]
    assert api["DAGRun"].get_dag_runs("~", state=["success"]).total_entries >= 1
    batch = api["DAGRun"].get_dag_runs_batch(
        models.ListDagRunsForm(
            dag_ids=[FLOW, HOLD], states=["success", "queued"], execution_date_gte=DAY, page_limit=10
        )
    )
    assert {each.dag_run_id for each in batch.dag_runs} >= {RUN, HELD}
    assert api["DAGRun"].set_dag_run_note(HOLD, HELD, models.SetDagRunNote(note="second")).note == "second"
    state = api["DAGRun"].update_dag_run_state(HOLD, HELD, models.UpdateDagRunState(state="failed")).state
    assert state.value == "failed"
    told = api["DAGRun"].clear_dag_run(HOLD, HELD, models.ClearDagRun(dry_run=True))
    assert {each["task_id"] for each in told["task_instances"]} == {"first", "second"}
    stats = api["DagStats"].get_dag_stats(FLOW)
    assert {each.state: each.count for each in stats.dags[0].stats}["success"] >= 1
    refused(exceptions.NotFoundException, api["DAGRun"].get_dag_run, FLOW, "nope")


@section
def task_instances() -> None:
    ti = api["TaskInstance"]
    listed = ti.get_task_instances(FLOW, RUN, state=["success"])
    assert isinstance(listed, models.TaskInstanceCollection)
    assert {each.task_id for each in listed.task_instances} == {"say", "push", "double", "fire"}
    assert listed.total_entries == 5
    say = ti.get_task_instance(FLOW, RUN, "say")
    assert isinstance(say, models.TaskInstance)
    assert (say.state.value, say.try_number, say.map_index, say.pool) == ("success", 1, -1, "default_pool")
    assert isinstance(say.duration, float)
    assert say.rendered_fields["bash_command"] == "echo contract-marker"
    assert datetime.fromisoformat(say.execution_date) == DAY
    batch = ti.get_task_instances_batch(
        models.ListTaskInstanceForm(
            dag_ids=[FLOW], dag_run_ids=[RUN], task_ids=["double"], state=[models.TaskState("success")]
        )
    )
    assert sorted(each.map_index for each in batch.task_instances) == [0, 1]
    assert ti.get_mapped_task_instance(FLOW, RUN, "double", 1).map_index == 1
    mapped = ti.get_mapped_task_instances(FLOW, RUN, "double", order_by="-map_index")
    assert [each.map_index for each in mapped.task_instances] == [1, 0]
    refused(exceptions.NotFoundException, ti.get_task_instance, FLOW, RUN, "double")
    refused(exceptions.NotFoundException, ti.get_mapped_task_instance, FLOW, RUN, "double", 7)

    assert ti.get_task_instance_tries(FLOW, RUN, "say", limit=5).task_instances[0].try_number == 1
    assert ti.get_task_instance_try_details(FLOW, RUN, "say", 1).state.value == "success"
    assert ti.get_mapped_task_instance_tries(FLOW, RUN, "double", 0).total_entries == 1
    assert ti.get_mapped_task_instance_try_details(FLOW, RUN, "double", 0, 1).map_index == 0
    reasons = ti.get_task_instance_dependencies(HOLD, HELD, "second").dependencies
    assert all(each.name and each.reason for each in reasons)
    assert ti.get_mapped_task_instance_dependencies(FLOW, RUN, "double", 0).dependencies == []
    links = ti.get_extra_links(FLOW, RUN, "fire")
    assert "Triggered DAG" in (links if isinstance(links, dict) else links.to_dict())

    log = ti.get_log(FLOW, RUN, "say", 1, full_content=True)
    assert "contract-marker" in (log if isinstance(log, str) else log.content)
    ti.set_task_instance_note(HOLD, HELD, "first", models.SetTaskInstanceNote(note="n"))
    assert ti.get_task_instance(HOLD, HELD, "first").note == "n"
    ti.set_mapped_task_instance_note(FLOW, RUN, "double", 0, models.SetTaskInstanceNote(note="m"))
    assert ti.get_mapped_task_instance(FLOW, RUN, "double", 0).note == "m"
    told = ti.patch_task_instance(
        HOLD, HELD, "first", models.UpdateTaskInstance(dry_run=True, new_state=models.UpdateTaskState("success"))
    )
    assert (told.task_id, told.dag_run_id) == ("first", HELD)
    marked = models.UpdateTaskInstance(dry_run=True, new_state=models.UpdateTaskState("failed"))
    told = ti.patch_mapped_task_instance(FLOW, RUN, "double", 1, update_task_instance=marked)
    assert told.task_id == "double"


@section
def verbs_on_task_instances() -> None:
    told = api["DAG"].post_clear_task_instances(
        FLOW, models.ClearTaskInstances(dry_run=True, dag_run_id=RUN, only_failed=False, task_ids=["say"])
    )
    assert [each.task_id for each in told.task_instances] == ["say"]
    told = api["DAG"].post_set_task_instances_state(
        HOLD,
        models.UpdateTaskInstancesState(
            dry_run=True, task_id="first", dag_run_id=HELD, new_state=models.UpdateTaskState("success"),
            include_upstream=False, include_downstream=True, include_future=False, include_past=False,
        ),
    )  # fmt: skip
    assert {each.task_id for each in told.task_instances} == {"first", "second"}


@section
def xcoms() -> None:
    listed = api["XCom"].get_xcom_entries(FLOW, RUN, "push")
    assert isinstance(listed, models.XComCollection)
    assert [each.key for each in listed.xcom_entries] == ["return_value"]
    entry = api["XCom"].get_xcom_entry(FLOW, RUN, "push", "return_value")
    assert isinstance(entry.value, str)
    plain = api["XCom"].get_xcom_entry(FLOW, RUN, "push", "return_value", stringify=False, _check_return_type=False)
    assert plain.value == {"answer": 42, "list": [1, None]}
    assert api["XCom"].get_xcom_entry(FLOW, RUN, "double", "return_value", map_index=1).value == "4"
    refused(exceptions.NotFoundException, api["XCom"].get_xcom_entry, FLOW, RUN, "push", "nope")


@section
def datasets() -> None:
    ds = api["Dataset"]
    one, two = "contract://bucket/one", "contract://bucket/two"
    found = ds.get_dataset(one)
    assert isinstance(found, models.Dataset)
    assert found.extra == {"team": "a"}
    assert [each.dag_id for each in found.consuming_dags] == [CONSUMER]
    assert [(each.dag_id, each.task_id) for each in found.producing_tasks] == [(FLOW, "say")]
    assert {one, two} <= {each.uri for each in ds.get_datasets(uri_pattern="contract", order_by="-uri").datasets}
    events = ds.get_dataset_events(source_dag_id=FLOW, source_run_id=RUN)
    assert [(each.dataset_uri, each.source_task_id) for each in events.dataset_events] == [(one, "say")]

    assert [each["uri"] for each in ds.get_dag_dataset_queued_events(CONSUMER).queued_events] == [one]
    assert ds.get_dag_dataset_queued_event(CONSUMER, one).dag_id == CONSUMER
    assert ds.get_dataset_queued_events(one).total_entries == 1
    ds.delete_dag_dataset_queued_event(CONSUMER, one)
    refused(exceptions.NotFoundException, ds.get_dag_dataset_queued_event, CONSUMER, one)
    made = ds.create_dataset_event(models.CreateDatasetEvent(dataset_uri=one, extra={"rows": 3}))
    assert (made.dataset_uri, made.extra["rows"]) == (one, 3)
    ds.delete_dag_dataset_queued_events(CONSUMER)
    ds.create_dataset_event(models.CreateDatasetEvent(dataset_uri=one))
    ds.delete_dataset_queued_events(one)
    refused(exceptions.NotFoundException, ds.get_dataset_queued_events, one)

    for uri in (one, two):
        ds.create_dataset_event(models.CreateDatasetEvent(dataset_uri=uri))
    started = until(lambda: api["DAGRun"].get_dag_runs(CONSUMER).dag_runs)[0]
    for holder in ("Dataset", "DAGRun"):
        events = api[holder].get_upstream_dataset_events(CONSUMER, started.dag_run_id).dataset_events
        assert {each.dataset_uri for each in events} == {one, two}


@section
def event_logs() -> None:
    listed = api["EventLog"].get_event_logs(dag_id=FLOW, event="api.post_dag_run", order_by="-event_log_id")
    assert isinstance(listed, models.EventLogCollection)
    newest = listed.event_logs[0]
    assert (newest.dag_id, newest.owner) == (FLOW, _USER)
    assert isinstance(newest.when, datetime)
    assert api["EventLog"].get_event_log(newest.event_log_id).event == "api.post_dag_run"
    refused(exceptions.NotFoundException, api["EventLog"].get_event_log, 99_999_999)


@section
def deleting() -> None:
    api["DAGRun"].delete_dag_run(HOLD, HELD)
    refused(exceptions.NotFoundException, api["DAGRun"].get_dag_run, HOLD, HELD)
    api["DAG"].delete_dag(VICTIM)
    refused(exceptions.NotFoundException, api["DAG"].delete_dag, "nowhere")


@section
def strangers() -> None:
    stranger = client.ApiClient(client.Configuration(host=f"{_URL}/api/v1", username=_USER, password="wrong"))
    refused(exceptions.UnauthorizedException, apis.DAGApi(stranger).get_dags)


def main() -> None:
    found: dict[str, str | None] = {}
    for check in _SECTIONS:
        try:
            check()
            found[check.__name__] = None
        except Exception:
            found[check.__name__] = traceback.format_exc()[-3000:]
    every = [f"{name}.{method}" for name, kind in _CLASSES.items() for method in offered(kind)]
    json.dump({"sections": found, "called": sorted(_CALLED), "offered": sorted(every)}, sys.stdout)


if __name__ == "__main__":
    main()
