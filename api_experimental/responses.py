"""The answers: the legacy shapes of things, and ``{"error": …}``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import orjson
from django.http import HttpResponse

from orchestration.models import DagRun, Pool, TaskInstance
from orchestration.serialization.values import SerializedDag, SerializedTask

_NOT_FOUND = " ".join(
    (
        "The requested URL was not found on the server.",
        "If you entered the URL manually please check your spelling and try again.",
    )
)
_NOT_ALLOWED = "The method is not allowed for the requested URL."
#: Rows of a long list that are made into JSON at a time.
_CHUNK = 2000


def answer(value: Any, status: int = 200) -> HttpResponse:
    """``value`` as JSON."""
    return HttpResponse(orjson.dumps(value), status=status, content_type="application/json")


def rows(values: Iterable[Mapping[str, Any]]) -> HttpResponse:
    """A bare array of any length; only its text is held in memory."""
    parts: list[bytes] = []
    chunk: list[Mapping[str, Any]] = []
    for value in values:
        chunk.append(value)
        if len(chunk) == _CHUNK:
            parts.append(orjson.dumps(chunk)[1:-1])
            chunk.clear()
    if chunk:
        parts.append(orjson.dumps(chunk)[1:-1])
    return HttpResponse(b"[" + b",".join(parts) + b"]", content_type="application/json")


def error(text: str, status: int) -> HttpResponse:
    """``{"error": text}``."""
    return answer({"error": text}, status)


def plain(text: str, status: int, **headers: str) -> HttpResponse:
    """What the authentication backends of Airflow answer: a word."""
    return HttpResponse(text, status=status, content_type="text/html; charset=utf-8", headers=headers)


def not_found() -> HttpResponse:
    """404 for an address that nothing is at, as a problem document."""
    return _problem(404, "Not Found", _NOT_FOUND)


def not_allowed(methods: Iterable[str]) -> HttpResponse:
    """405 as a problem document."""
    response = _problem(405, "Method Not Allowed", _NOT_ALLOWED)
    response["Allow"] = ", ".join(sorted(methods))
    return response


def _problem(status: int, title: str, detail: str) -> HttpResponse:
    body = {"detail": detail, "status": status, "title": title, "type": "about:blank"}
    return HttpResponse(orjson.dumps(body), status=status, content_type="application/problem+json")


def run_row(
    dag_id: str, logical_date: datetime, start_date: datetime | None, run_id: str | None = None,
    state: str | None = None, id: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A run in a list; without ``run_id``, ``state`` and ``id`` as ``latest_runs`` shows it."""
    row: dict[str, Any] = {
        "dag_id": dag_id,
        "dag_run_url": f"/dags/{quote_plus(dag_id)}/graph?execution_date={quote_plus(str(logical_date))}",
        "execution_date": logical_date.isoformat(),
        "start_date": start_date.isoformat() if start_date else "",
    }
    return row if run_id is None else {**row, "id": id, "run_id": run_id, "state": state}


def pool_row(pool: Pool) -> dict[str, Any]:
    """A pool."""
    return {
        "id": pool.pk,
        "pool": pool.name,
        "slots": pool.slots,
        "description": pool.description,
        "include_deferred": pool.include_deferred,
    }


def run_text(run: DagRun, logical_date: datetime | None = None) -> str:
    """A run as text; ``logical_date`` is the date in the offset that the caller wrote."""
    return (
        f"<DagRun {run.dag_id} @ {logical_date or run.logical_date}: {run.run_id}, state:{run.state}, "
        f"queued_at: {run.queued_at}. externally triggered: {run.external_trigger}>"
    )


