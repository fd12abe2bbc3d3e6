"""Small shared types: the sentinel for an argument that was not given, and the kinds of runs."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypedDict


class ArgNotSet:
    """The type of ``NOTSET``: an argument that was not given, where None means something."""

    def __repr__(self) -> str:
        return "NOTSET"

    def __copy__(self) -> ArgNotSet:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> ArgNotSet:
        return self

    def __reduce__(self) -> str:
        return "NOTSET"


NOTSET: Final = ArgNotSet()

#: The key under which a task's result is kept.
XCOM_RETURN_KEY: Final = "return_value"


class DagRunType(StrEnum):
    """What made a run; the prefix of its generated ``run_id``. Mirrors ``airflow.utils.types.DagRunType``."""

    BACKFILL_JOB = "backfill"
    SCHEDULED = "scheduled"
    MANUAL = "manual"
    DATASET_TRIGGERED = "dataset_triggered"

    def generate_run_id(self, logical_date: datetime) -> str:
        """The run id that a run of this type gets, e.g. ``manual__2024-01-01T00:00:00+00:00``."""
        return f"{self}__{logical_date.isoformat()}"

    @staticmethod
    def from_run_id(run_id: str) -> DagRunType:
        """The type a run id speaks of; MANUAL for any other text."""
        prefix = (run_id or "").partition("__")[0] if "__" in (run_id or "") else ""
        return DagRunType(prefix) if prefix in set(DagRunType) else DagRunType.MANUAL


class EdgeInfoType(TypedDict):
    """What is known of one edge beside its ends."""

    label: str | None
