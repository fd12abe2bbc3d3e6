"""The base of all operators. Mirrors ``airflow.models.baseoperator`` of Airflow 2.10.5.

The metaclass (``operator_meta``) fills in default arguments.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from orchestration.authoring import timezone
from orchestration.authoring.abstractoperator import (
    DEFAULT_EXECUTOR,
    DEFAULT_IGNORE_FIRST_DEPENDS_ON_PAST,
    DEFAULT_OWNER,
    DEFAULT_POOL_NAME,
    DEFAULT_POOL_SLOTS,
    DEFAULT_PRIORITY_WEIGHT,
    DEFAULT_QUEUE,
    DEFAULT_RETRIES,
    DEFAULT_RETRY_DELAY,
    DEFAULT_TASK_EXECUTION_TIMEOUT,
    DEFAULT_TRIGGER_RULE,
    DEFAULT_WAIT_FOR_PAST_DEPENDS_BEFORE_SKIPPING,
    DEFAULT_WEIGHT_RULE,
    AbstractOperator,
    TaskStateChangeCallback,
)
from orchestration.authoring.exceptions import (
    AirflowException,
    FailStopDagInvalidTriggerRule,
    TaskDeferralError,
    TaskDeferred,
)
from orchestration.authoring.helpers import are_alike, validate_instance_args, validate_key
from orchestration.authoring.lineage import apply_lineage, prepare_lineage
from orchestration.authoring.operator_arguments import (
    ARGUMENT_TYPES,
    as_list,
    coerce_timedelta,
    get_merged_defaults,
    lineage_entities,
    parse_moment,
    parse_pool_slots,
    parse_priority,
    parse_retries,
    parse_timeout,
    parse_trigger_rule,
    refuse_unknown,
    warn,
)
from orchestration.authoring.operator_helpers import ExecutionCallableRunner
from orchestration.authoring.operator_meta import BaseOperatorMeta
from orchestration.authoring.params import ParamsDict
from orchestration.authoring.partial import PartialDescriptor
from orchestration.authoring.relations import chain, chain_linear, cross_downstream
from orchestration.authoring.resources import Resources, coerce_resources
from orchestration.authoring.setup_teardown import SetupTeardownContext, refuse_both_marks
from orchestration.authoring.types import XCOM_RETURN_KEY
from orchestration.authoring.weight_rule import PriorityWeightStrategy, validate_and_load_priority_weight_strategy
from orchestration.conf import conf

if TYPE_CHECKING:
    from typing import Self

    import jinja2

    from orchestration.authoring.dag import DAG
    from orchestration.authoring.task_group import TaskGroup
    from orchestration.authoring.triggers.base import BaseTrigger, StartTriggerArgs

__all__ = [
    "BaseOperator",
    "BaseOperatorMeta",
    "chain",
    "chain_linear",
    "coerce_resources",
    "coerce_timedelta",
    "cross_downstream",
    "get_merged_defaults",
    "parse_retries",
]

TaskPreExecuteHook = Callable[[Any], None]
TaskPostExecuteHook = Callable[[Any, Any], None]
Callbacks = TaskStateChangeCallback | list[TaskStateChangeCallback] | None


class BaseOperator(AbstractOperator, metaclass=BaseOperatorMeta):
    """A task. Subclasses take their arguments in ``__init__(self, *, …, **kwargs)`` and work in ``execute(context)``.

    The arguments mean what they mean in Airflow 2.10.5. ``resources``, ``run_as_user`` and ``executor_config`` are
    kept and shown, but no executor here acts on them.
    """

    template_fields: Sequence[str] = ()
    template_ext: Sequence[str] = ()
    template_fields_renderers: ClassVar[dict[str, str]] = {}
    ui_color = "#fff"
    ui_fgcolor = "#000"
    #: Attributes that a copy of the task shares with it.
    shallow_copy_attrs: Sequence[str] = ()
    _base_operator_shallow_copy_attrs: tuple[str, ...] = ("user_defined_macros", "user_defined_filters", "params")
    start_trigger_args: StartTriggerArgs | None = None
    start_from_trigger = False
    subdag: Any = None
    pool: str = ""
    #: What ``==`` compares.
    _comps: ClassVar[frozenset[str]] = frozenset(
        {
            "task_id", "dag_id", "owner", "email", "email_on_retry", "retry_delay", "retry_exponential_backoff",
            "max_retry_delay", "start_date", "end_date", "depends_on_past", "wait_for_downstream", "priority_weight",
            "sla", "execution_timeout", "on_execute_callback", "on_failure_callback", "on_success_callback",
            "on_retry_callback", "on_skipped_callback", "do_xcom_push", "multiple_outputs", "allow_nested_operators",
            "executor",
        }
    )  # fmt: skip

    partial = PartialDescriptor()

    _dag: Any = None
    _is_setup = False
    _is_teardown = False
    #: Made by a mapped task for one of its instances.
    _from_mapped = False
    _instantiated = False
    #: A copy made to be executed: setting attributes has no side effects.
    _lock_for_execution = False
    #: Decorated functions may be called by other tasks.
    _may_run_anywhere = False
    start_date: Any = None
    end_date: Any = None

    def __init__(
        self,
        task_id: str,
        owner: str = DEFAULT_OWNER,
        email: str | Iterable[str] | None = None,
        email_on_retry: bool = conf.getboolean("email", "default_email_on_retry"),
        email_on_failure: bool = conf.getboolean("email", "default_email_on_failure"),
        retries: int | None = DEFAULT_RETRIES,
        retry_delay: timedelta | float = DEFAULT_RETRY_DELAY,
        retry_exponential_backoff: bool = False,
        max_retry_delay: timedelta | float | None = None,
        start_date: Any = None,
        end_date: datetime | None = None,
        depends_on_past: bool = False,
        ignore_first_depends_on_past: bool = DEFAULT_IGNORE_FIRST_DEPENDS_ON_PAST,
        wait_for_past_depends_before_skipping: bool = DEFAULT_WAIT_FOR_PAST_DEPENDS_BEFORE_SKIPPING,
        wait_for_downstream: bool = False,
        dag: DAG | None = None,
        params: MutableMapping[str, Any] | None = None,
        default_args: dict[str, Any] | None = None,
        priority_weight: int = DEFAULT_PRIORITY_WEIGHT,
        weight_rule: str | PriorityWeightStrategy = DEFAULT_WEIGHT_RULE,
        queue: str = DEFAULT_QUEUE,
        pool: str | None = None,
        pool_slots: int = DEFAULT_POOL_SLOTS,
        sla: timedelta | None = None,
        execution_timeout: timedelta | None = DEFAULT_TASK_EXECUTION_TIMEOUT,
        on_execute_callback: Callbacks = None,
        on_failure_callback: Callbacks = None,
        on_success_callback: Callbacks = None,
        on_retry_callback: Callbacks = None,
        on_skipped_callback: Callbacks = None,
        pre_execute: TaskPreExecuteHook | None = None,
        post_execute: TaskPostExecuteHook | None = None,
        trigger_rule: str = DEFAULT_TRIGGER_RULE,
        resources: dict[str, Any] | None = None,
        run_as_user: str | None = None,
        task_concurrency: int | None = None,
        map_index_template: str | None = None,
        max_active_tis_per_dag: int | None = None,
        max_active_tis_per_dagrun: int | None = None,
        executor: str | None = DEFAULT_EXECUTOR,
        executor_config: dict[str, Any] | None = None,
        do_xcom_push: bool = True,
        multiple_outputs: bool = False,
        inlets: Any | None = None,
        outlets: Any | None = None,
        task_group: TaskGroup | None = None,
        doc: str | None = None,
        doc_md: str | None = None,
        doc_json: str | None = None,
        doc_yaml: str | None = None,
        doc_rst: str | None = None,
        task_display_name: str | None = None,
        logger_name: str | None = None,
        allow_nested_operators: bool = True,
        **kwargs: Any,
    ) -> None:
        from orchestration.authoring.dag import DagContext
        from orchestration.authoring.task_group import TaskGroupContext

        super().__init__()
        kwargs.pop("_airflow_mapped_validation_only", None)
        if kwargs:
            refuse_unknown(type(self).__name__, task_id, kwargs)
        if task_concurrency and not max_active_tis_per_dag:
            warn("task_concurrency has a new name: write max_active_tis_per_dag.")
            max_active_tis_per_dag = task_concurrency
        dag = dag or DagContext.get_current_dag()
        self._enter_group(task_id, task_group or TaskGroupContext.get_current_task_group(dag))
        place = f"{dag.dag_id}.{self.task_id}" if dag else self.task_id

        # How it is shown, and where it logs.
        self._task_display_name = task_display_name if task_display_name != task_id else None
        self.owner = owner
        self.doc, self.doc_md, self.doc_rst, self.doc_json, self.doc_yaml = doc, doc_md, doc_rst, doc_json, doc_yaml
        self.map_index_template = map_index_template
        self._logger_name = logger_name
        self._log_config_logger_name = "airflow.task.operators"

        # When it may start.
        self.start_date = parse_moment(start_date, "start_date", place)
        self.end_date = timezone.convert_to_utc(end_date) if end_date else None
        self.trigger_rule = parse_trigger_rule(trigger_rule, place)
        FailStopDagInvalidTriggerRule.check(dag=dag, trigger_rule=self.trigger_rule)
        self.wait_for_downstream = wait_for_downstream
        self.depends_on_past = wait_for_downstream or depends_on_past
        self.ignore_first_depends_on_past = ignore_first_depends_on_past
        self.wait_for_past_depends_before_skipping = wait_for_past_depends_before_skipping
        self.upstream_task_ids: set[str] = set()
        self.downstream_task_ids: set[str] = set()

        # Which of many goes first, and on what.
        self.pool_slots = parse_pool_slots(pool_slots, place)
        self.pool = DEFAULT_POOL_NAME if pool is None else pool
        self.weight_rule = validate_and_load_priority_weight_strategy(weight_rule)
        self.priority_weight = parse_priority(priority_weight, place, default=DEFAULT_PRIORITY_WEIGHT)
        self.max_active_tis_per_dagrun = max_active_tis_per_dagrun
        self.max_active_tis_per_dag = max_active_tis_per_dag
        self.queue = queue
        self.executor = executor
        self.run_as_user = run_as_user
        self.resources: Resources | None = coerce_resources(resources)
        self.executor_config = executor_config or {}

        # How long it may take, and how often it is tried.
        self.sla = sla
        self.execution_timeout = parse_timeout(execution_timeout, place)
        self.retries = parse_retries(retries)
        self.retry_exponential_backoff = retry_exponential_backoff
        self.retry_delay = coerce_timedelta(retry_delay, key="retry_delay")
        self.max_retry_delay = (
            coerce_timedelta(max_retry_delay, key="max_retry_delay") if max_retry_delay is not None else None
        )

        # What it takes and gives.
        self.params: ParamsDict | dict[str, Any] = ParamsDict(params)
        self.outlets = as_list(outlets)
        self.inlets = as_list(inlets)
        self.multiple_outputs = multiple_outputs
        self.do_xcom_push = do_xcom_push
        self.allow_nested_operators = allow_nested_operators
        if isinstance(self.template_fields, str):
            text = f"template_fields of {self.task_type} is a text; write a list or tuple: ({self.template_fields!r},)"
            warnings.warn(text, UserWarning, stacklevel=3)
            self.template_fields = [self.template_fields]

        # Who is told, and what is called beside it.
        self.email = email
        self.email_on_failure, self.email_on_retry = email_on_failure, email_on_retry
        self._pre_execute_hook, self._post_execute_hook = pre_execute, post_execute
        self.on_execute_callback = on_execute_callback
        self.on_success_callback = on_success_callback
        self.on_skipped_callback = on_skipped_callback
        self.on_retry_callback = on_retry_callback
        self.on_failure_callback = on_failure_callback

        if dag:
            self.dag = dag
        if SetupTeardownContext.active:
            SetupTeardownContext.update_context_map(self)
        validate_instance_args(self, ARGUMENT_TYPES)

    def _enter_group(self, task_id: str, group: TaskGroup | None) -> None:
        """Take the id that the task has within its group; one made of a mapped task is in the group already."""
        self.task_id = task_id if group is None else group.child_id(task_id)
        validate_key(self.task_id)
        if group is not None and not self._from_mapped:
            group.add(self)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and are_alike(self, other, self._comps)

    def __hash__(self) -> int:
        return hash((type(self), self.task_id, self.dag_id))

    def __or__(self, other: Any) -> Self:
        """``a | b``: b reads what a writes, and comes after it."""
        if not isinstance(other, BaseOperator):
            raise TypeError(f"{self} | … takes a task on the right, not {other!r}")
        if not (self.supports_lineage or self.outlets):
            raise ValueError(f"{self} writes nothing that {other} could read: give it outlets first")
        self.set_downstream(other)
        other.add_inlets([self.task_id])
        return self

    def __gt__(self, other: Any) -> Self:
        """``task > dataset``: the task writes it."""
        self.add_outlets(lineage_entities(other, "outlet"))
        return self

    def __lt__(self, other: Any) -> Self:
        """``task < dataset``: the task reads it."""
        self.add_inlets(lineage_entities(other, "inlet"))
        return self

    def __setattr__(self, key: str, value: Any) -> None:
        super().__setattr__(key, value)
        if not self._instantiated or self._from_mapped or self._lock_for_execution:
            return
        if key in self.template_fields:
            self.set_xcomargs_dependencies()

    def __repr__(self) -> str:
        return f"<Task({self.task_type}): {self.task_id}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        result = type(self).__new__(type(self))
        memo[id(self)] = result
        shared = {*self.shallow_copy_attrs, *self._base_operator_shallow_copy_attrs}
        for name, value in self.__dict__.items():
            result.__dict__[name] = copy.copy(value) if name in shared else copy.deepcopy(value, memo)
        return result

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_log"}

    def add_inlets(self, inlets: Iterable[Any]) -> None:
        """Note more of what the task reads."""
        self.inlets.extend(inlets)

    def add_outlets(self, outlets: Iterable[Any]) -> None:
        """Note more of what the task writes."""
        self.outlets.extend(outlets)

    def get_inlet_defs(self) -> list[Any]:
        """What the task reads."""
        return self.inlets

    def get_outlet_defs(self) -> list[Any]:
        """What the task writes."""
        return self.outlets

    def get_dag(self) -> DAG | None:
        """The task's DAG, None before it has one."""
        dag: DAG | None = self._dag
        return dag

    @property
    def dag(self) -> Any:
        """The task's DAG; AirflowException before it has one."""
        if self._dag is None:
            raise AirflowException(f"{self} is in no DAG: make it within `with DAG(…):`, or give it dag=…")
        return self._dag

    @dag.setter
    def dag(self, dag: Any) -> None:
        from orchestration.authoring.dag import DAG

        if dag is None:
            self._dag = None
            return
        if not isinstance(dag, DAG):
            raise TypeError(f"The dag of {self} is a {type(dag).__name__}; give it a DAG")
        if self._dag is not None and self._dag is not dag:
            raise AirflowException(f"{self} belongs to {self._dag} already and cannot move to {dag}")
        if not self._from_mapped and dag.task_dict.get(self.task_id) is not self:
            dag.add_task(self)
        self._dag = dag

    def has_dag(self) -> bool:
        """Whether the task has a DAG yet."""
        return self._dag is not None

    @property
    def task_display_name(self) -> str:
        """The name shown for the task."""
        return self._task_display_name or self.task_id

    @property
    def operator_class(self) -> type[BaseOperator]:
        """The task's class."""
        return type(self)

    @property
    def task_type(self) -> str:
        """The class's name."""
        return type(self).__name__

    @property
    def operator_name(self) -> str:
        """``custom_operator_name`` of the class, or its name."""
        return getattr(self, "custom_operator_name", None) or self.task_type

    @property
    def inherits_from_empty_operator(self) -> bool:
        """Whether the task does nothing by itself."""
        return bool(getattr(self, "_is_empty", False))

    @property
    def is_setup(self) -> bool:
        """Whether the task is a setup."""
        return self._is_setup

    @is_setup.setter
    def is_setup(self, value: bool) -> None:
        if value:
            refuse_both_marks(self, "setup")
        self._is_setup = value

    @property
    def is_teardown(self) -> bool:
        """Whether the task is a teardown."""
        return self._is_teardown

    @is_teardown.setter
    def is_teardown(self, value: bool) -> None:
        if value:
            refuse_both_marks(self, "teardown")
        self._is_teardown = value

    def prepare_for_execution(self) -> Self:
        """A copy whose attributes can be set without side effects."""
        copied = copy.copy(self)
        vars(copied)["_lock_for_execution"] = True
        return copied

    def set_xcomargs_dependencies(self) -> None:
        """Put every task whose result stands in a templated field before this one."""
        from orchestration.authoring.xcom_arg import XComArg

        for name in self.template_fields:
            if hasattr(self, name):
                XComArg.apply_upstream_relationship(self, getattr(self, name))

    @prepare_lineage
    def pre_execute(self, context: Any) -> None:
        """Called just before ``execute``; calls the ``pre_execute`` argument."""
        if self._pre_execute_hook is not None:
            _run_hook(self, self._pre_execute_hook, context)

    def execute(self, context: Any) -> Any:
        """The work. What is returned is the task's result."""
        raise NotImplementedError

    @apply_lineage
    def post_execute(self, context: Any, result: Any = None) -> None:
        """Called just after ``execute`` with its result; calls the ``post_execute`` argument."""
        if self._post_execute_hook is not None:
            _run_hook(self, self._post_execute_hook, context, result)

    def on_kill(self) -> None:
        """Called when the task is ended from outside: stop what it started."""

    def render_template_fields(self, context: Any, jinja_env: jinja2.Environment | None = None) -> None:
        """Replace the templated fields by their values."""
        self._do_render_template_fields(
            self, self.template_fields, context, jinja_env or self.get_template_env(), set()
        )

    def dry_run(self) -> None:
        """Log the templated fields that are texts."""
        fields = {name: getattr(self, name) for name in self.template_fields}
        shown = [f"{name}:\n{value}" for name, value in fields.items() if value and isinstance(value, str)]
        self.log.info("A dry run of %s; its templated fields are\n%s", self.task_id, "\n".join(shown))

    def defer(
        self,
        *,
        trigger: BaseTrigger,
        method_name: str,
        kwargs: dict[str, Any] | None = None,
        timeout: timedelta | None = None,
    ) -> NoReturn:
        """Give the process back until the trigger fires; then ``method_name`` is called with the event."""
        raise TaskDeferred(trigger=trigger, method_name=method_name, kwargs=kwargs, timeout=timeout)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Any) -> Any:
        """Go on after a wait; ``__fail__`` in place of a method means that the wait failed (TaskDeferralError)."""
        arguments = next_kwargs or {}
        if next_method != "__fail__":
            return getattr(self, next_method)(context, **arguments)
        if trace := arguments.get("traceback"):
            self.log.error("The trigger ended with an error:\n%s", "\n".join(trace))
        raise TaskDeferralError(arguments.get("error", "Unknown"))

    def unmap(self, resolve: Any = None) -> BaseOperator:
        """The task itself: it is not mapped."""
        return self

    def expand_start_from_trigger(self, *, context: Any, session: Any = None) -> bool:
        """Whether the task begins deferred."""
        return self.start_from_trigger

    def expand_start_trigger_args(self, *, context: Any, session: Any = None) -> StartTriggerArgs | None:
        """The trigger it begins with."""
        return self.start_trigger_args

    @staticmethod
    def xcom_push(context: Any, key: str, value: Any, execution_date: datetime | None = None) -> None:
        """Push an XCom of the context's task instance."""
        context["ti"].xcom_push(key=key, value=value, execution_date=execution_date)

    @staticmethod
    def xcom_pull(
        context: Any,
        task_ids: str | list[str] | None = None,
        dag_id: str | None = None,
        key: str = XCOM_RETURN_KEY,
        include_prior_dates: bool | None = None,
        session: Any = None,
    ) -> Any:
        """Pull XComs as ``TaskInstance.xcom_pull`` does."""
        return context["ti"].xcom_pull(
            key=key, task_ids=task_ids, dag_id=dag_id, include_prior_dates=bool(include_prior_dates)
        )


def _run_hook(task: BaseOperator, hook: Callable[..., Any], context: Any, *args: Any) -> None:
    from orchestration.authoring.outlet_events import context_get_outlet_events

    ExecutionCallableRunner(hook, context_get_outlet_events(context), logger=task.log).run(context, *args)