def task_attributes(task: SerializedTask, dag: SerializedDag) -> dict[str, str]:
    """A task's attributes, each as the text that Python gives it."""
    attributes: dict[str, Any] = {
        "allow_nested_operators": True,
        "depends_on_past": task.depends_on_past,
        "doc": task.doc,
        "doc_json": task.doc_json,
        "doc_md": task.doc_md,
        "doc_rst": task.doc_rst,
        "doc_yaml": task.doc_yaml,
        "downstream_task_ids": _id_set(task.downstream_task_ids),
        "email": list(task.email) or None,
        "email_on_failure": task.email_on_failure,
        "email_on_retry": task.email_on_retry,
        "end_date": task.end_date,
        "execution_timeout": _duration(task.execution_timeout_seconds),
        "executor": task.executor,
        "executor_config": task.executor_config or {},
        "ignore_first_depends_on_past": task.ignore_first_depends_on_past,
        "inlets": list(task.inlets),
        "is_setup": task.is_setup,
        "is_teardown": task.is_teardown,
        "map_index_template": task.map_index_template,
        "max_active_tis_per_dag": task.max_active_tis_per_dag,
        "max_active_tis_per_dagrun": task.max_active_tis_per_dagrun,
        "max_retry_delay": _duration(task.max_retry_delay_seconds),
        "multiple_outputs": task.multiple_outputs,
        "operator_extra_links": task.extra_links,
        "outlets": list(task.outlets),
        "owner": task.owner,
        "params": {name: param.get("value") for name, param in {**dag.params, **task.params}.items()},
        "pool": task.pool,
        "pool_slots": task.pool_slots,
        "priority_weight": task.priority_weight,
        "queue": task.queue,
        "resources": None,
        "retries": task.retries,
        "retry_delay": _duration(task.retry_delay_seconds),
        "retry_exponential_backoff": task.retry_exponential_backoff,
        "run_as_user": None,
        "sla": _duration(task.sla_seconds),
        "start_date": task.start_date,
        "start_from_trigger": task.start_trigger is not None,
        "start_trigger_args": task.start_trigger,
        "task_group": f"<TaskGroup: {task.group_id}>" if task.group_id else "<TaskGroup: root>",
        "task_id": task.task_id,
        "task_type": task.task_type,
        "template_fields": list(task.template_fields),
        "template_fields_renderers": dict(task.template_fields_renderers),
        "trigger_rule": task.trigger_rule,
        "ui_color": task.ui_color,
        "ui_fgcolor": task.ui_fgcolor,
        "upstream_task_ids": _id_set(task.upstream_task_ids),
        "wait_for_downstream": task.wait_for_downstream,
        "wait_for_past_depends_before_skipping": task.wait_for_past_depends_before_skipping,
        "weight_rule": task.weight_rule,
    }
    attributes.update({name: value for name, value in task.template_values.items() if name not in attributes})
    return {name: str(value) for name, value in sorted(attributes.items())}


def instance_attributes(instance: TaskInstance) -> dict[str, str]:
    """A task instance's attributes, each as the text that Python gives it; ``instance.run`` must be loaded."""
    attributes: dict[str, Any] = {
        "custom_operator_name": instance.custom_operator_name or None,
        "dag_id": instance.dag_id,
        "dag_run": run_text(instance.run),
        "duration": instance.duration,
        "end_date": instance.end_date,
        "executor": instance.executor,
        "executor_config": instance.executor_config or {},
        "external_executor_id": instance.external_executor_id,
        "hostname": instance.hostname,
        "job_id": None,
        "map_index": instance.map_index,
        "max_tries": instance.max_tries,
        "next_kwargs": instance.next_kwargs,
        "next_method": instance.next_method,
        "operator": instance.operator,
        "pid": instance.pid,
        "pool": instance.pool,
        "pool_slots": instance.pool_slots,
        "priority_weight": instance.priority_weight,
        "queue": instance.queue,
        "queued_by_job_id": instance.queued_by_job_id,
        "queued_dttm": instance.queued_at,
        "rendered_map_index": instance.rendered_map_index,
        "rendered_task_instance_fields": None,
        "run_id": instance.run.run_id,
        "start_date": instance.start_date,
        "state": instance.state or None,
        "task_id": instance.task_id,
        "test_mode": False,
        "trigger_id": instance.trigger_id,
        "trigger_timeout": instance.trigger_timeout_at,
        "try_number": instance.try_number,
        "unixname": instance.unixname,
        "updated_at": instance.updated_at,
    }
    return {name: str(value) for name, value in attributes.items()}


def _duration(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)


def _id_set(ids: Iterable[str]) -> str:
    ordered = sorted(ids)
    return "{" + ", ".join(map(repr, ordered)) + "}" if ordered else "set()"
