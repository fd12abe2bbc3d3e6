"""The operations of the legacy API: each reads what came in, calls one service or reads rows, and answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from airflowsite import API_VERSION
from api_experimental import bodies, responses
from api_experimental.endpoints import caller_of, note, operation
from orchestration.access import permissions
from orchestration.errors import Conflict, Forbidden, Invalid, NotFound
from orchestration.models import Dag, DagRun, Pool, TaskInstance, XCom, versions
from orchestration.models.dag_run import generate_run_id
from orchestration.models.pool import DEFAULT_POOL
from orchestration.serialization.values import SerializedDag
from orchestration.services import dag_runs as run_services
from orchestration.services import dags as dag_services
from orchestration.services import pools as pool_services
from orchestration.services import xcoms
from orchestration.states import DagRunState, DagRunType

_RUNS = "/dags/{dag_id}/dagRuns"
_RUN_OF_DATE = f"{_RUNS}?execution_date_gte={{execution_date}}&execution_date_lte={{execution_date}}"
_LONGEST_POOL_NAME = 256
#: The XComs in which a task leaves what it read and wrote.
_LINEAGE = {"pipeline_inlets": "inlets", "pipeline_outlets": "outlets"}


@operation(None, None)
def test(request: HttpRequest) -> HttpResponse:
    """Whether the server answers this caller."""
    return responses.answer({"status": "OK"})


@operation(None, "/version")
def info(request: HttpRequest) -> HttpResponse:
    """The release whose API is spoken."""
    return responses.answer({"version": API_VERSION})


@operation("post_dag_run", _RUNS, event="post_dag_run")
def trigger_dag(request: HttpRequest, dag_id: str) -> HttpResponse:
    """Make a run.

    ``conf`` may be an object, JSON text of one, or null; ``replace_microseconds`` a word, a truth value or null.
    Without a date the run is of now, its microseconds dropped unless told otherwise, or another run has that second.
    """
    data = bodies.body_of(request)
    asked = _wanted_run(data)
    note(request, **asked)
    dag = _dag(dag_id)
    moment = asked["logical_date"]
    try:
        run = run_services.trigger(dag, actor=caller_of(request), **asked)
    except Conflict:
        if data.get("execution_date") is not None or _has_run_id(dag, asked["run_id"]):
            run_id = asked["run_id"] or generate_run_id(DagRunType.MANUAL, moment)
            raise Invalid(f"A DAG Run already exists for DAG {dag_id} at {moment} with run id {run_id}") from None
        moment = asked["logical_date"] = timezone.now()
        run = run_services.trigger(dag, actor=caller_of(request), **asked)
    created = {
        "message": f"Created {responses.run_text(run, moment)}",
        "execution_date": moment.isoformat(),
        "run_id": run.run_id,
    }
    return responses.answer(created)


def _has_run_id(dag: Dag, run_id: str | None) -> bool:
    return run_id is not None and DagRun.objects.filter(dag=dag, run_id=run_id).exists()


def _wanted_run(data: dict[str, Any]) -> dict[str, Any]:
    """Arguments of the service from a body. Raises Invalid, for conf before the date as the reference does."""
    conf = bodies.conf_of(data["conf"]) if "conf" in data else {}
    given = data.get("execution_date")
    moment = bodies.moment(given) if given is not None else timezone.now()
    if bodies.truth(data["replace_microseconds"]) if "replace_microseconds" in data else given is None:
        moment = moment.replace(microsecond=0)
    run_id = data.get("run_id") or None
    if run_id is not None and not isinstance(run_id, str):
        raise Invalid("run_id must be text.")
    return {"run_id": run_id, "logical_date": moment, "conf": conf}


@operation("get_dag_runs", _RUNS)
def dag_runs(request: HttpRequest, dag_id: str) -> HttpResponse:
    """The runs of a DAG, the earliest first; ``?state=`` in any case. An unknown DAG is a 400, as in the reference."""
    if not Dag.objects.filter(pk=dag_id).exists():
        raise Invalid(_no_dag(dag_id))
    runs = DagRun.objects.filter(dag_id=dag_id).order_by("logical_date")
    state = request.GET.get("state", "")
    if state:
        if state.lower() not in set(DagRunState):
            raise Invalid(f"{state[:50]!r} is not a valid DagRunState. There are: {', '.join(DagRunState)}.")
        runs = runs.filter(state=state.lower())
    columns = runs.values_list("logical_date", "start_date", "run_id", "state", "pk")
    return responses.rows(responses.run_row(dag_id, *row) for row in columns.iterator(chunk_size=2000))


@operation("get_dag_run", _RUN_OF_DATE)
def dag_run_status(request: HttpRequest, dag_id: str, execution_date: str) -> HttpResponse:
    """The state of the run of a date."""
    moment = bodies.moment(execution_date)
    return responses.answer({"state": _run(_graph(dag_id), moment).state})


@operation("get_dag_runs", "/dags/~/dagRuns", any_dag=True)
def latest_runs(request: HttpRequest) -> HttpResponse:
    """The latest run of each DAG that the caller may read; one query."""
    readable = permissions.readable_dag_ids(caller_of(request))
    dags = Dag.objects.all() if readable is None else Dag.objects.filter(pk__in=readable)
    # Two steps into an index for each DAG, however many runs there are.
    latest = DagRun.objects.filter(dag_id=OuterRef("pk")).order_by("-logical_date")
    dates = (Subquery(latest.values(column)[:1]) for column in ("logical_date", "start_date"))
    found = dags.order_by("dag_id").values_list("dag_id", *dates)
    columns = (row for row in found if row[1] is not None)  # a DAG without runs has no latest
    return responses.answer({"items": [responses.run_row(*row) for row in columns]})


@operation("delete_dag", "/dags/{dag_id}", event="delete_dag")
def delete_dag(request: HttpRequest, dag_id: str) -> HttpResponse:
    """Delete a DAG's rows."""
    dag = Dag.objects.filter(pk=dag_id).first()
    if dag is None:
        raise NotFound(f"Dag id {dag_id} not found")
    count = dag_services.delete(dag, actor=caller_of(request))
    return responses.answer({"message": f"Removed {count} record(s)", "count": count})


