"""The arguments of operators: their defaults, their types, and what is refused."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Iterable, Mapping, MutableMapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestration.authoring import timezone
from orchestration.authoring.exceptions import AirflowException, RemovedInAirflow3Warning
from orchestration.authoring.params import ParamsDict
from orchestration.authoring.trigger_rule import RENAMED, TriggerRule
from orchestration.conf import conf

if TYPE_CHECKING:
    from pendulum import DateTime

    from orchestration.authoring.dag import DAG
    from orchestration.authoring.task_group import TaskGroup

logger = logging.getLogger("airflow.models.baseoperator.BaseOperator")

#: The types that attributes of a task must have, None aside.
ARGUMENT_TYPES: dict[str, Any] = {
    "email": (str, Iterable),
    **dict.fromkeys(
        ("task_id", "task_display_name", "map_index_template", "doc", "doc_md", "doc_rst", "doc_json", "doc_yaml"), str
    ),
    **dict.fromkeys(("trigger_rule", "pool", "queue", "executor", "run_as_user", "logger_name"), str),
    **dict.fromkeys(
        ("retries", "priority_weight", "pool_slots", "max_active_tis_per_dagrun", "max_active_tis_per_dag"), int
    ),
    **dict.fromkeys(("depends_on_past", "ignore_first_depends_on_past", "wait_for_downstream"), bool),
    **dict.fromkeys(("wait_for_past_depends_before_skipping", "retry_exponential_backoff"), bool),
    **dict.fromkeys(("email_on_failure", "email_on_retry", "do_xcom_push"), bool),
    **dict.fromkeys(("multiple_outputs", "allow_nested_operators"), bool),
}


def parse_retries(retries: Any) -> int:
    """The number of retries; None is 0, a text is read as a number, AirflowException for what is none."""
    try:
        number = 0 if retries is None else int(retries)
    except (TypeError, ValueError):
        raise AirflowException(f"retries is how often to try again, a whole number, not {retries!r}") from None
    if type(retries) not in (int, type(None)):
        logger.warning("retries should be a whole number: %r is read as %d", retries, number)
    return number


def parse_timeout(value: Any, place: str) -> timedelta | None:
    """The ``execution_timeout``, None for none; ValueError for what is no timedelta."""
    if value is None or isinstance(value, timedelta):
        return value
    raise ValueError(f"execution_timeout of {place} is a timedelta, not {value!r}: e.g. timedelta(minutes=5)")


def parse_pool_slots(value: int, place: str) -> int:
    """How many slots of its pool a task takes; ValueError for fewer than one."""
    if value < 1:
        raise ValueError(f"{place} takes {value} slots of its pool; a task takes one or more")
    return value


def parse_priority(value: Any, place: str, *, default: int) -> int:
    """The ``priority_weight``; None is the default, AirflowException for what is no whole number."""
    if value is None:
        return default
    if isinstance(value, int):
        return value
    raise AirflowException(f"priority_weight of {place} is a whole number, not {value!r}")


def parse_moment(value: Any, name: str, place: str) -> DateTime | None:
    """A date in UTC; None for none, and for what is no datetime, of which the log tells."""
    if not value or isinstance(value, datetime):
        return timezone.convert_to_utc(value or None)
    logger.warning("%s of %s is left out: it should be a datetime, not %r", name, place, value)
    return None


def coerce_timedelta(value: float | timedelta, *, key: str) -> timedelta:
    """A duration; a number is seconds."""
    return value if isinstance(value, timedelta) else timedelta(seconds=value)


def get_merged_defaults(
    dag: DAG | None,
    task_group: TaskGroup | None,
    task_params: MutableMapping[str, Any] | None,
    task_default_args: Mapping[str, Any] | None,
) -> tuple[dict[str, Any], ParamsDict]:
    """The default arguments and params of a task: the DAG's, then the group's, then its own. TypeError otherwise."""
    args: dict[str, Any] = {}
    params = ParamsDict()
    if dag:
        args.update(dag.default_args)
        params = copy.deepcopy(dag.params)
        if task_group:
            args.update(mapping_of(task_group.default_args, "default_args"))
    params.update(mapping_of(task_params, "params"))
    own = mapping_of(task_default_args, "default_args")
    args.update(own)
    params.update(own.get("params") or {})
    return args, params


def mapping_of(value: Any, name: str) -> Mapping[str, Any]:
    """The mapping, empty for None; TypeError for anything else."""
    if value and not isinstance(value, Mapping):
        raise TypeError(f"{name} is a dict of names and values, not {value!r}")
    return value or {}


def parse_trigger_rule(value: Any, place: str) -> TriggerRule:
    """The rule of that name, earlier names included; AirflowException for an unknown one."""
    if value in RENAMED:
        warn(f"Trigger rule {value!r} of {place} has a new name: write {RENAMED[value].value!r}.")
        return RENAMED[value]
    if TriggerRule.is_valid(value):
        return TriggerRule(value)
    names = ", ".join(sorted(rule.value for rule in TriggerRule))
    raise AirflowException(f"{place} has an unknown trigger_rule, {value!r}. There are {names}.")


def refuse_unknown(class_name: str, task_id: str, kwargs: dict[str, Any]) -> None:
    """AirflowException for arguments that no constructor took, unless ``operators.allow_illegal_arguments`` is set."""
    names = ", ".join(f"{name}={value!r}" for name, value in kwargs.items())
    text = f"{class_name} of task {task_id!r} takes no {names}. Look for a misspelt name."
    if not conf.getboolean("operators", "allow_illegal_arguments"):
        raise AirflowException(text)
    warn(text)


def warn(text: str) -> None:
    """Warn of a deprecated argument, at the line that makes the task."""
    warnings.warn(text, RemovedInAirflow3Warning, stacklevel=4)


def as_list(value: Any) -> list[Any]:
    """The list, the value as the only member, or an empty list."""
    return value if isinstance(value, list) else [value] if value else []


def lineage_entities(value: Any, kind: str) -> list[Any]:
    """The inlets or outlets that one value or a list names; TypeError for what can be none."""
    entities = list(value) if isinstance(value, Iterable) and not hasattr(value, "uri") else [value]
    for entity in entities:
        is_entity = any(hasattr(type(entity), mark) for mark in ("__attrs_attrs__", "__dataclass_fields__", "uri"))
        if not is_entity:
            raise TypeError(f"{entity!r} cannot be an {kind}: give a Dataset, or an object of an attrs or dataclass")
    return entities
