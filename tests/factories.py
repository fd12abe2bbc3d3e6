"""Rows for tests. Each factory builds the least that the tables accept; a test sets what it is about.

``make_dag("a >> b")`` makes a DAG with a version of that graph, ``make_run`` a run of it with its task instances.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from factory.declarations import LazyAttribute, LazyFunction, SelfAttribute, Sequence, SubFactory
from factory.django import DjangoModelFactory, Password

from orchestration import models
from orchestration.models import versions
from orchestration.serialization.values import SerializedDag, SerializedGroup, SerializedTask
from orchestration.states import DagRunState, DagRunType, JobState, JobType, TaskInstanceState

#: Where the dates of tests begin.
START = datetime(2024, 1, 1, tzinfo=UTC)


def serialized(
    edges: str = "task",
    *,
    dag_id: str = "dag",
    tasks: Mapping[str, Mapping[str, Any]] | None = None,
    groups: Iterable[SerializedGroup] = (),
    **dag: Any,
) -> SerializedDag:
    """A serialised DAG from its edges: ``"a >> b >> c, a >> d"``; ``tasks`` holds fields of single tasks.

    ``"a, b >> c"`` is the lone task a and the edge from b to c. Tasks are listed in the order of their first mention,
    which should be topological.
    """
    order: dict[str, None] = {}
    down: dict[str, set[str]] = {}
    up: dict[str, set[str]] = {}
    for chain in edges.split(","):
        names = [name.strip() for name in chain.split(">>")]
        order.update(dict.fromkeys(names))
        for before, after in itertools.pairwise(names):
            down.setdefault(before, set()).add(after)
            up.setdefault(after, set()).add(before)
    fields = tasks or {}
    listed = tuple(groups)
    root = SerializedGroup(group_id=None, children=tuple(("task", name) for name in order))
    return SerializedDag(
        **{
            "dag_id": dag_id,
            "dag_display_name": dag_id,
            "description": None,
            "fileloc": f"/dags/{dag_id}.py",
            "timetable": {"type": "null"},
            "timetable_summary": "None",
            "timetable_description": "Never, external triggers only",
            "schedule_interval": None,
            "start_date": START,
            "groups": {None: root, **{group.group_id: group for group in listed}},
            "tasks": {
                name: SerializedTask(
                    **{
                        "task_id": name,
                        "task_type": "PythonOperator",
                        "module": "airflow.operators.python",
                        "operator_name": "PythonOperator",
                        "task_display_name": name,
                        "label": name.rpartition(".")[2],
                        "upstream_task_ids": frozenset(up.get(name, ())),
                        "downstream_task_ids": frozenset(down.get(name, ())),
                        **fields.get(name, {}),
                    }
                )
                for name in order
            },
            **dag,
        }
    )


class UserFactory(DjangoModelFactory[models.User]):
    """A user without roles; the password is ``password``."""

    class Meta:
        model = models.User
        skip_postgeneration_save = True

    username = Sequence(lambda n: f"user{n}")
    email = LazyAttribute(lambda user: f"{user.username}@example.com")
    password = Password("password")


class JobFactory(DjangoModelFactory[models.Job]):
    """A scheduler that is alive."""

    class Meta:
        model = models.Job

    job_type = JobType.SCHEDULER
    state = JobState.RUNNING
    start_date = LazyFunction(lambda: datetime.now(UTC))
    latest_heartbeat = LazyFunction(lambda: datetime.now(UTC))
    hostname = "localhost"


class PoolFactory(DjangoModelFactory[models.Pool]):
    """A pool; ``default_pool`` is made by name and only once."""

    class Meta:
        model = models.Pool
        django_get_or_create = ("name",)

    name = Sequence(lambda n: f"pool{n}")
    slots = 128


class DagSourceFactory(DjangoModelFactory[models.DagSource]):
    """The text of a DAG file."""

    class Meta:
        model = models.DagSource

    digest = LazyFunction(lambda: uuid.uuid4().hex * 2)
    fileloc = "/dags/dag.py"
    text = "# a DAG file\n"


class DagFactory(DjangoModelFactory[models.Dag]):
    """An active, unpaused DAG without a version; see ``make_dag``."""

    class Meta:
        model = models.Dag

    dag_id = Sequence(lambda n: f"dag{n}")
    dag_display_name = SelfAttribute("dag_id")
    is_paused = False
    is_active = True
    fileloc = LazyAttribute(lambda dag: f"/dags/{dag.dag_id}.py")
    last_parsed_at = LazyFunction(lambda: datetime.now(UTC))
    owners = "airflow"


class DagVersionFactory(DjangoModelFactory[models.DagVersion]):
    """A version whose document is empty; ``make_dag`` makes one that can be read."""

    class Meta:
        model = models.DagVersion

    dag = SubFactory(DagFactory)
    number = Sequence(lambda n: n + 1)
    digest = LazyFunction(lambda: uuid.uuid4().hex * 2)
    document = LazyFunction(dict)


class DagTagFactory(DjangoModelFactory[models.DagTag]):
    """A tag."""

    class Meta:
        model = models.DagTag

    dag = SubFactory(DagFactory)
    name = Sequence(lambda n: f"tag{n}")


class DagOwnerLinkFactory(DjangoModelFactory[models.DagOwnerLink]):
    """An owner's link."""

    class Meta:
        model = models.DagOwnerLink

    dag = SubFactory(DagFactory)
    owner = Sequence(lambda n: f"owner{n}")
    link = "mailto:owner@example.com"