@operation("get_dag_source", "/dagSources/{{file_token}}")
def code(request: HttpRequest, dag_id: str) -> HttpResponse:
    """The text of a DAG's file, for those who may read every DAG in it.

    It is sent as plain text: the reference's text/html would let a DAG file run scripts in a browser.
    """
    dag = Dag.objects.select_related("source").filter(pk=dag_id).first()
    if dag is None:
        raise NotFound(_no_dag(dag_id))
    readable = permissions.readable_dag_ids(caller_of(request))
    if readable is not None:
        beside = Dag.objects.filter(fileloc=dag.fileloc).values_list("dag_id", flat=True)
        if not readable.issuperset(beside):
            raise Forbidden("The file also holds DAGs that you may not read.")
    if dag.source is None:
        raise NotFound(f"Nothing is kept of the file of {dag_id}. Parse it again.")
    return HttpResponse(dag.source.text, content_type="text/plain; charset=utf-8")


@operation("get_task", "/dags/{dag_id}/tasks/{task_id}")
def task_info(request: HttpRequest, dag_id: str, task_id: str) -> HttpResponse:
    """A task's attributes as texts."""
    graph = _graph(dag_id, task_id)
    return responses.answer(responses.task_attributes(graph.tasks[task_id], graph))


@operation("get_task_instance", _RUN_OF_DATE)
def task_instance_info(request: HttpRequest, dag_id: str, execution_date: str, task_id: str) -> HttpResponse:
    """The attributes of a task's instance in the run of a date, as texts; of a mapped task only the unexpanded one."""
    logical_date = bodies.moment(execution_date)
    run = _run(_graph(dag_id, task_id), logical_date)
    instance = TaskInstance.objects.filter(run=run, task_id=task_id, map_index=-1).first()
    if instance is None:
        raise NotFound(f"The run of {logical_date} has no instance of the task {task_id}.")
    instance.run = run
    return responses.answer(responses.instance_attributes(instance))


@operation("get_dag", "/dags/{dag_id}")
def dag_is_paused(request: HttpRequest, dag_id: str) -> HttpResponse:
    """Whether a DAG is paused."""
    return responses.answer({"is_paused": _dag(dag_id).is_paused})


@operation("patch_dag", "/dags/{dag_id}", event="patch_dag")
def dag_paused(request: HttpRequest, dag_id: str, paused: str) -> HttpResponse:
    """Pause a DAG with ``true``, unpause it with anything else. A GET that changes: no session may use it."""
    is_paused = paused == "true"
    note(request, is_paused=is_paused)
    verb = dag_services.pause if is_paused else dag_services.unpause
    verb(_dag(dag_id), actor=caller_of(request))
    return responses.answer({"response": "ok"})


@operation("get_pools", "/pools")
def get_pools(request: HttpRequest) -> HttpResponse:
    """All pools."""
    return responses.answer([responses.pool_row(pool) for pool in Pool.objects.order_by("pk")])


