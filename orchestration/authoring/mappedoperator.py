"""Tasks that multiply: ``Operator.partial(…).expand(…)``. Mirrors ``airflow.models.mappedoperator``."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, overload

from orchestration.authoring import abstractoperator as defaults
from orchestration.authoring.abstractoperator import AbstractOperator, NotMapped
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.expandinput import (
    DictOfListsExpandInput,
    ExpandInput,
    ListOfDictsExpandInput,
    is_mappable,
)
from orchestration.authoring.helpers import is_container, prevent_duplicates
from orchestration.authoring.setup_teardown import refuse_both_marks
from orchestration.authoring.trigger_rule import RENAMED, TriggerRule
from orchestration.authoring.types import XCOM_RETURN_KEY
from orchestration.authoring.weight_rule import PriorityWeightStrategy, validate_and_load_priority_weight_strategy
from orchestration.authoring.xcom_arg import XComArg

if TYPE_CHECKING:
    from typing import Self

    import jinja2

    from orchestration.authoring.baseoperator import BaseOperator
    from orchestration.authoring.dag import DAG

T = TypeVar("T")

#: The arguments that a mapped task has as attributes of its own, beside the shared ones.
_OWN = ("task_id", "dag", "task_group", "start_date", "end_date")

#: Said of an argument that all instances share, or that cannot differ between them.
NOT_TWICE = "already given to partial(), or the same for all instances:"


def refuse_nothing(mapped_kwargs: Mapping[str, Any]) -> None:
    """TypeError for ``expand()`` without arguments."""
    if not mapped_kwargs:
        raise TypeError("expand() needs an argument to go over: a list, a dict or a result")


def validate_mapping_kwargs(
    op: type[BaseOperator], func: Literal["expand", "partial"], value: Mapping[str, Any]
) -> None:
    """TypeError for arguments that no constructor of the class takes; ValueError for ones that cannot be expanded."""
    constructors = [vars(klass).get("__init__") for klass in op.mro()]
    accepted = {name for init in constructors for name in getattr(init, "_argument_names", ())}
    refuse_arguments(f"{op.__name__}.{func}()", value, accepted, mapped=func == "expand")


def refuse_arguments(call: str, given: Mapping[str, Any], accepted: Collection[str], *, mapped: bool) -> None:
    """TypeError for names that are not accepted; for mapped arguments ValueError for what cannot be gone over."""
    if unknown := [name for name in given if name not in accepted]:
        raise TypeError(f"{call} takes no {', '.join(map(repr, unknown))}: look for a misspelt name")
    for name, value in given.items():
        if mapped and not is_mappable(value):
            raise ValueError(
                f"{call} cannot go over {name!r}, of type {type(value).__name__!r}: give a list, a dict or a result"
            )


def ensure_xcomarg_return_value(arg: Any) -> None:
    """ValueError where a value to expand over refers to an XCom that is no task's result."""
    if isinstance(arg, XComArg):
        others = [(task, key) for task, key in arg.iter_references() if key != XCOM_RETURN_KEY]
        for task, key in others:
            raise ValueError(f"expand() goes over what a task returns, not over the XCom {key!r} of {task}")
    elif is_container(arg):
        for member in arg.values() if isinstance(arg, Mapping) else arg:
            ensure_xcomarg_return_value(member)


def ensure_list_of_dicts(kwargs: Any) -> None:
    """TypeError for what ``expand_kwargs`` does not take."""
    is_list = isinstance(kwargs, Sequence) and all(isinstance(member, (XComArg, Mapping)) for member in kwargs)
    if not is_list and not isinstance(kwargs, XComArg):
        raise TypeError(f"expand_kwargs() takes a list of dicts, or a result that is one, not {kwargs!r}")


