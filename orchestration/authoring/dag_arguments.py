"""The arguments of a DAG: its dates, its schedule, and what is refused."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from orchestration.authoring import timezone
from orchestration.authoring.exceptions import AirflowException, RemovedInAirflow3Warning
from orchestration.authoring.helpers import at_most_one
from orchestration.authoring.types import NOTSET, ArgNotSet

if TYPE_CHECKING:
    from pendulum import FixedTimezone, Timezone

    from orchestration.authoring.timetables.base import Timetable

DEFAULT_SCHEDULE_INTERVAL = timedelta(days=1)

#: The types that attributes of a DAG must have, None aside.
ARGUMENT_TYPES: dict[str, Any] = {
    "dag_id": str,
    "description": str,
    "max_active_tasks": int,
    "max_active_runs": int,
    "max_consecutive_failed_dag_runs": int,
    "dagrun_timeout": timedelta,
    "default_view": str,
    "orientation": str,
    "catchup": bool,
    "doc_md": str,
    "is_paused_upon_creation": bool,
    "render_template_as_native_obj": bool,
    "tags": list,
    "auto_register": bool,
    "fail_stop": bool,
    "dag_display_name": str,
}


def settle_dates(
    defaults: dict[str, Any], start_date: datetime | None
) -> tuple[Timezone | FixedTimezone, datetime | None]:
    """The DAG's zone and start date; the dates in its default arguments are read and brought to UTC in place."""
    found: datetime | None = start_date
    if (default := defaults.get("start_date")) and not (start_date and start_date.tzinfo):
        if not isinstance(default, datetime):
            default = start_date = defaults["start_date"] = timezone.parse(default)
        found = default
    zone = _zone_of(found) or timezone.default_timezone()
    if isinstance(default_end := defaults.get("end_date"), str):
        defaults["end_date"] = timezone.parse(default_end, timezone=zone)
    for name in ("start_date", "end_date"):
        if name in defaults:
            defaults[name] = timezone.convert_to_utc(defaults[name])
    return zone, start_date


def settle_schedule(
    schedule: Any, schedule_interval: Any, timetable: Timetable | None, *, zone: Any, has_start_date: bool
) -> tuple[Timetable, Any]:
    """The timetable, and what ``schedule_interval`` shows: the argument, or an object's summary.

    ValueError for a schedule without a start date, for more than one, and for what is none.
    """
    from orchestration.authoring.datasets import BaseDataset
    from orchestration.authoring.timetables import create_timetable
    from orchestration.authoring.timetables.base import Timetable

    given = [schedule_interval, timetable, schedule]
    if any(argument is not NOTSET and bool(argument) for argument in given) and not has_start_date:
        raise ValueError("DAG is missing the start_date parameter")
    if not at_most_one(*given):
        raise ValueError("At most one allowed for args 'schedule_interval', 'timetable', and 'schedule'.")
    if schedule_interval is not NOTSET:
        warn("Param `schedule_interval` is deprecated. Please use `schedule` instead.")
    if timetable is not None:
        warn("Param `timetable` is deprecated. Please use `schedule` instead.")
        schedule = timetable
    elif schedule_interval is not NOTSET:
        schedule = schedule_interval
    if isinstance(schedule, ArgNotSet):
        warn("A DAG without a schedule is deprecated. Set `schedule=datetime.timedelta(days=1)` explicitly.")
        schedule = DEFAULT_SCHEDULE_INTERVAL
    made = create_timetable(schedule, zone)
    is_list = isinstance(schedule, Collection) and not isinstance(schedule, str)
    return made, made.summary if is_list or isinstance(schedule, (Timetable, BaseDataset)) else schedule


def _zone_of(moment: datetime | None) -> Any:
    """The moment's zone; None for a naive one."""
    if moment is None or moment.tzinfo is None:
        return None
    import pendulum

    return pendulum.instance(moment).timezone


def one_of(value: str, allowed: list[str], name: str) -> str:
    """The value; AirflowException where it is not allowed."""
    if value not in allowed:
        raise AirflowException(f"Invalid values of dag.{name}: only support {allowed}, but get {value}")
    return value


def warn(text: str) -> None:
    """Warn of a deprecated argument, at the line that makes the DAG."""
    warnings.warn(text, RemovedInAirflow3Warning, stacklevel=5)
