"""A task instance as tasks, callbacks and templates see it, like that of ``airflow.models.taskinstance``.

The values are read-only. XComs, the runs before and other task instances come through the store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

from orchestration.authoring import store, xcom
from orchestration.authoring.abstractoperator import NotMapped
from orchestration.authoring.columns import columns
from orchestration.authoring.context import get_current_context, set_current_context
from orchestration.authoring.dagrun import DagRun, parse_moment
from orchestration.authoring.exceptions import DagRunNotFound
from orchestration.authoring.types import XCOM_RETURN_KEY
from orchestration.conf import conf

if TYPE_CHECKING:
    import jinja2
    from pendulum import DateTime

    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.context import Context
    from orchestration.authoring.task_group import MappedTaskGroup

__all__ = ["SimpleTaskInstance", "TaskInstance", "TaskInstanceKey", "get_current_context", "set_current_context"]


class TaskInstanceKey(NamedTuple):
    """What tells one try of a task instance from all others."""

    dag_id: str
    task_id: str
    run_id: str
    try_number: int = 1
    map_index: int = -1

    @property
    def primary(self) -> tuple[str, str, str, int]:
        """The key without the try."""
        return self.dag_id, self.task_id, self.run_id, self.map_index

    @property
    def key(self) -> TaskInstanceKey:
        """Itself."""
        return self


@columns(
    "dag_id task_id run_id map_index state start_date end_date duration try_number max_tries hostname unixname "
    "pid job_id pool pool_slots queue priority_weight operator queued_dttm execution_date executor_config "
    "trigger_id updated_at"
)
class TaskInstance:
    """One instance of a task in one run.

    ``TaskInstance(task, run_id=…)`` or ``(task, execution_date=…)`` reads its state from the store; the runner makes
    the running one with ``of``.
    """

    test_mode = False
    rendered_map_index: str | None = None
    end_date: Any = None
    pid: int | None = None
    job_id: int | None = None
    unixname: str | None = None

    def __init__(
        self,
        task: AbstractOperator | None,
        execution_date: datetime | None = None,
        run_id: str | None = None,
        state: str | None = None,
        map_index: int = -1,
        *,
        dag_id: str | None = None,
        task_id: str | None = None,
    ) -> None:
        self.task: Any = task
        self.dag_id = dag_id or (task.dag_id if task is not None else "")
        self.task_id = task_id or (task.task_id if task is not None else "")
        self.map_index = map_index
        self._run: DagRun | None = None
        if run_id is None and execution_date is not None:
            found = DagRun.find(dag_id=self.dag_id, execution_date=execution_date)
            if not found:
                raise DagRunNotFound(f"DAG {self.dag_id!r} has no run of {execution_date}")
            self._run, run_id = found[0], found[0].run_id
        self.run_id = run_id or ""
        self.state = state
        self.try_number = 0
        self.max_tries = getattr(task, "retries", 0) or 0
        self.start_date: Any = None
        self.queued_dttm: Any = None
        self.hostname = ""
        self.pool = getattr(task, "pool", "default_pool")
        self.pool_slots = getattr(task, "pool_slots", 1)
        self.queue = getattr(task, "queue", "default")
        self.priority_weight = 1
        self.operator = getattr(task, "task_type", None)
        self.executor_config = getattr(task, "executor_config", None) or {}
        self.next_method: str | None = None
        self.next_kwargs: dict[str, Any] | None = None
        self.id: Any = None
        self._note: str | None = None
        self._start: Mapping[str, Any] = {}
        self.log = logging.getLogger("airflow.task")

    @classmethod
    def of(cls, start_document: Mapping[str, Any], task: AbstractOperator, run: DagRun) -> TaskInstance:
        """The running task instance, from what the supervisor sent.

        ``start_document["ti"]``: the parts of its key (``TaskInstanceKey``); and where known ``id``, ``max_tries``,
        ``state``, ``start_date``, ``queued_at``, ``hostname``, ``pool``, ``priority_weight``, ``queue``, ``operator``,
        ``next_method``, ``next_kwargs``, ``note``, ``first_start_date``, ``reschedule_count``.
        ``start_document["expansion"]`` (optional): ``count``, the number of instances of the task in the run;
        ``upstream_map_indexes``: task id → index, ``[first, past the last]``, or None for all.
        """
        given = start_document["ti"]
        ti = cls(task, run_id=given["run_id"], map_index=given.get("map_index", -1))
        ti._run = run
        ti._start = start_document
        ti._take(given)
        return ti

    @classmethod
    def other(cls, value: Mapping[str, Any], run: DagRun | None = None) -> TaskInstance:
        """Another task instance, from the store's value (``store.TaskInstanceValue``)."""
        ti = cls(
            None, run_id=value["run_id"], map_index=value["map_index"], dag_id=value["dag_id"], task_id=value["task_id"]
        )
        ti._run = run
        if run is not None and run.dag is not None and run.dag.has_task(ti.task_id):
            ti.task = run.dag.get_task(ti.task_id)
        ti._take(value)
        return ti

    def _take(self, given: Mapping[str, Any]) -> None:
        for name in (
            "id", "state", "try_number", "max_tries", "hostname", "pool", "pool_slots", "priority_weight", "queue",
            "operator", "next_method", "next_kwargs", "job_id", "pid", "unixname",
        ):  # fmt: skip
            if given.get(name) is not None:
                setattr(self, name, given[name])
        self.start_date = parse_moment(given.get("start_date"))
        self.end_date = parse_moment(given.get("end_date"))
        self.queued_dttm = parse_moment(given.get("queued_at"))
        self._note = given.get("note")

    @classmethod
    def find_one(
        cls, dag_id: str, run_id: str, task_id: str, map_index: int = -1, *, run: DagRun | None = None
    ) -> TaskInstance | None:
        """A task instance by its ids; None without it."""
        found = store.current().get_task_instances(dag_id=dag_id, run_ids=[run_id], task_ids=[task_id])
        for value in found:
            if value["map_index"] == map_index:
                return cls.other(value, run)
        return None

    def __repr__(self) -> str:
        index = f" map_index={self.map_index}" if self.map_index >= 0 else ""
        return f"<TaskInstance: {self.dag_id}.{self.task_id} {self.run_id}{index} [{self.state}]>"

    def __hash__(self) -> int:
        return hash((self.dag_id, self.run_id, self.task_id, self.map_index))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TaskInstance):
            return NotImplemented
        return self.key.primary == other.key.primary

    @property
    def dag_run(self) -> DagRun:
        """The run; DagRunNotFound where it is gone."""
        if self._run is None:
            found = DagRun.find(dag_id=self.dag_id, run_id=self.run_id)
            if not found:
                raise DagRunNotFound(f"DAG {self.dag_id!r} has no run {self.run_id!r}")
            self._run = found[0]
        return self._run

    def get_dagrun(self, session: Any = None) -> DagRun:
        """The run."""
        return self.dag_run

    @property
    def execution_date(self) -> DateTime:
        """The run's logical date."""
        moment: DateTime = self.dag_run.logical_date
        return moment

    logical_date = execution_date

    @property
    def key(self) -> TaskInstanceKey:
        """What tells this try from all others."""
        return TaskInstanceKey(self.dag_id, self.task_id, self.run_id, self.try_number, self.map_index)

    @property
    def task_display_name(self) -> str:
        """The name shown for the task."""
        return getattr(self.task, "task_display_name", None) or self.task_id

    @property
    def operator_name(self) -> str | None:
        """The name shown for the operator."""
        return getattr(self.task, "operator_name", None) or self.operator

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None before the end."""
        if self.start_date is None or self.end_date is None:
            return None
        span: timedelta = self.end_date - self.start_date
        return span.total_seconds()

    @property
    def prev_attempted_tries(self) -> int:
        """How often the task was tried."""
        return int(self.try_number)

    @property
    def next_try_number(self) -> int:
        """The number of the next try."""
        return int(self.try_number) + 1

    @property
    def note(self) -> str | None:
        """The note shown with the task instance; may be set from within the task."""
        return self._note

    @note.setter
    def note(self, value: str | None) -> None:
        store.current().set_note(value)
        self._note = value

    @property
    def log_url(self) -> str:
        """The address of the page with the task instance's log."""
        return self._page("grid", tab="logs")

    @property
    def mark_success_url(self) -> str:
        """The address of the page where the task instance can be marked."""
        return self._page("grid", tab="graph")

    def _page(self, view: str, **query: str) -> str:
        base = conf.get("webserver", "base_url").rstrip("/")
        parts = {
            "dag_run_id": self.run_id,
            "task_id": self.task_id,
            **({"map_index": self.map_index} if self.map_index >= 0 else {}),
            "base_date": self.execution_date.strftime("%Y-%m-%dT%H:%M:%S%z"),
            **query,
        }
        return f"{base}/dags/{self.dag_id}/{view}?{urlencode(parts, quote_via=quote)}"

    def xcom_push(self, key: str, value: Any, execution_date: datetime | None = None, session: Any = None) -> None:
        """Give a value to other tasks under a key. ``execution_date`` means nothing any more."""
        xcom.push(self.dag_id, self.run_id, self.task_id, self.map_index, key, value)

    def xcom_pull(
        self,
        task_ids: str | Iterable[str] | None = None,
        dag_id: str | None = None,
        key: str | None = XCOM_RETURN_KEY,
        include_prior_dates: bool = False,
        session: Any = None,
        *,
        map_indexes: int | Iterable[int] | None = None,
        default: Any = None,
        run_id: str | None = None,
    ) -> Any:
        """What other tasks gave.

        One task: its value, or for a mapped task a sequence of its instances' values; ``default`` where there is
        none. Several tasks or indexes: a sequence in the order asked for. ``include_prior_dates`` looks into earlier
        runs too, newest first.
        """
        return xcom.pull(
            dag_id=dag_id or self.dag_id,
            run_id=run_id or self.run_id,
            task_ids=task_ids,
            map_indexes=map_indexes,
            key=key,
            include_prior_dates=include_prior_dates,
            default=default,
        )

    def clear_xcom_data(self, session: Any = None) -> None:
        """Delete what this task instance pushed."""
        store.current().delete_xcoms(self.dag_id, self.run_id, self.task_id, self.map_index)

    def current_state(self, session: Any = None) -> str | None:
        """The state now."""
        found = self.find_one(self.dag_id, self.run_id, self.task_id, self.map_index)
        return found.state if found else None

    def refresh_from_db(self, session: Any = None, lock_for_update: bool = False) -> None:
        """Read the state, the try and the dates again."""
        for value in store.current().get_task_instances(
            dag_id=self.dag_id, run_ids=[self.run_id], task_ids=[self.task_id]
        ):
            if value["map_index"] == self.map_index:
                self._take(value)
                self.state = value["state"]

    def is_eligible_to_retry(self) -> bool:
        """Whether a failure now is followed by another try."""
        return bool(getattr(self.task, "retries", self.max_tries)) and self.try_number <= self.max_tries

    def get_previous_dagrun(self, state: Any = None, session: Any = None) -> DagRun | None:
        """The run before: by the schedule where the DAG has one and catches up, else by logical date."""
        run, dag = self.dag_run, getattr(self.task, "dag", None)
        follows_schedule = dag is not None and dag.catchup and dag.timetable.can_be_scheduled
        if follows_schedule and state is None:
            return run.get_previous_scheduled_dagrun()
        return run.get_previous_dagrun(state=state)

    def get_previous_ti(self, state: Any = None, session: Any = None) -> TaskInstance | None:
        """This task's instance in the run before."""
        run = self.get_previous_dagrun(state=state)
        return run.get_task_instance(self.task_id) if run else None

    @property
    def previous_ti(self) -> TaskInstance | None:
        """This task's instance in the run before."""
        return self.get_previous_ti()

    @property
    def previous_ti_success(self) -> TaskInstance | None:
        """This task's instance in the last earlier run that succeeded."""
        return self.get_previous_ti(state="success")

    def get_previous_execution_date(self, state: Any = None, session: Any = None) -> DateTime | None:
        """The logical date of the run before in which this task was."""
        before = self.get_previous_ti(state=state)
        return before.execution_date if before else None

    def get_previous_start_date(self, state: Any = None, session: Any = None) -> DateTime | None:
        """When this task's instance in the run before started."""
        before = self.get_previous_ti(state=state)
        return before.start_date if before else None

    @property
    def previous_start_date_success(self) -> DateTime | None:
        """When this task's instance in the last earlier successful run started."""
        return self.get_previous_start_date(state="success")

    @property
    def first_start_date(self) -> DateTime | None:
        """When this try first started, before it was rescheduled; the start date where it never was."""
        given = self._start.get("ti", {}).get("first_start_date")
        moment: DateTime | None = parse_moment(given) or self.start_date
        return moment

    @property
    def reschedule_count(self) -> int:
        """How often this try was rescheduled."""
        return int(self._start.get("ti", {}).get("reschedule_count") or 0)

    def get_template_context(self, session: Any = None, ignore_param_exceptions: bool = True) -> Context:
        """The context for this task instance's templates."""
        from orchestration.authoring.context import for_task_instance

        return for_task_instance(self, ignore_param_exceptions=ignore_param_exceptions)

    def render_templates(self, context: Any = None, jinja_env: jinja2.Environment | None = None) -> AbstractOperator:
        """Render the task's fields in place; a mapped task is replaced by its single task, here and in the context.

        Returns the task as it was before.
        """
        context = context if context is not None else self.get_template_context()
        original: AbstractOperator = self.task
        original.render_template_fields(context, jinja_env)
        self.task = context["ti"].task
        return original

    def expanded_ti_count(self) -> int | None:
        """The number of this task's instances in the run; None for a task that does not multiply."""
        given = self._expansion.get("count")
        if given is not None:
            return int(given)
        if self.task is None:
            return None
        try:
            return int(self._dag_task().get_mapped_ti_count(self.run_id))
        except NotMapped:
            return None

    @property
    def _expansion(self) -> Mapping[str, Any]:
        return self._start.get("expansion") or {}

    def _dag_task(self) -> AbstractOperator:
        """The task as the DAG has it, also after a mapped one was replaced by its single task."""
        task: AbstractOperator = self.task.dag.get_task(self.task_id)
        return task

    def get_relevant_upstream_map_indexes(
        self, upstream: AbstractOperator, ti_count: int | None = None, *, session: Any = None
    ) -> int | range | None:
        """Which instances of an upstream task in the same mapped group belong to this one; None for all.

        An index where the upstream has one instance for each of the group, a range where it multiplies further.
        """
        if upstream.task_id in (given := self._expansion.get("upstream_map_indexes") or {}):
            found = given[upstream.task_id]
            return range(*found) if isinstance(found, (list, tuple)) else found
        group = _common_mapped_group(self.task, upstream)
        count = (ti_count or self.expanded_ti_count()) if group is not None else None
        if group is None or not count:
            return None
        group_count = group.get_mapped_ti_count(self.run_id)
        group_index = self.map_index * group_count // count
        if not _is_further_mapped_inside(upstream, group):
            return group_index
        further = count // group_count
        return range(group_index * further, (group_index + 1) * further)


class SimpleTaskInstance(NamedTuple):
    """A task instance's ids and state, for code that annotates with it."""

    dag_id: str
    task_id: str
    run_id: str
    map_index: int
    state: str | None


def _common_mapped_group(one: AbstractOperator, other: AbstractOperator) -> MappedTaskGroup | None:
    """The innermost mapped group around both tasks."""
    if one.get_dag() is None or other.get_dag() is None or one.dag_id != other.dag_id:
        return None
    around = {group.group_id for group in one.iter_mapped_task_groups()}
    return next((group for group in other.iter_mapped_task_groups() if group.group_id in around), None)


def _is_further_mapped_inside(operator: AbstractOperator, container: MappedTaskGroup) -> bool:
    """Whether the task multiplies within the group."""
    from orchestration.authoring.mappedoperator import MappedOperator

    if isinstance(operator, MappedOperator):
        return True
    innermost = next(operator.iter_mapped_task_groups(), None)
    return innermost is not None and innermost.group_id != container.group_id