class OperatorPartial:
    """An operator with the arguments that all instances share; ``expand`` or ``expand_kwargs`` makes the task."""

    def __init__(self, *, operator_class: type[BaseOperator], kwargs: dict[str, Any], params: Any) -> None:
        self._expand_called = True  # until the arguments are known to be right
        self.operator_class = operator_class
        self.kwargs = kwargs
        self.params = params
        if operator_class.__name__ == "SubDagOperator":
            raise TypeError("A SubDagOperator cannot be mapped: put its tasks into a @task_group and expand that")
        validate_mapping_kwargs(operator_class, "partial", kwargs)
        self._expand_called = False

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.kwargs.items())
        return f"{self.operator_class.__name__}.partial({arguments})"

    def __del__(self) -> None:
        if not self._expand_called:
            warnings.warn(
                f"partial() of task {self.kwargs.get('task_id')!r} makes no task before expand() or expand_kwargs()",
                UserWarning,
                stacklevel=1,
            )

    def expand(self, **mapped_kwargs: Any) -> MappedOperator:
        """An instance for each combination of the arguments' members."""
        refuse_nothing(mapped_kwargs)
        validate_mapping_kwargs(self.operator_class, "expand", mapped_kwargs)
        prevent_duplicates(self.kwargs, mapped_kwargs, fail_reason=NOT_TWICE)
        return self._expand(DictOfListsExpandInput(mapped_kwargs), strict=False)

    def expand_kwargs(self, kwargs: Any, *, strict: bool = True) -> MappedOperator:
        """An instance for each dict of arguments; with ``strict`` none of them may be among the shared ones."""
        ensure_list_of_dicts(kwargs)
        return self._expand(ListOfDictsExpandInput(kwargs), strict=strict)

    def _expand(self, over: ExpandInput, *, strict: bool) -> MappedOperator:
        self._expand_called = True
        ensure_xcomarg_return_value(over.value)
        return MappedOperator(
            operator_class=self.operator_class,
            expand_input=over,
            params=self.params,
            disallow_kwargs_override=strict,
            partial_kwargs={name: value for name, value in self.kwargs.items() if name not in _OWN},
            **{name: self.kwargs[name] for name in _OWN},
        )


class _Partial(Generic[T]):
    """An attribute of a mapped task that is one of its shared arguments."""

    def __init__(self, default: T) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, task: None, owner: type) -> Self: ...
    @overload
    def __get__(self, task: MappedOperator, owner: type) -> T: ...
    def __get__(self, task: MappedOperator | None, owner: type) -> T | Self:
        if task is None:
            return self
        value: T = task.partial_kwargs.get(self.name, self.default)
        return value

    def __set__(self, task: MappedOperator, value: T) -> None:
        task.partial_kwargs[self.name] = value


