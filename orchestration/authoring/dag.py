"""The DAG as its author writes it. Mirrors ``airflow.models.dag`` of Airflow 2.10.5."""

from __future__ import annotations

import copy
import functools
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from orchestration.authoring import timezone
from orchestration.authoring.dag_arguments import (
    ARGUMENT_TYPES,
    one_of,
    refuse_long_tags,
    settle_dates,
    settle_schedule,
    warn,
)
from orchestration.authoring.dag_checks import (
    DEFAULT_VIEW_PRESETS,
    ORIENTATION_PRESETS,
    check_cycle,
    check_setup_teardown,
    normalise_access_control,
    refuse_reserved_id,
)
from orchestration.authoring.dag_context import DagContext
from orchestration.authoring.dag_schedule import DagScheduleMixin
from orchestration.authoring.exceptions import (
    AirflowDagInconsistent,
    AirflowException,
    DuplicateTaskIdFound,
    FailStopDagInvalidTriggerRule,
    ParamValidationError,
    TaskNotFound,
)
from orchestration.authoring.helpers import are_alike, validate_instance_args, validate_key
from orchestration.authoring.logging_mixin import LoggingMixin
from orchestration.authoring.operator_arguments import mapping_of
from orchestration.authoring.params import DagParam, ParamsDict
from orchestration.authoring.types import NOTSET, EdgeInfoType
from orchestration.conf import conf

if TYPE_CHECKING:
    from types import TracebackType

    import jinja2
    from pendulum import DateTime

    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.task_group import TaskGroup
    from orchestration.authoring.timetables.base import Timetable

__all__ = ["DAG", "DEFAULT_VIEW_PRESETS", "ORIENTATION_PRESETS", "DagContext", "check_cycle", "dag"]  # noqa: F822 dag is late


def __getattr__(name: str) -> Any:
    if name == "dag":
        from orchestration.authoring.dag_decorator import dag

        return dag
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


DagStateChangeCallback = Callable[[Any], None]
Callbacks = DagStateChangeCallback | list[DagStateChangeCallback] | None


