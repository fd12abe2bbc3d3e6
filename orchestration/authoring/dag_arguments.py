"""The arguments of a DAG: its dates, its schedule, and what is refused."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable
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
TAG_MAX_LEN = 100

#: The types that attributes of a DAG must have, None aside.
ARGUMENT_TYPES: dict[str, Any] = {
    "tags": list,
    "dagrun_timeout": timedelta,
    **dict.fromkeys(("dag_id", "dag_display_name", "description", "doc_md", "default_view", "orientation"), str),
    **dict.fromkeys(("max_active_runs", "max_active_tasks", "max_consecutive_failed_dag_runs"), int),
    **dict.fromkeys(("catchup", "is_paused_upon_creation", "fail_stop", "auto_register"), bool),
    "render_template_as_native_obj": bool,
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
        raise ValueError("A DAG with a schedule needs a start_date, of its own or in its default_args")
    if not at_most_one(*given):
        raise ValueError("A DAG has one schedule: give schedule, and neither schedule_interval nor timetable")
    renamed = {"schedule_interval": schedule_interval, "timetable": NOTSET if timetable is None else timetable}
    for name, value in renamed.items():
        if value is not NOTSET:
            warn(f"{name} has a new name: write schedule.", stacklevel=4)
            schedule = value
    if isinstance(schedule, ArgNotSet):
        warn("A DAG that says nothing runs daily: write schedule=timedelta(days=1), or None for never.", stacklevel=4)
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
    if value in allowed:
        return value
    raise AirflowException(f"A DAG's {name} is one of {', '.join(allowed)}, not {value!r}")


def refuse_long_tags(tags: Iterable[str]) -> None:
    """AirflowException for a tag of more characters than the database keeps."""
    for tag in tags:
        if len(tag) > TAG_MAX_LEN:
            raise AirflowException(f"The tag {tag[:20]!r}… has {len(tag)} characters; {TAG_MAX_LEN} is the most")


def warn(text: str, stacklevel: int = 3) -> None:
    """Warn of what is deprecated, at the line that makes the DAG or reads the attribute."""
    warnings.warn(text, RemovedInAirflow3Warning, stacklevel=stacklevel)
