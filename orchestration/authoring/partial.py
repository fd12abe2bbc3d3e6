"""``Operator.partial(…)``: the arguments that all instances of a mapped task share."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestration.authoring import abstractoperator as defaults
from orchestration.authoring import timezone
from orchestration.authoring.types import NOTSET

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestration.authoring.baseoperator import BaseOperator
    from orchestration.authoring.mappedoperator import OperatorPartial

#: What BaseOperator takes but ``partial`` handles by itself, or cannot share.
_OWN = {"self", "task_id", "dag", "task_group", "params", "default_args", "task_concurrency", "kwargs"}
_NOT_SHARED_BY_DEFAULT = {
    "pre_execute",
    "post_execute",
    "do_xcom_push",
    "multiple_outputs",
    "email_on_retry",
    "email_on_failure",
}


class PartialDescriptor:
    """``partial`` as a class method that tasks themselves do not have."""

    def __get__(self, task: BaseOperator | None, operator_class: type[BaseOperator]) -> Callable[..., OperatorPartial]:
        def partial(**kwargs: Any) -> OperatorPartial:
            if task is not None:
                raise TypeError("partial can only be called on Operator classes, not Tasks themselves")
            return make_partial(operator_class, **kwargs)

        return partial


@cache
def _shared_defaults() -> dict[str, Any]:
    """The default of each argument that ``partial`` fills in."""
    from orchestration.authoring.baseoperator import BaseOperator

    found = {
        name: parameter.default
        for name, parameter in inspect.signature(BaseOperator.__init__).parameters.items()
        if name not in _OWN | _NOT_SHARED_BY_DEFAULT
    }
    return {**found, "pool": None}


def make_partial(operator_class: type[BaseOperator], *, task_id: str, **kwargs: Any) -> OperatorPartial:
    """Collect and check the shared arguments; what is not given comes from ``default_args``, then from BaseOperator.

    TypeError for unknown arguments, ValueError for fewer than one pool slot.
    """
    from orchestration.authoring.baseoperator import (
        coerce_resources,
        coerce_timedelta,
        get_merged_defaults,
        parse_retries,
    )
    from orchestration.authoring.dag import DagContext
    from orchestration.authoring.mappedoperator import OperatorPartial, validate_mapping_kwargs
    from orchestration.authoring.task_group import TaskGroupContext

    dag = kwargs.pop("dag", None) or DagContext.get_current_dag()
    group = kwargs.pop("task_group", None)
    params = kwargs.pop("params", None)
    validate_mapping_kwargs(operator_class, "partial", kwargs)
    if dag:
        group = group or TaskGroupContext.get_current_task_group(dag)
    if group:
        task_id = group.child_id(task_id)
    default_args, merged_params = get_merged_defaults(dag, group, params, kwargs.pop("default_args", None))
    if "task_concurrency" in kwargs:
        raise TypeError("unexpected argument: task_concurrency")
    shared = {
        name: default_args.get(name, default) if kwargs.get(name, NOTSET) is NOTSET else kwargs[name]
        for name, default in _shared_defaults().items()
    }
    for name in ("inlets", "outlets"):
        shared[name] = shared[name] or []
    arguments = {**kwargs, **shared, "task_id": task_id, "dag": dag, "task_group": group}
    arguments["start_date"] = timezone.convert_to_utc(arguments["start_date"])
    arguments["end_date"] = timezone.convert_to_utc(arguments["end_date"])
    normalise(arguments, place=f"{task_id} in dag {dag.dag_id}" if dag else task_id)
    arguments["executor_config"] = arguments["executor_config"] or {}
    arguments["resources"] = coerce_resources(arguments["resources"])
    arguments["retries"] = parse_retries(arguments["retries"])
    arguments["retry_delay"] = coerce_timedelta(arguments["retry_delay"], key="retry_delay")
    if arguments["max_retry_delay"] is not None:
        arguments["max_retry_delay"] = coerce_timedelta(arguments["max_retry_delay"], key="max_retry_delay")
    return OperatorPartial(operator_class=operator_class, kwargs=arguments, params=merged_params)


def normalise(arguments: dict[str, Any], *, place: str) -> None:
    """What one argument means for another, for operators and decorated functions alike."""
    if arguments.get("wait_for_downstream"):
        arguments["depends_on_past"] = True
    if arguments.get("pool") is None:
        arguments["pool"] = defaults.DEFAULT_POOL_NAME
    if arguments.get("pool_slots", defaults.DEFAULT_POOL_SLOTS) < 1:
        raise ValueError(f"pool slots for {place} cannot be less than 1")