class DagWarningFactory(DjangoModelFactory[models.DagWarning]):
    """A warning."""

    class Meta:
        model = models.DagWarning

    dag = SubFactory(DagFactory)
    warning_type = models.DagWarning.Type.NONEXISTENT_POOL
    message = "Pool nowhere does not exist."


class DagImportErrorFactory(DjangoModelFactory[models.DagImportError]):
    """A file that cannot be read."""

    class Meta:
        model = models.DagImportError

    filename = Sequence(lambda n: f"/dags/broken{n}.py")
    stack_trace = "SyntaxError: invalid syntax"


class DagRunFactory(DjangoModelFactory[models.DagRun]):
    """A running manual run without task instances; each next one is dated a day later."""

    class Meta:
        model = models.DagRun

    dag = SubFactory(DagFactory)
    run_type = DagRunType.MANUAL
    logical_date = Sequence(lambda n: START + timedelta(days=n))
    data_interval_start = SelfAttribute("logical_date")
    data_interval_end = SelfAttribute("logical_date")
    run_id = LazyAttribute(lambda run: f"{run.run_type}__{run.logical_date.isoformat()}")
    state = DagRunState.RUNNING
    queued_at = LazyFunction(lambda: datetime.now(UTC))
    start_date = LazyAttribute(lambda run: None if run.state == DagRunState.QUEUED else run.queued_at)
    dag_version = LazyAttribute(lambda run: run.dag.current_version)
    external_trigger = LazyAttribute(lambda run: run.run_type == DagRunType.MANUAL)


class TaskInstanceFactory(DjangoModelFactory[models.TaskInstance]):
    """A task instance in no state."""

    class Meta:
        model = models.TaskInstance

    run = SubFactory(DagRunFactory)
    dag = SelfAttribute("run.dag")
    task_id = Sequence(lambda n: f"task{n}")
    operator = "PythonOperator"
    task_display_name = SelfAttribute("task_id")
    state = TaskInstanceState.NONE


class TaskInstanceHistoryFactory(DjangoModelFactory[models.TaskInstanceHistory]):
    """An earlier, failed try."""

    class Meta:
        model = models.TaskInstanceHistory

    task_instance = SubFactory(TaskInstanceFactory)
    try_number = 1
    state = TaskInstanceState.FAILED


class TaskRescheduleFactory(DjangoModelFactory[models.TaskReschedule]):
    """One wait of a sensor."""

    class Meta:
        model = models.TaskReschedule

    task_instance = SubFactory(TaskInstanceFactory)
    try_number = 1
    start_date = START
    end_date = START
    duration = 0.0
    reschedule_date = START


class XComFactory(DjangoModelFactory[models.XCom]):
    """A ``return_value``; ``value`` is given as a Python value and stored as JSON text, with its length."""

    class Meta:
        model = models.XCom

    task_instance = SubFactory(TaskInstanceFactory)
    dag_id = SelfAttribute("task_instance.dag_id")
    task_id = SelfAttribute("task_instance.task_id")
    run_id = SelfAttribute("task_instance.run.run_id")
    map_index = SelfAttribute("task_instance.map_index")
    key = "return_value"
    value: Any = 1

    @classmethod
    def _adjust_kwargs(cls, **kwargs: Any) -> dict[str, Any]:
        value = kwargs["value"]
        kwargs.setdefault("length", len(value) if isinstance(value, list | dict) else None)
        return {**kwargs, "value": json.dumps(value)}


