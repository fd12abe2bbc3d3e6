"""Cron expressions in a time zone: the moments before and after another, and the expression in words.

croniter computes on naive local times; the rule that turns those into moments around clock changes is Airflow's:
an expression that fires every hour moves by elapsed time, any other by the local clock, where a local time that
happens twice means the second, and one that is skipped moves on by the gap.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime, tzinfo
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from orchestration.authoring.timetables.base import Timetable
from orchestration.authoring.timetables.moments import as_zone, in_utc, plain

if TYPE_CHECKING:
    from croniter import croniter

#: Airflow's names for common expressions. Other ``@`` names go to croniter as they are.
PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}

_parsed = threading.local()
_MOST_PARSED = 4096


def _croniter(expression: str) -> croniter:
    """The parsed expression. Each thread keeps its own, because croniter moves a cursor within it."""
    known: dict[str, croniter] | None = getattr(_parsed, "known", None)
    if known is None:
        known = _parsed.known = {}
    found = known.get(expression)
    if found is None:
        from croniter import croniter

        if len(known) >= _MOST_PARSED:
            known.clear()
        found = known[expression] = croniter(expression)
    return found


def next_after(expression: str, zone: tzinfo, moment: datetime) -> datetime:
    """The first moment after ``moment`` at which the expression fires, in UTC.

    Raises CroniterBadDateError if it does not fire within fifty years.
    """
    return _move(expression, zone, moment, forward=True)


def prev_before(expression: str, zone: tzinfo, moment: datetime) -> datetime:
    """The last moment before ``moment`` at which the expression fires, in UTC."""
    return _move(expression, zone, moment, forward=False)


def _move(expression: str, zone: tzinfo, moment: datetime, *, forward: bool) -> datetime:
    cron = _croniter(expression)
    naive = moment.astimezone(zone).replace(tzinfo=None, fold=0)
    cron.set_current(naive, force=True)
    scheduled: datetime = cron.get_next(datetime) if forward else cron.get_prev(datetime)
    if cron.expanded[1] == ["*"]:
        return moment.astimezone(UTC) + (scheduled - naive)
    return _localised(scheduled, zone).astimezone(UTC)


def _localised(naive: datetime, zone: tzinfo) -> datetime:
    first = naive.replace(tzinfo=zone, fold=0)
    second = naive.replace(tzinfo=zone, fold=1)
    before, after = first.utcoffset(), second.utcoffset()
    # The clock went back: this local time happens twice, the second counts. In a gap the first reading
    # (the offset before the change) lands behind the gap.
    return second if before is not None and after is not None and before > after else first


@lru_cache(maxsize=4096)
def in_words(expression: str) -> str:
    """The expression in words, such as "At 02:30, only on Monday"; empty where there are none."""
    from cron_descriptor import CasingTypeEnum, ExpressionDescriptor, FormatException, MissingFieldException
    from croniter import CroniterBadCronError

    try:
        descriptor = ExpressionDescriptor(
            expression, casing_type=CasingTypeEnum.Sentence, use_24hour_time_format=True, locale_code="en_US"
        )
        if len(_croniter(expression).expanded) > 5:  # croniter and the descriptor disagree on where seconds stand
            return ""
        return str(descriptor.get_description())
    except (CroniterBadCronError, FormatException, MissingFieldException):
        return ""


class CronMixin(Timetable):
    """The part that all cron timetables share; user-written timetables may build on its underscored methods."""

    def __init__(self, cron: str, timezone: Any) -> None:
        self._expression = PRESETS.get(cron, cron)
        self._timezone = timezone if isinstance(timezone, tzinfo) else as_zone(timezone)

    @cached_property
    def _zone(self) -> tzinfo:
        return as_zone(self._timezone)

    @cached_property
    def description(self) -> str:  # type: ignore[override]  # mypy does not see that it can be assigned to
        """The expression in words."""
        return in_words(self._expression)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)):
            return NotImplemented
        return self._expression == other._expression and self._zone == other._zone

    def __hash__(self) -> int:
        return hash((self._expression, self._zone))

    @property
    def summary(self) -> str:
        """The expression, presets spelled out."""
        return self._expression

    def validate(self) -> None:
        """Raise AirflowTimetableInvalid if the expression cannot be read."""
        from croniter import CroniterBadCronError, CroniterBadDateError

        from orchestration.authoring.exceptions import AirflowTimetableInvalid

        try:
            _croniter(self._expression)
        except (CroniterBadCronError, CroniterBadDateError) as error:
            raise AirflowTimetableInvalid(str(error)) from error

    def _get_next(self, current: datetime) -> datetime:
        return in_utc(next_after(self._expression, self._zone, plain(current)), like=current)

    def _get_prev(self, current: datetime) -> datetime:
        return in_utc(prev_before(self._expression, self._zone, plain(current)), like=current)

    def _align_to_next(self, current: datetime) -> datetime:
        """``current`` if the expression fires then, else the next moment at which it does."""
        following = self._get_next(current)
        return current if self._get_prev(following) == current else following

    def _align_to_prev(self, current: datetime) -> datetime:
        """``current`` if the expression fires then, else the last moment at which it did."""
        preceding = self._get_prev(current)
        return current if self._get_next(preceding) == current else preceding
