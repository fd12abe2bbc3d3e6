"""Retry delays, compared with what Airflow 2.10.5 answered for the same tries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from orchestration.serialization.retries import delay_seconds, may_retry


@dataclass(frozen=True)
class Rules:
    retries: int = 3
    retry_delay_seconds: float = 300.0
    retry_exponential_backoff: bool = True
    max_retry_delay_seconds: float | None = None


def delay(rules: Rules, try_number: int, logical_date: datetime | None = None) -> float:
    moment = logical_date or datetime(2024, 3, 5, 10, 0, 0, 123000 if try_number == 3 else 0, tzinfo=UTC)
    return delay_seconds(rules, dag_id="d", task_id="t", logical_date=moment, try_number=try_number)


@pytest.mark.parametrize(
    ("seconds", "cap", "expected"),
    [
        (0, None, {1: 1, 2: 1, 3: 1, 7: 1, 40: 1, 200: 1, 0: 1}),
        (0.3, None, {1: 1, 2: 1, 3: 2, 7: 34, 40: 86400, 200: 86400, 0: 1}),
        (1, None, {1: 1, 2: 3, 3: 4, 7: 86, 40: 86400, 200: 86400, 0: 1}),
        (1, 400, {1: 1, 2: 3, 3: 4, 7: 86, 40: 400}),
        (300, None, {1: 499, 2: 889, 3: 1340, 7: 37974, 40: 86400, 200: 86400, 0: 274}),
        (300, 400, {1: 400, 2: 400, 3: 400, 7: 400, 0: 274}),
        (7200.5, None, {1: 11154, 2: 19333, 3: 29896, 7: 86400, 0: 4931}),
        (7200.5, 400, {1: 400, 3: 400, 200: 400}),
    ],
)
def test_backoff_is_the_references_to_the_second(seconds, cap, expected):
    rules = Rules(retry_delay_seconds=seconds, max_retry_delay_seconds=cap)
    assert {n: delay(rules, n) for n in expected} == expected


def test_without_backoff_the_delay_is_as_written_and_the_cap_does_not_count():
    rules = Rules(retry_delay_seconds=7.5, retry_exponential_backoff=False, max_retry_delay_seconds=1)
    assert delay(rules, 4) == 7.5


def test_the_zone_a_date_is_written_in_does_not_change_its_delay():
    in_utc = datetime(2024, 3, 5, 10, tzinfo=UTC)
    elsewhere = in_utc.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert delay(Rules(), 2, in_utc) == delay(Rules(), 2, elsewhere)


@pytest.mark.parametrize(
    ("retries", "try_number", "max_tries", "expected"),
    [(0, 1, 0, False), (1, 1, 1, True), (1, 2, 1, False), (1, 2, 3, True), (0, 1, 5, False), (2, 2, 2, True)],
)
def test_a_try_may_be_followed_by_another(retries, try_number, max_tries, expected):
    assert may_retry(retries, try_number, max_tries) is expected