@operation("get_pool", "/pools/{name}")
def get_pool(request: HttpRequest, name: str) -> HttpResponse:
    """One pool."""
    return responses.answer(responses.pool_row(_pool(name)))


@operation("post_pool", "/pools", event="post_pool")
def create_pool(request: HttpRequest) -> HttpResponse:
    """Make a pool or change the one of that name; to change it one must be allowed to edit pools."""
    data = bodies.body_of(request)
    note(request, **data)
    name, changes = _pool_fields(data)
    existing = Pool.objects.filter(name=name).first()
    if existing is not None:
        pool = pool_services.update(existing, actor=caller_of(request), **changes)
    else:
        try:
            pool = pool_services.create(actor=caller_of(request), name=name, **changes)
        except Conflict:  # another caller made it just now
            pool = pool_services.update(_pool(name), actor=caller_of(request), **changes)
    return responses.answer(responses.pool_row(pool))


@operation("delete_pool", "/pools/{name}", event="delete_pool")
def delete_pool(request: HttpRequest, name: str) -> HttpResponse:
    """Delete a pool; answers what it was."""
    if name == DEFAULT_POOL:
        raise Invalid(f"{DEFAULT_POOL} cannot be deleted")
    pool = _pool(name)
    row = responses.pool_row(pool)
    pool_services.delete(pool, actor=caller_of(request))
    return responses.answer(row)


@operation("get_xcom_entries", f"{_RUNS}/~/taskInstances/~/xcomEntries?xcom_key=pipeline_outlets")
def get_lineage(request: HttpRequest, dag_id: str, execution_date: str) -> HttpResponse:
    """What the tasks of a date's run read and wrote; ``message`` repeats it for the reference's own client."""
    moment = bodies.moment(execution_date)
    run = _run(_graph(dag_id), moment)
    left = XCom.objects.filter(task_instance__run=run, key__in=_LINEAGE).order_by("pk")
    found: dict[str, dict[str, Any]] = {}
    for task_id, key, value in left.values_list("task_instance__task_id", "key", "value"):
        found.setdefault(task_id, {})[_LINEAGE[key]] = xcoms.literal(value)
    return responses.answer({"task_ids": found, "message": {"task_ids": found}})


def _no_dag(dag_id: str) -> str:
    return f"Dag id {dag_id} not found in DagModel"


def _dag(dag_id: str) -> Dag:
    dag = Dag.objects.filter(pk=dag_id).first()
    if dag is None:
        raise NotFound(_no_dag(dag_id))
    return dag


def _graph(dag_id: str, task_id: str | None = None) -> SerializedDag:
    """The DAG as it was last parsed, with the task. Raises NotFound."""
    try:
        graph = versions.current(dag_id)
    except NotFound:
        raise NotFound(_no_dag(dag_id)) from None
    if task_id is not None and task_id not in graph.tasks:
        raise NotFound(f"Task {task_id} not found in dag {dag_id}")
    return graph


def _run(graph: SerializedDag, logical_date: datetime) -> DagRun:
    run = DagRun.objects.filter(dag_id=graph.dag_id, logical_date=logical_date).first()
    if run is None:
        raise NotFound(f"Dag Run for date {logical_date} not found in dag {graph.dag_id}")
    return run


def _pool(name: str) -> Pool:
    if not name.strip():
        raise Invalid("Pool name shouldn't be empty")
    try:
        return pool_services.find(name)
    except NotFound:
        raise NotFound(f"Pool '{name}' doesn't exist") from None


def _pool_fields(data: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A pool's name and its other fields from a body. Raises Invalid."""
    if missing := sorted({"name", "slots", "description"} - set(data)):
        raise Invalid(f"The pool's {', '.join(missing)} must be given.")
    name = data["name"]
    if name is not None and not isinstance(name, str):
        raise Invalid("The pool's name must be text.")
    if not (name and name.strip()):
        raise Invalid("Pool name shouldn't be empty")
    changes: dict[str, Any] = {"slots": _slots(data["slots"]), "description": data["description"]}
    if len(name) > _LONGEST_POOL_NAME:
        raise Invalid(f"Pool name can't be more than {_LONGEST_POOL_NAME} characters")
    if changes["description"] is not None and not isinstance(changes["description"], str):
        raise Invalid("The pool's description must be text or null.")
    if data.get("include_deferred") is not None:
        changes["include_deferred"] = bodies.truth(data["include_deferred"])
    return name, changes


def _slots(value: Any) -> int:
    try:
        return int(value)
    except (ValueError, TypeError, OverflowError):
        raise Invalid(f"Bad value for `slots`: {str(value)[:100]}") from None
