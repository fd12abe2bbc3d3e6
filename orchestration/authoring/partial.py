"""``Operator.partial(…)``: the arguments that all instances of a mapped task share."""

from __future__ import annotations

import inspect
from functools import cache
from typing import TYPE_CHECKING, Any

from orchestration.authoring import abstractoperator as defaults
from orchestration.authoring import timezone
from orchestration.authoring.operator_arguments import (
    coerce_timedelta,
    get_merged_defaults,
    parse_pool_slots,
    parse_retries,
)
from orchestration.authoring.resources import coerce_resources
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
                raise TypeError(f"{task} is made already: call {operator_class.__name__}.partial(…) on the class")
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
    shared = {
        name: default_args.get(name, default) if kwargs.get(name, NOTSET) is NOTSET else kwargs[name]
        for name, default in _shared_defaults().items()
    }
    for name in ("inlets", "outlets"):
        shared[name] = shared[name] or []
    arguments = {**kwargs, **shared, "task_id": task_id, "dag": dag, "task_group": group}
    normalise(arguments, place=f"{dag.dag_id}.{task_id}" if dag else task_id)
    return OperatorPartial(operator_class=operator_class, kwargs=arguments, params=merged_params)


def normalise(arguments: dict[str, Any], *, place: str) -> None:
    """Check the shared arguments and bring them into one form, for operators and decorated functions alike.

    TypeError for ``task_concurrency``, ValueError for fewer than one pool slot, AirflowException for other retries
    than a number.
    """
    if "task_concurrency" in arguments:
        raise TypeError("A mapped task takes no task_concurrency: write max_active_tis_per_dag")
    if arguments.get("wait_for_downstream"):
        arguments["depends_on_past"] = True
    if arguments.get("pool") is None:
        arguments["pool"] = defaults.DEFAULT_POOL_NAME
    parse_pool_slots(arguments.get("pool_slots", defaults.DEFAULT_POOL_SLOTS), place)
    arguments["retries"] = parse_retries(arguments.get("retries", defaults.DEFAULT_RETRIES))
    delay, longest = arguments.get("retry_delay", defaults.DEFAULT_RETRY_DELAY), arguments.get("max_retry_delay")
    arguments["retry_delay"] = coerce_timedelta(delay, key="retry_delay")
    arguments["max_retry_delay"] = None if longest is None else coerce_timedelta(longest, key="max_retry_delay")
    for name in ("start_date", "end_date"):
        arguments[name] = timezone.convert_to_utc(arguments.get(name))
    arguments["resources"] = coerce_resources(arguments.get("resources"))
    arguments["executor_config"] = arguments.get("executor_config") or {}