class TriggerFactory(DjangoModelFactory[models.Trigger]):
    """A trigger nobody runs yet."""

    class Meta:
        model = models.Trigger

    classpath = "airflow.triggers.testing.SuccessTrigger"
    kwargs = "{}"


class VariableFactory(DjangoModelFactory[models.Variable]):
    """A variable."""

    class Meta:
        model = models.Variable

    key = Sequence(lambda n: f"key{n}")
    val = "value"


class ConnectionFactory(DjangoModelFactory[models.Connection]):
    """A connection."""

    class Meta:
        model = models.Connection

    conn_id = Sequence(lambda n: f"conn{n}")
    conn_type = "http"
    host = "example.com"


class DatasetFactory(DjangoModelFactory[models.Dataset]):
    """A dataset."""

    class Meta:
        model = models.Dataset

    uri = Sequence(lambda n: f"s3://bucket/{n}")


class DatasetAliasFactory(DjangoModelFactory[models.DatasetAlias]):
    """An alias that stands for nothing yet."""

    class Meta:
        model = models.DatasetAlias

    name = Sequence(lambda n: f"alias{n}")


class DatasetEventFactory(DjangoModelFactory[models.DatasetEvent]):
    """An event without a source."""

    class Meta:
        model = models.DatasetEvent

    dataset = SubFactory(DatasetFactory)


class DatasetQueuedEventFactory(DjangoModelFactory[models.DatasetQueuedEvent]):
    """An event that a DAG has not yet run for."""

    class Meta:
        model = models.DatasetQueuedEvent

    dataset = SubFactory(DatasetFactory)
    dag = SubFactory(DagFactory)


class EventLogFactory(DjangoModelFactory[models.EventLog]):
    """A line of the audit log."""

    class Meta:
        model = models.EventLog

    event = "trigger"


class BackfillFactory(DjangoModelFactory[models.Backfill]):
    """A backfill of one day."""

    class Meta:
        model = models.Backfill

    dag = SubFactory(DagFactory)
    from_date = START
    to_date = START


class CallbackRequestFactory(DjangoModelFactory[models.CallbackRequest]):
    """A DAG callback to be run."""

    class Meta:
        model = models.CallbackRequest

    kind = models.CallbackRequest.Kind.DAG
    fileloc = "/dags/dag.py"
    data = LazyFunction(dict)


def make_dag(graph: SerializedDag | str = "task", **fields: Any) -> models.Dag:
    """A DAG whose current version is ``graph`` (or the graph of those edges), its columns set as a parse sets them."""
    if isinstance(graph, str):
        graph = serialized(graph, dag_id=fields.pop("dag_id", f"dag_{uuid.uuid4().hex[:8]}"))
    limited = [(task.max_active_tis_per_dag, task.max_active_tis_per_dagrun) for task in graph.tasks.values()]
    dag: models.Dag = DagFactory.create(
        **{
            "dag_id": graph.dag_id,
            "fileloc": graph.fileloc,
            "max_active_tasks": graph.max_active_tasks,
            "max_active_runs": graph.max_active_runs,
            "max_consecutive_failed_dag_runs": graph.max_consecutive_failed_dag_runs,
            "has_task_concurrency_limits": any(limit is not None for pair in limited for limit in pair),
            **fields,
        }
    )
    dag.current_version = add_version(dag, graph)
    dag.save(update_fields=["current_version"])
    return dag


def add_version(dag: models.Dag, graph: SerializedDag) -> models.DagVersion:
    """A further version of the DAG; not made the current one."""
    number = models.DagVersion.objects.filter(dag=dag).count() + 1
    version: models.DagVersion = DagVersionFactory.create(dag=dag, number=number)
    versions.remember(version, graph)
    return version


def make_run(dag: models.Dag, states: Mapping[str, str] | None = None, **fields: Any) -> models.DagRun:
    """A run of the DAG's current version with its task instances; ``states`` sets those of tasks by id."""
    run: models.DagRun = DagRunFactory.create(dag=dag, **fields)
    assert run.dag_version_id is not None, "make the DAG with make_dag"
    run.create_task_instances(versions.serialized(run.dag_version_id))
    for task_id, state in (states or {}).items():
        run.task_instances.filter(task_id=task_id).update(state=state)
    return run


def states_of(run: models.DagRun) -> dict[str, str]:
    """The states of the run's task instances by ``task_id`` or ``task_id[map_index]``."""
    return {
        f"{task_id}[{index}]" if index >= 0 else task_id: state
        for task_id, index, state in run.task_instances.order_by("id").values_list("task_id", "map_index", "state")
    }