class MappedOperator(AbstractOperator):
    """A task with as many instances as its arguments have members; ``unmap`` gives the single one."""

    owner = _Partial[str](defaults.DEFAULT_OWNER)
    email = _Partial[Any](None)
    email_on_retry = _Partial[bool](True)
    email_on_failure = _Partial[bool](True)
    map_index_template = _Partial["str | None"](None)
    depends_on_past = _Partial[bool](False)
    ignore_first_depends_on_past = _Partial[bool](defaults.DEFAULT_IGNORE_FIRST_DEPENDS_ON_PAST)
    wait_for_past_depends_before_skipping = _Partial[bool](defaults.DEFAULT_WAIT_FOR_PAST_DEPENDS_BEFORE_SKIPPING)
    wait_for_downstream = _Partial[bool](False)
    retries = _Partial[int](defaults.DEFAULT_RETRIES)
    queue = _Partial[str](defaults.DEFAULT_QUEUE)
    pool = _Partial[str](defaults.DEFAULT_POOL_NAME)
    pool_slots = _Partial[int](defaults.DEFAULT_POOL_SLOTS)
    execution_timeout = _Partial["timedelta | None"](None)
    max_retry_delay = _Partial["timedelta | None"](None)
    retry_delay = _Partial[timedelta](defaults.DEFAULT_RETRY_DELAY)
    retry_exponential_backoff = _Partial[bool](False)
    priority_weight = _Partial[int](defaults.DEFAULT_PRIORITY_WEIGHT)
    sla = _Partial["timedelta | None"](None)
    max_active_tis_per_dag = _Partial["int | None"](None)
    max_active_tis_per_dagrun = _Partial["int | None"](None)
    resources = _Partial[Any](None)
    on_execute_callback = _Partial[Any](None)
    on_failure_callback = _Partial[Any](None)
    on_retry_callback = _Partial[Any](None)
    on_success_callback = _Partial[Any](None)
    on_skipped_callback = _Partial[Any](None)
    run_as_user = _Partial["str | None"](None)
    executor = _Partial["str | None"](defaults.DEFAULT_EXECUTOR)
    executor_config = _Partial[dict[str, Any]]({})
    do_xcom_push = _Partial[bool](True)
    multiple_outputs = _Partial[bool](False)
    inlets = _Partial[list[Any]]([])
    outlets = _Partial[list[Any]]([])
    doc = _Partial["str | None"](None)
    doc_md = _Partial["str | None"](None)
    doc_json = _Partial["str | None"](None)
    doc_yaml = _Partial["str | None"](None)
    doc_rst = _Partial["str | None"](None)
    allow_nested_operators = _Partial[bool](True)

    subdag = None

    def __init__(
        self,
        *,
        operator_class: type[BaseOperator],
        expand_input: ExpandInput,
        task_id: str,
        dag: DAG | None,
        task_group: Any,
        start_date: datetime | None,
        end_date: datetime | None,
        partial_kwargs: dict[str, Any],
        params: Any,
        disallow_kwargs_override: bool,
    ) -> None:
        self.operator_class = operator_class
        self.expand_input = expand_input
        self.task_id = task_id
        self.partial_kwargs = partial_kwargs
        self.params = params
        self.start_date: Any = start_date
        self.end_date: Any = end_date
        self.template_ext = operator_class.template_ext
        self.template_fields = operator_class.template_fields
        self.template_fields_renderers = operator_class.template_fields_renderers
        self.operator_extra_links = operator_class.operator_extra_links
        self.ui_color = operator_class.ui_color
        self.ui_fgcolor = operator_class.ui_fgcolor
        self.start_trigger_args = operator_class.start_trigger_args
        self.start_from_trigger = operator_class.start_from_trigger
        self._disallow_kwargs_override = disallow_kwargs_override
        self.upstream_task_ids = set()
        self.downstream_task_ids = set()
        self.task_group = task_group
        for name in ("inlets", "outlets"):
            value = partial_kwargs.get(name)
            partial_kwargs[name] = value if isinstance(value, list) else [value] if value else []
        self.trigger_rule = self.trigger_rule
        partial_kwargs["weight_rule"] = self.weight_rule
        if self.get_closest_mapped_task_group() is not None:
            raise NotImplementedError(
                f"Task {task_id!r} cannot expand within a group that expands itself: expand one of the two"
            )
        if task_group:
            self.task_group = None
            task_group.add(self)
        if dag:
            dag.add_task(self)
        XComArg.apply_upstream_relationship(self, self._mapped_input.value)
        for name, value in partial_kwargs.items():
            if name in self.template_fields:
                XComArg.apply_upstream_relationship(self, value)
        if partial_kwargs.get("sla") is not None:
            raise AirflowException(
                f"A mapped task has no SLA: take sla out of partial() and of default_args for {self.task_id!r}"
            )

    def __repr__(self) -> str:
        return f"<Mapped({self.task_type}): {self.task_id}>"

    @property
    def _mapped_input(self) -> ExpandInput:
        """What decides the number of instances."""
        return self.expand_input

    @property
    def trigger_rule(self) -> TriggerRule:
        """When the task may start."""
        return TriggerRule(self.partial_kwargs.get("trigger_rule", defaults.DEFAULT_TRIGGER_RULE))

    @trigger_rule.setter
    def trigger_rule(self, value: Any) -> None:
        value = RENAMED.get(value, value)
        if not TriggerRule.is_valid(value):
            raise AirflowException(f"The trigger_rule of task {self.task_id!r} is unknown: {value!r}")
        self.partial_kwargs["trigger_rule"] = TriggerRule(value)

    @property
    def weight_rule(self) -> PriorityWeightStrategy:
        """How the priority is counted."""
        return validate_and_load_priority_weight_strategy(
            self.partial_kwargs.get("weight_rule", defaults.DEFAULT_WEIGHT_RULE)
        )

    @weight_rule.setter
    def weight_rule(self, value: Any) -> None:
        self.partial_kwargs["weight_rule"] = validate_and_load_priority_weight_strategy(value)

    @property
    def is_setup(self) -> bool:
        """Whether the task is a setup."""
        return bool(self.partial_kwargs.get("is_setup"))

    @is_setup.setter
    def is_setup(self, value: bool) -> None:
        if value:
            refuse_both_marks(self, "setup")
        self.partial_kwargs["is_setup"] = value

    @property
    def is_teardown(self) -> bool:
        """Whether the task is a teardown."""
        return bool(self.partial_kwargs.get("is_teardown"))

    @is_teardown.setter
    def is_teardown(self, value: bool) -> None:
        if value:
            refuse_both_marks(self, "teardown")
        self.partial_kwargs["is_teardown"] = value

    @property
    def task_type(self) -> str:
        """The operator class's name."""
        return str(self.operator_class.__name__)

    @property
    def operator_name(self) -> str:
        """``custom_operator_name`` or the class's name."""
        return str(getattr(self.operator_class, "custom_operator_name", self.task_type))

    @property
    def inherits_from_empty_operator(self) -> bool:
        """Whether the task does nothing by itself."""
        return bool(getattr(self.operator_class, "_is_empty", False))

    @property
    def task_display_name(self) -> str:
        """The name shown for the task."""
        return self.partial_kwargs.get("task_display_name") or self.task_id

    def get_dag(self) -> DAG | None:
        """The task's DAG."""
        dag: DAG | None = self.dag
        return dag

    def get_needs_expansion(self) -> bool:
        """True."""
        return True

    def prepare_for_execution(self) -> MappedOperator:
        """The task itself; its single task is made by ``unmap``."""
        return self

    def get_inlet_defs(self) -> list[Any]:
        """What the task reads."""
        return self.inlets

    def get_outlet_defs(self) -> list[Any]:
        """What the task writes."""
        return self.outlets

    def iter_mapped_dependencies(self) -> Iterator[AbstractOperator]:
        """The tasks whose results decide the number of instances."""
        for task, _ in self._mapped_input.iter_references():
            yield task

    def get_parse_time_mapped_ti_count(self) -> int:
        """The number of instances where literals decide it, mapped groups multiplied in."""
        count = self._mapped_input.get_parse_time_mapped_ti_count()
        try:
            return count * super().get_parse_time_mapped_ti_count()
        except NotMapped:
            return count

    def get_mapped_ti_count(self, run_id: str, *, session: Any = None) -> int:
        """The number of instances in a run, mapped groups multiplied in."""
        count = self._mapped_input.get_total_map_length(run_id)
        try:
            return count * super().get_mapped_ti_count(run_id)
        except NotMapped:
            return count

    def expand_mapped_kwargs(
        self, context: Mapping[str, Any], *, include_xcom: bool
    ) -> tuple[Mapping[str, Any], set[int]]:
        """The arguments of the context's map index, and the ids of those that are not templates any more."""
        return self._mapped_input.resolve(context, include_xcom=include_xcom)

    def unmap(self, resolve: Mapping[str, Any] | tuple[Any, Any] | None) -> BaseOperator:
        """The single task of one instance.

        ``resolve``: the mapped arguments of the instance, or (context, session) to find them by the context's map
        index. RuntimeError for None. Arguments both shared and mapped are refused unless ``strict=False`` was said.
        """
        if resolve is None:
            raise RuntimeError(f"unmap() of {self} needs its arguments, or the context that names its map index")
        mapped = resolve
        if not isinstance(mapped, Mapping):
            mapped, _ = self.expand_mapped_kwargs(mapped[0], include_xcom=True)
        kwargs = {name: getattr(self, name) for name in _OWN} | self._shared_and(mapped)
        kwargs["params"] = copy.deepcopy(self.params)
        kwargs["params"].update(mapped.get("params", {}))
        marks = {name: kwargs.pop(name, False) for name in ("is_setup", "is_teardown", "on_failure_fail_dagrun")}
        single: BaseOperator = self.operator_class(**kwargs, _airflow_from_mapped=True)
        single.task_id = self.task_id  # groups and collisions must not change it a second time
        for name, value in marks.items():
            setattr(single, name, value)
        single.downstream_task_ids = self.downstream_task_ids
        single.upstream_task_ids = self.upstream_task_ids
        return single

    def _shared_and(self, mapped: Mapping[str, Any]) -> dict[str, Any]:
        """The shared arguments under the mapped ones; TypeError for one in both, where ``strict`` forbids it."""
        if self._disallow_kwargs_override:
            prevent_duplicates(self.partial_kwargs, mapped, fail_reason=NOT_TWICE)
        return {**self.partial_kwargs, **mapped}

    def expand_start_from_trigger(self, *, context: Mapping[str, Any], session: Any = None) -> bool:
        """Whether this instance begins deferred; its mapped arguments may say so."""
        if not self.start_trigger_args:
            return False
        return bool(self._own_or_mapped(context).get("start_from_trigger", self.start_from_trigger))

    def expand_start_trigger_args(self, *, context: Mapping[str, Any], session: Any = None) -> Any:
        """The trigger this instance begins with; its mapped arguments may change it."""
        if not self.start_trigger_args:
            return None
        given = self._own_or_mapped(context)
        args = copy.copy(self.start_trigger_args)
        args.trigger_kwargs = given.get("trigger_kwargs", args.trigger_kwargs)
        args.next_kwargs = given.get("next_kwargs", args.next_kwargs)
        args.timeout = given.get("trigger_timeout", args.timeout)
        return args

    def _own_or_mapped(self, context: Mapping[str, Any]) -> dict[str, Any]:
        return self._shared_and(self.expand_mapped_kwargs(context, include_xcom=False)[0])

    def render_template_fields(self, context: Any, jinja_env: jinja2.Environment | None = None) -> None:
        """Make the single task of the context's map index, put it into the context, and render its fields."""
        from orchestration.authoring.context import context_update_for_unmapped

        mapped, done = self.expand_mapped_kwargs(context, include_xcom=True)
        single = self.unmap(mapped)
        context_update_for_unmapped(context, single)
        single._do_render_template_fields(
            single, self.template_fields, context, jinja_env or self.get_template_env(), done
        )
