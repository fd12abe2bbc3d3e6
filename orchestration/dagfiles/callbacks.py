"""Run the callbacks that a DAG file defines, in a parser of their own: of runs that ended, of tries that died, of
missed SLAs. Mirrors ``DagFileProcessor.execute_callbacks`` of Airflow 2.10.5.

One callback that fails harms no other: it is logged, and told as an error of the file.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from orchestration.authoring import store
from orchestration.authoring.context import build
from orchestration.authoring.exceptions import AirflowException
from orchestration.conf import conf

if TYPE_CHECKING:
    from orchestration.authoring.context import Context
    from orchestration.authoring.dag import DAG

log = logging.getLogger(__name__)

#: Stands in the trace where it was the mail about missed SLAs that could not be sent.
MAIL_FAILED = "The mail was not sent."
#: Sends the mail about a task: (task instance, context, addresses, error).
Mailer = Callable[[Any, Any, Any, BaseException], None]


def run_callbacks(dags: Mapping[str, DAG], requests: Sequence[Mapping[str, Any]], *, mailer: str) -> dict[str, str]:
    """Run what each request ``{"kind", "data"}`` asks for; "kind dag_id" → trace of what failed.

    ``mailer`` is the ``module:function`` of a ``Mailer``, empty where nobody is mailed.
    """
    errors: dict[str, str] = {}
    kinds: dict[str, Callable[[DAG, Mapping[str, Any]], None]] = {
        "dag": _of_run,
        "task": lambda dag, data: _of_try(dag, data, _mailer(mailer)),
        "sla": _of_slas,
    }
    for request in requests:
        data = request["data"]
        dag = dags.get(data["dag_id"])
        if dag is None:
            log.warning("The file no longer defines DAG %s: its callback is left out.", data["dag_id"])
            continue
        try:
            kinds[request["kind"]](dag, data)
        except Exception:
            log.exception("The %s callback of DAG %s failed.", request["kind"], dag.dag_id)
            errors[f"{request['kind']} {dag.dag_id}"] = traceback.format_exc(limit=-10)
    return errors


def _mailer(name: str) -> Mailer | None:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function) if name else None


def _of_run(dag: DAG, data: Mapping[str, Any]) -> None:
    """A run succeeded or failed. The context is that of its last task instance, and says the ``reason``."""
    callbacks = dag.on_success_callback if data["state"] == "success" else dag.on_failure_callback
    values = store.current().get_task_instances(dag_id=dag.dag_id, run_ids=[data["run_id"]])
    known = [value for value in values if value["state"] != "removed" and dag.has_task(value["task_id"])]
    if not callbacks or not known:
        return
    context = _context(dag, known[-1])
    if context is None:
        return
    context["reason"] = data.get("reason")
    _call_all(callbacks, context)


def _of_try(dag: DAG, data: Mapping[str, Any], mail: Mailer | None) -> None:
    """A try ended without having said so itself."""
    if not dag.has_task(data["task_id"]):
        log.warning("The file no longer defines task %s of DAG %s.", data["task_id"], dag.dag_id)
        return
    task: Any = dag.get_task(data["task_id"])
    context = _context(dag, data)
    if context is None:
        return
    is_retry = data["state"] == "up_for_retry"
    reason = data.get("reason") or "The task's process ended."
    if data["state"] == "success":
        _call_all(task.on_success_callback, context)
        return
    context["exception"] = reason
    _call_all(task.on_retry_callback if is_retry else task.on_failure_callback, context)
    if mail is not None and task.email and (task.email_on_retry if is_retry else task.email_on_failure):
        mail(context["ti"], context, task.email, AirflowException(reason))


def _context(dag: DAG, value: Mapping[str, Any]) -> Context | None:
    """The context of a task instance; None where its run is gone."""
    runs = store.current().get_dag_runs(dag_id=dag.dag_id, run_ids=[value["run_id"]])
    if not runs:
        log.warning("There is no run %s of DAG %s any more.", value["run_id"], dag.dag_id)
        return None
    return build({"ti": value, "run": runs[0], "dag": {}}, dag, dag.get_task(value["task_id"]))


def _call_all(callbacks: Any, context: Context) -> None:
    failures = []
    for callback in callbacks if isinstance(callbacks, list) else [callbacks] if callbacks else []:
        log.info("The callback %s is called", getattr(callback, "__name__", type(callback).__name__))
        try:
            callback(context)
        except Exception as error:
            failures.append(error)
    if failures:
        raise failures[0]


def _of_slas(dag: DAG, data: Mapping[str, Any]) -> None:
    """Tasks missed their SLAs: ``data["misses"]`` lists them, ``data["blocking"]`` who was not done at their dates."""
    from orchestration.authoring.email import send_email
    from orchestration.authoring.timezone import parse

    misses = [SimpleNamespace(**miss) for miss in data["misses"]]
    if not misses:
        return  # an earlier request told of them
    blocking = [SimpleNamespace(**ti) for ti in data["blocking"] if dag.has_task(ti["task_id"])]
    for each in (*misses, *blocking):
        each.execution_date = parse(each.execution_date)
    for ti in blocking:
        ti.task = dag.get_task(ti.task_id)
    missed, blocked = (
        "\n".join(f"{each.task_id} on {each.execution_date.isoformat()}" for each in listed)
        for listed in (misses, blocking)
    )
    failures: list[Exception] = []
    callbacks = dag.sla_miss_callback
    for callback in callbacks if isinstance(callbacks, list) else [callbacks] if callbacks else []:
        log.info("The SLA callback %s is called", callback)
        try:
            callback(dag, missed, blocked, misses, blocking)
        except Exception as error:
            failures.append(error)
    tasks: list[Any] = [dag.get_task(miss.task_id) for miss in misses if dag.has_task(miss.task_id)]
    addresses = {address for task in tasks for address in _addresses(task.email)}
    if addresses:
        url = conf.get("webserver", "base_url")
        text = (
            f"<p>Not done by their SLAs:</p><pre>{missed}</pre>"
            f"<p>Not done at these dates, and perhaps why:</p><pre>{blocked}</pre><p>More at {url}</p>"
        )
        try:
            send_email(sorted(addresses), f"[airflow] SLAs missed in {dag.dag_id}", text)
        except Exception as error:
            error.add_note(MAIL_FAILED)
            failures.append(error)
    if failures:
        raise ExceptionGroup("Not all who are to know of missed SLAs were told.", failures)


def _addresses(email: Any) -> list[str]:
    from orchestration.authoring.email import get_email_address_list

    return get_email_address_list(email) if email else []
