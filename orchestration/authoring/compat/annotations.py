"""The types that DAG files annotate schedules and callbacks with. Mirrors the aliases of ``airflow.models.dag``."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from dateutil.relativedelta import relativedelta

from orchestration.authoring.datasets import BaseDataset, Dataset, DatasetAlias
from orchestration.authoring.timetables import Timetable
from orchestration.authoring.types import ArgNotSet

ScheduleInterval = str | timedelta | relativedelta | None
ScheduleIntervalArg = ArgNotSet | ScheduleInterval
ScheduleArg = ScheduleIntervalArg | Timetable | BaseDataset | Collection[Dataset | DatasetAlias]
SLAMissCallback = Callable[[Any, str, str, list[Any], list[Any]], None]
