"""From a DAG's ``schedule`` to a timetable, and from timetables to JSON and back.

``decode`` makes only the classes of ``REGISTERED``; nothing in a document can name another. A timetable of any other
class is encoded as ``"custom"`` and decodes to what the parser asked it ahead (see ``custom``).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from orchestration.authoring.datasets import (
    AliasResolver,
    BaseDataset,
    Dataset,
    DatasetAlias,
    DatasetAll,
    decode_condition,
)
from orchestration.authoring.timetables.base import Timetable
from orchestration.authoring.timetables.custom import Forecast, PrecomputedTimetable, describe
from orchestration.authoring.timetables.datasets import DatasetOrTimeSchedule
from orchestration.authoring.timetables.events import EventsTimetable
from orchestration.authoring.timetables.interval import CronDataIntervalTimetable, DeltaDataIntervalTimetable
from orchestration.authoring.timetables.simple import (
    ContinuousTimetable,
    DatasetTriggeredTimetable,
    NullTimetable,
    OnceTimetable,
)
from orchestration.authoring.timetables.trigger import (
    CronTriggerTimetable,
    DeltaTriggerTimetable,
    MultipleCronTriggerTimetable,
)
from orchestration.conf import conf

#: Stored name → class. ``dataset_triggered``, ``dataset_or_time`` and ``custom`` have a decoding of their own.
REGISTERED: dict[str, type[Timetable]] = {
    "null": NullTimetable,
    "once": OnceTimetable,
    "continuous": ContinuousTimetable,
    "cron_data_interval": CronDataIntervalTimetable,
    "delta_data_interval": DeltaDataIntervalTimetable,
    "cron_trigger": CronTriggerTimetable,
    "multiple_cron_trigger": MultipleCronTriggerTimetable,
    "delta_trigger": DeltaTriggerTimetable,
    "events": EventsTimetable,
    "dataset_triggered": DatasetTriggeredTimetable,
    "dataset_or_time": DatasetOrTimeSchedule,
}
_NAMES = {cls: name for name, cls in REGISTERED.items()}


def create_timetable(schedule: Any, timezone: Any) -> Timetable:
    """The timetable for ``DAG(schedule=…)`` in the DAG's zone.

    Takes None, a timetable, a dataset, an alias or a condition over them, a list of datasets and aliases (all of
    them), ``@once``, ``@continuous``, any other text as a cron expression, a timedelta or a relativedelta. Raises
    ValueError for anything else. A schedule that was not given is ``timedelta(days=1)``: the caller passes that.
    """
    if schedule is None:
        return NullTimetable()
    if isinstance(schedule, Timetable):
        return schedule
    if isinstance(schedule, BaseDataset):
        return DatasetTriggeredTimetable(schedule)
    if schedule == "@once":
        return OnceTimetable()
    if schedule == "@continuous":
        return ContinuousTimetable()
    if isinstance(schedule, str):
        if conf.getboolean("scheduler", "create_cron_data_intervals", fallback=True):
            return CronDataIntervalTimetable(schedule, timezone)
        return CronTriggerTimetable(schedule, timezone=timezone)
    if isinstance(schedule, timedelta) or _is_relativedelta(schedule):
        return DeltaDataIntervalTimetable(schedule)
    if isinstance(schedule, Collection):
        if not all(isinstance(part, Dataset | DatasetAlias) for part in schedule):
            raise ValueError(f"A list as schedule holds datasets and aliases of datasets, not {schedule!r}")
        return DatasetTriggeredTimetable(DatasetAll(*schedule))
    raise ValueError(f"{schedule!r} is no schedule: give None, a cron expression, a timedelta, datasets or a timetable")


def _is_relativedelta(value: Any) -> bool:
    from dateutil.relativedelta import relativedelta

    return isinstance(value, relativedelta)


def encode(timetable: Timetable) -> dict[str, Any]:
    """The timetable as JSON: ``{"type": name, …}``, ``type`` being ``custom`` for a user-written class."""
    name = _NAMES.get(type(timetable))
    if name is None:
        return {"type": "custom", **describe(timetable)}
    document = {"type": name, **timetable.serialize()}
    if isinstance(timetable, DatasetOrTimeSchedule):
        document["timetable"] = encode(timetable.timetable)
    return document


def decode(
    document: dict[str, Any], forecast: Forecast | None = None, resolve: AliasResolver | None = None
) -> Timetable:
    """The timetable of a document.

    ``forecast`` is what the parser asked a user-written timetable ahead (None: it makes no runs), ``resolve`` says
    which datasets an alias stands for now (default: the store port). Raises ValueError for an unknown type.
    """
    name = document.get("type")
    if name == "custom":
        return PrecomputedTimetable(document, forecast, resolve)
    if name == "dataset_triggered":
        return DatasetTriggeredTimetable(decode_condition(document["dataset_condition"], resolve))
    if name == "dataset_or_time":
        return DatasetOrTimeSchedule(
            timetable=decode(document["timetable"], forecast),
            datasets=decode_condition(document["dataset_condition"], resolve),
        )
    if not isinstance(name, str) or name not in REGISTERED:
        raise ValueError(f"There is no timetable of type {name!r}. Parse the DAG's file again.")
    return REGISTERED[name].deserialize(document)


def custom_part(timetable: Timetable) -> Timetable | None:
    """The user-written timetable, itself or within a dataset-or-time one; None if there is none to ask ahead."""
    if isinstance(timetable, DatasetOrTimeSchedule) and type(timetable) in _NAMES:
        return custom_part(timetable.timetable)
    return None if type(timetable) in _NAMES else timetable
