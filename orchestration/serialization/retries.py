"""Whether a failed try is followed by another, and when: pure arithmetic.

The delays are those of Airflow 2.10.5 to the second, its hash included, so that a DAG's retries fall where they fell.
"""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime
from typing import Protocol

#: The longest delay whatever the task says, in seconds.
LONGEST_DELAY_SECONDS = 24 * 60 * 60.0

#: More doublings than these are over every cap, and further ones would leave the range of a float.
_MOST_DOUBLINGS = 64


class RetryRules(Protocol):
    """What a task says of its retries; a ``SerializedTask`` fits."""

    @property
    def retries(self) -> int:
        """Tries after the first."""

    @property
    def retry_delay_seconds(self) -> float:
        """Seconds between two tries."""

    @property
    def retry_exponential_backoff(self) -> bool:
        """Whether the delay doubles with each try."""

    @property
    def max_retry_delay_seconds(self) -> float | None:
        """The cap of doubled delays."""


def may_retry(retries: int, try_number: int, max_tries: int) -> bool:
    """Whether a failed try may be followed by another. A task without retries has none, whatever ``max_tries`` says."""
    return retries > 0 and try_number <= max_tries


def delay_seconds(
    rules: RetryRules,
    *,
    dag_id: str,
    task_id: str,
    logical_date: datetime,
    try_number: int,
    longest: float = LONGEST_DELAY_SECONDS,
) -> float:
    """Seconds from the end of try ``try_number`` to the earliest start of the next.

    With exponential backoff the delay doubles with each try and is spread by a hash of the try over up to twice its
    value; it is cut at ``longest`` and at the task's own cap.
    """
    delay = rules.retry_delay_seconds
    if not rules.retry_exponential_backoff:
        return delay
    shortest = max(math.ceil(delay * 2.0 ** min(try_number - 1, _MOST_DOUBLINGS)), 1)
    delay = min(float(shortest + _spread(dag_id, task_id, logical_date, try_number) % shortest), longest)
    cap = rules.max_retry_delay_seconds
    return min(delay, cap) if cap else delay


def _spread(dag_id: str, task_id: str, logical_date: datetime, try_number: int) -> int:
    moment = logical_date.astimezone(UTC).isoformat(" ")
    text = f"{dag_id}#{task_id}#{moment}#{try_number}"
    return int(hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(), 16)