@functools.total_ordering
class DAG(DagScheduleMixin, LoggingMixin):
    """Tasks, their order, and when they run.

    ``schedule`` is None, a cron text or preset, a duration, a timetable, datasets or an expression over them. Within
    ``with DAG(…):`` new tasks belong to it. The arguments mean what they mean in Airflow 2.10.5.
    """

    _comps: ClassVar[tuple[str, ...]] = (
        "dag_id", "task_ids", "parent_dag", "start_date", "end_date", "schedule_interval", "fileloc",
        "template_searchpath", "last_loaded",
    )  # fmt: skip

    parent_dag: DAG | None = None
    #: The file that defines the DAG.
    fileloc: str

    def __init__(
        self,
        dag_id: str,
        description: str | None = None,
        schedule: Any = NOTSET,
        schedule_interval: Any = NOTSET,
        timetable: Timetable | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        full_filepath: str | None = None,
        template_searchpath: str | Iterable[str] | None = None,
        template_undefined: type[jinja2.Undefined] | None = None,
        user_defined_macros: dict[str, Any] | None = None,
        user_defined_filters: dict[str, Any] | None = None,
        default_args: dict[str, Any] | None = None,
        concurrency: int | None = None,
        max_active_tasks: int = conf.getint("core", "max_active_tasks_per_dag"),
        max_active_runs: int = conf.getint("core", "max_active_runs_per_dag"),
        max_consecutive_failed_dag_runs: int = 0,
        dagrun_timeout: timedelta | None = None,
        sla_miss_callback: Any = None,
        default_view: str = conf.get("webserver", "dag_default_view", "grid").lower(),
        orientation: str = conf.get("webserver", "dag_orientation", "LR"),
        catchup: bool = conf.getboolean("scheduler", "catchup_by_default"),
        on_success_callback: Callbacks = None,
        on_failure_callback: Callbacks = None,
        doc_md: str | None = None,
        params: MutableMapping[str, Any] | None = None,
        access_control: Mapping[str, Any] | None = None,
        is_paused_upon_creation: bool | None = None,
        jinja_environment_kwargs: dict[str, Any] | None = None,
        render_template_as_native_obj: bool = False,
        tags: list[str] | None = None,
        owner_links: dict[str, str] | None = None,
        auto_register: bool = True,
        fail_stop: bool = False,
        dag_display_name: str | None = None,
    ) -> None:
        from orchestration.authoring.task_group import TaskGroup

        caller = sys._getframe().f_back
        if full_filepath:
            warn("full_filepath does nothing: a DAG knows the file that makes it. Take the argument out.")
        if concurrency:
            warn("concurrency has a new name: write max_active_tasks.")
            max_active_tasks = concurrency
        if default_view == "tree":
            warn("The view 'tree' has a new name: write default_view='grid'.")
            default_view = "grid"

        # What it is called, and how it is shown.
        validate_key(dag_id)
        refuse_reserved_id(dag_id)
        self._dag_id = dag_id
        self.safe_dag_id = dag_id.replace(".", "__dot__")
        self._display_name = dag_display_name
        self._description = description
        self.fileloc = "" if caller is None else caller.f_code.co_filename
        self.doc_md = self.get_doc_md(doc_md)
        self.tags = tags or []
        refuse_long_tags(self.tags)
        self.orientation = one_of(orientation, ORIENTATION_PRESETS, "orientation")
        self._default_view = one_of(default_view, DEFAULT_VIEW_PRESETS, "default_view")
        self.owner_links = owner_links or {}
        self._check_owner_links()

        # When it runs, how often at a time, and how it ends.
        self.default_args: dict[str, Any] = copy.deepcopy(dict(mapping_of(default_args, "default_args")))
        self.timezone, start_date = settle_dates(self.default_args, start_date)
        self.end_date: DateTime | None = timezone.convert_to_utc(end_date)
        self.start_date: DateTime | None = timezone.convert_to_utc(start_date)
        self.timetable, self.schedule_interval = settle_schedule(
            schedule,
            schedule_interval,
            timetable,
            zone=self.timezone,
            has_start_date="start_date" in self.default_args or self.start_date is not None,
        )
        self.catchup = catchup
        self.is_paused_upon_creation = is_paused_upon_creation
        self.max_active_tasks = max_active_tasks
        self.max_active_runs = max_active_runs
        by_default = conf.getint("core", "max_consecutive_failed_dag_runs_per_dag")
        self.max_consecutive_failed_dag_runs = max_consecutive_failed_dag_runs or by_default
        self._check_limits()
        self.fail_stop = fail_stop
        self.dagrun_timeout = dagrun_timeout
        self.on_failure_callback = on_failure_callback
        self.on_success_callback = on_success_callback
        self.sla_miss_callback = sla_miss_callback

        # What its tasks are given.
        self.params = ParamsDict({**(params or {}), **(self.default_args.pop("params", None) or {})})
        self.render_template_as_native_obj = render_template_as_native_obj
        self.template_undefined = template_undefined
        self.template_searchpath = (
            [template_searchpath] if isinstance(template_searchpath, str) else list(template_searchpath or ()) or None
        )
        self.jinja_environment_kwargs = jinja_environment_kwargs
        self.user_defined_filters = user_defined_filters
        self.user_defined_macros = user_defined_macros

        # Who may see it, and what it is made of.
        self.access_control = access_control
        self.auto_register = auto_register
        self.partial = False
        self.last_loaded = timezone.utcnow()
        self.task_dict: dict[str, AbstractOperator] = {}
        #: Upstream id → downstream id → note; only edges that have one.
        self.edge_info: dict[str, dict[str, EdgeInfoType]] = {}
        self._task_group = TaskGroup.create_root(self)
        self.validate_schedule_and_params()
        validate_instance_args(self, ARGUMENT_TYPES)

    def _check_owner_links(self) -> None:
        if wrong := dict(self.iter_invalid_owner_links()):
            links = ", ".join(f"{owner}: {link!r}" for owner, link in wrong.items())
            raise AirflowException(f"owner_links takes addresses of pages, or mailto:…, and got {links}")

    def _check_limits(self) -> None:
        if self.max_consecutive_failed_dag_runs < 0:
            raise AirflowException(
                f"max_consecutive_failed_dag_runs is 0 (no limit) or more, not {self.max_consecutive_failed_dag_runs}"
            )
        limit = self.timetable.active_runs_limit
        if limit is not None and limit < self.max_active_runs:
            raise AirflowException(
                f"A DAG with {type(self.timetable).__name__} has at most {limit} active runs: "
                f"set max_active_runs={limit}"
            )

    def __repr__(self) -> str:
        return f"<DAG: {self.dag_id}>"

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and are_alike(self, other, self._comps)

    def __lt__(self, other: DAG) -> bool:
        return self.dag_id < other.dag_id

    def __hash__(self) -> int:
        return hash((type(self), self._dag_id))

    def __enter__(self) -> DAG:
        DagContext.push_context_managed_dag(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        DagContext.pop_context_managed_dag()

    def __deepcopy__(self, memo: dict[int, Any]) -> DAG:
        result = type(self).__new__(type(self))
        memo[id(self)] = result
        for name, value in self.__dict__.items():
            is_shared = name in {"user_defined_macros", "user_defined_filters", "_log"}
            result.__dict__[name] = value if is_shared else copy.deepcopy(value, memo)
        return result

    @property
    def dag_id(self) -> str:
        """The DAG's id."""
        return self._dag_id

    @dag_id.setter
    def dag_id(self, value: str) -> None:
        self._dag_id = value

    @property
    def dag_display_name(self) -> str:
        """The name shown."""
        return self._display_name or self._dag_id

    @property
    def description(self) -> str | None:
        """What the DAG is for."""
        return self._description

    @property
    def default_view(self) -> str:
        """The page shown first."""
        return self._default_view

    @property
    def is_subdag(self) -> bool:
        """Whether the DAG is part of another one."""
        return self.parent_dag is not None

    @property
    def concurrency(self) -> int:
        """The old name of ``max_active_tasks``."""
        warn("DAG.concurrency has a new name: read max_active_tasks.")
        return self.max_active_tasks

    @concurrency.setter
    def concurrency(self, value: int) -> None:
        self.max_active_tasks = value

    @property
    def access_control(self) -> dict[str, dict[str, set[str]]] | None:
        """Role → resource (``DAGs`` or ``DAG Runs``) → actions."""
        return self._access_control

    @access_control.setter
    def access_control(self, value: Mapping[str, Any] | None) -> None:
        self._access_control = normalise_access_control(value)

    @property
    def has_on_success_callback(self) -> bool:
        """Whether something is called when a run succeeds."""
        return self.on_success_callback is not None

    @property
    def has_on_failure_callback(self) -> bool:
        """Whether something is called when a run fails."""
        return self.on_failure_callback is not None

    @property
    def tasks(self) -> list[AbstractOperator]:
        """The tasks in order of definition."""
        return list(self.task_dict.values())

    @tasks.setter
    def tasks(self, value: Any) -> None:
        raise AttributeError("The tasks of a DAG are added one by one: call add_task()")

    @property
    def task_ids(self) -> list[str]:
        """The tasks' ids in order of definition."""
        return list(self.task_dict)

    @property
    def task_count(self) -> int:
        """How many tasks there are."""
        return len(self.task_dict)

    @property
    def teardowns(self) -> list[AbstractOperator]:
        """The teardown tasks."""
        return [task for task in self.tasks if task.is_teardown]

    @property
    def tasks_upstream_of_teardowns(self) -> list[AbstractOperator]:
        """The tasks directly before teardowns that are none themselves."""
        return [task for teardown in self.teardowns for task in teardown.upstream_list if not task.is_teardown]

    @property
    def task_group(self) -> TaskGroup:
        """The group of all tasks."""
        return self._task_group

    @property
    def task_group_dict(self) -> dict[str, TaskGroup]:
        """The groups by id, without the outermost."""
        return {key: group for key, group in self._task_group.get_task_group_dict().items() if key is not None}

    @property
    def subdags(self) -> list[DAG]:
        """The DAGs of the SubDag tasks, those within them too."""
        found: list[DAG] = []
        for task in self.tasks:
            if (inner := getattr(task, "subdag", None)) is not None:
                found += [inner, *inner.subdags]
        return found

    @property
    def folder(self) -> str:
        """The folder of the DAG's file."""
        return str(Path(self.fileloc).parent) if self.fileloc else ""

    @property
    def relative_fileloc(self) -> Path:
        """The DAG's file, relative to the DAGs folder where it is in it."""
        path = Path(self.fileloc)
        folder = conf.path("core", "dags_folder")
        return path.relative_to(folder) if path.is_relative_to(folder) and path != folder else path

    @property
    def filepath(self) -> str:
        """The old name of ``relative_fileloc``."""
        return str(self.relative_fileloc)

    @property
    def full_filepath(self) -> str:
        """The old name of ``fileloc``."""
        return self.fileloc

    @full_filepath.setter
    def full_filepath(self, value: str) -> None:
        self.fileloc = value

    @property
    def owner(self) -> str:
        """The owners of the tasks, separated by commas."""
        return ", ".join(sorted({task.owner for task in self.tasks}))

    @property
    def roots(self) -> list[AbstractOperator]:
        """The tasks that nothing comes before."""
        return [task for task in self.tasks if not task.upstream_task_ids]

    @property
    def leaves(self) -> list[AbstractOperator]:
        """The tasks that nothing comes after."""
        return [task for task in self.tasks if not task.downstream_task_ids]

    @property
    def task(self) -> Any:
        """``@dag.task``: the task decorator bound to this DAG."""
        from orchestration.authoring.decorators import task

        return functools.partial(task, dag=self)

    def param(self, name: str, default: Any = NOTSET) -> DagParam:
        """The run's value of a param, as an argument of a task."""
        return DagParam(current_dag=self, name=name, default=default)

    def get_doc_md(self, doc_md: str | None) -> str | None:
        """The text, or the content of the ``.md`` file it names."""
        if isinstance(doc_md, str) and doc_md.endswith(".md") and (file := Path(doc_md)).is_file():
            return file.read_text(encoding="utf-8")
        return doc_md

    def has_task(self, task_id: str) -> bool:
        """Whether there is such a task."""
        return task_id in self.task_dict

    def has_task_group(self, task_group_id: str) -> bool:
        """Whether there is such a group."""
        return task_group_id in self.task_group_dict

    def get_task(self, task_id: str, include_subdags: bool = False) -> AbstractOperator:
        """The task; TaskNotFound without one."""
        dags: list[DAG] = [self, *(self.subdags if include_subdags else ())]
        for dag in dags:
            if task_id in dag.task_dict:
                return dag.task_dict[task_id]
        raise TaskNotFound(f"DAG {self.dag_id!r} has no task {task_id!r}")

    def add_task(self, task: AbstractOperator) -> None:
        """Take a task in; its dates are cut to the DAG's. DuplicateTaskIdFound where its id is taken."""
        from orchestration.authoring.task_group import TaskGroupContext

        FailStopDagInvalidTriggerRule.check(dag=self, trigger_rule=task.trigger_rule)
        task.start_date = max((date for date in (task.start_date, self.start_date) if date), default=None)
        task.end_date = min((date for date in (task.end_date, self.end_date) if date), default=None)
        task_id = task.task_id
        if not task.task_group and (group := TaskGroupContext.get_current_task_group(self)):
            task_id = group.child_id(task_id)
            group.add(task)
        is_known = self.task_dict.get(task_id) is task
        if (task_id in self.task_dict and not is_known) or task_id in self._task_group.used_group_ids:
            raise DuplicateTaskIdFound(f"The DAG has a task or group {task_id!r} already: choose another task_id")
        self.task_dict[task_id] = task
        task.dag = self
        self._task_group.used_group_ids.add(task_id)

    def add_tasks(self, tasks: Iterable[AbstractOperator]) -> None:
        """Take several tasks in."""
        for each in tasks:
            self.add_task(each)

    def _remove_task(self, task_id: str) -> None:
        removed = self.task_dict.pop(task_id)
        if removed.task_group is not None:
            removed.task_group._remove(removed)

    def set_dependency(self, upstream_task_id: str, downstream_task_id: str) -> None:
        """Put one task directly before another, by their ids."""
        self.get_task(upstream_task_id).set_downstream(self.get_task(downstream_task_id))

    def get_edge_info(self, upstream_task_id: str, downstream_task_id: str) -> EdgeInfoType | dict[str, Any]:
        """What was noted for an edge; empty for nothing."""
        return self.edge_info.get(upstream_task_id, {}).get(downstream_task_id, {})

    def set_edge_info(self, upstream_task_id: str, downstream_task_id: str, info: EdgeInfoType) -> None:
        """Note something for an edge, in place of what was noted."""
        self.edge_info.setdefault(upstream_task_id, {})[downstream_task_id] = info

    def topological_sort(self, include_subdag_tasks: bool = False) -> tuple[AbstractOperator, ...]:
        """The tasks so that each comes after its upstream ones, group by group."""
        from orchestration.authoring.task_group import TaskGroup

        found: list[Any] = []
        waiting: list[Any] = [self.task_group]
        while waiting:
            node = waiting.pop()
            if isinstance(node, TaskGroup):
                waiting.extend(reversed(node.topological_sort()))
                continue
            found.append(node)
            if include_subdag_tasks and (inner := getattr(node, "subdag", None)) is not None:
                found.extend(inner.topological_sort(include_subdag_tasks=True))
        return tuple(found)

    def resolve_template_files(self) -> None:
        """Put the content of named files into the tasks' templated fields."""
        for task in self.tasks:
            if hasattr(task, "resolve_template_files"):
                task.resolve_template_files()

    def get_template_env(self, *, force_sandboxed: bool = False) -> jinja2.Environment:
        """A Jinja environment that looks for files beside the DAG's file and in ``template_searchpath``."""
        import jinja2

        from orchestration.authoring.templates import make_environment

        options: dict[str, Any] = {
            "loader": jinja2.FileSystemLoader([self.folder, *(self.template_searchpath or ())]),
            "undefined": self.template_undefined or jinja2.StrictUndefined,
            "extensions": ["jinja2.ext.do"],
            "cache_size": 0,
            **(self.jinja_environment_kwargs or {}),
        }
        env = make_environment(native=self.render_template_as_native_obj and not force_sandboxed, **options)
        env.globals.update(self.user_defined_macros or {})
        env.filters.update(self.user_defined_filters or {})
        return env

    def validate(self) -> None:
        """Check what can be checked only once all tasks are there; called before the DAG is taken from its file."""
        if not self._is_schedule_consistent():
            raise AirflowDagInconsistent(
                f"timetable ({self.timetable.summary!r}) and schedule_interval ({self.schedule_interval!r}) of the DAG "
                "say different things: leave both as DAG(schedule=…) made them"
            )
        self.validate_schedule_and_params()
        self.timetable.validate()
        check_setup_teardown(self)

    def _is_schedule_consistent(self) -> bool:
        """Whether neither ``timetable`` nor ``schedule_interval`` was changed afterwards."""
        from orchestration.authoring.timetables import create_timetable

        if self.schedule_interval == self.timetable.summary:
            return True
        try:
            return create_timetable(self.schedule_interval, self.timezone).summary == self.timetable.summary
        except ValueError:
            return False

    def validate_schedule_and_params(self) -> None:
        """A scheduled DAG needs valid defaults for all params."""
        try:
            if self.timetable.can_be_scheduled:
                self.params.validate()
        except ParamValidationError as error:
            raise AirflowException(
                f"The params of a scheduled DAG need defaults that fit: {str(error).partition(chr(10))[0]} "
                "Give defaults, or set schedule=None."
            ) from error

    def iter_invalid_owner_links(self) -> Iterator[tuple[str, str]]:
        """The owners whose link is no address (of a page, or ``mailto:``)."""
        for owner, link in self.owner_links.items():
            parts = urlsplit(link)
            is_valid = bool(parts.path) if parts.scheme == "mailto" else bool(parts.scheme and parts.netloc)
            if not is_valid:
                yield owner, link

    def partial_subset(
        self,
        task_ids_or_regex: str | re.Pattern[str] | Iterable[str],
        include_downstream: bool = False,
        include_upstream: bool = True,
        include_direct_upstream: bool = False,
    ) -> DAG:
        """A copy with only the matched tasks and, as asked, those after and before them, with their setups."""
        from orchestration.authoring.dag_subset import subset_of

        return subset_of(
            self,
            task_ids_or_regex,
            include_downstream=include_downstream,
            include_upstream=include_upstream,
            include_direct_upstream=include_direct_upstream,
        )

    def test(self, *args: Any, **kwargs: Any) -> Any:
        """Run the DAG once in this process and return the run; AirflowException where nothing here can run tasks."""
        from orchestration.authoring.runner_port import test_runner

        return test_runner()(self, *args, **kwargs)

    def cli(self) -> Any:
        """The command line of one DAG; AirflowException where nothing here can run tasks."""
        from orchestration.authoring.runner_port import command_line

        return command_line()(self)
