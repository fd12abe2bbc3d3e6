"""SQL that is written for both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import Avg, Max, Q

from orchestration.admin.queries.expressions import FORMATS, Cut, Rare, Seconds
from orchestration.models import DagRun
from tests.factories import DagRunFactory

pytestmark = pytest.mark.django_db

MOMENTS = [
    datetime(2026, 3, 1, 0, 0, 0, tzinfo=UTC),
    datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1999, 12, 31, 5, 7, 9, 250_000, tzinfo=UTC),
]


@pytest.mark.parametrize("unit", ["hour", "day"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_moment_is_cut_in_utc(unit, moment: datetime) -> None:
    DagRunFactory(end_date=moment.astimezone(datetime.now().astimezone().tzinfo))
    with connection.cursor() as cursor:  # as somebody's session may have it
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL TIME ZONE 'Asia/Kathmandu'")
    assert DagRun.objects.values_list(Cut("end_date", unit), flat=True).get() == moment.strftime(FORMATS[unit])


def test_what_never_ended_has_no_hour_and_no_seconds() -> None:
    DagRunFactory(start_date=MOMENTS[0], end_date=None)
    assert DagRun.objects.values_list(Cut("end_date", "hour"), Seconds("start_date", "end_date")).get() == (None, None)


@pytest.mark.parametrize("took", [0.0, 0.125, 59.5, 86_400.75, 40 * 86_400.0, -2.5])
def test_seconds_are_those_between_two_moments(took: float) -> None:
    for start in MOMENTS:
        DagRunFactory(start_date=start, end_date=start + timedelta(seconds=took))
    seconds = Seconds("start_date", "end_date")
    found = DagRun.objects.aggregate(mean=Avg(seconds), most=Max(seconds))
    assert found["mean"] == pytest.approx(took, abs=0.002)
    assert found["most"] == pytest.approx(took, abs=0.002)


def test_a_rare_condition_narrows_like_any_other() -> None:
    for state in ("running", "success", "success"):
        DagRunFactory(state=state)
    rare = DagRun.objects.filter(Rare(Q(state__in=["running", "queued"])))
    assert [run.state for run in rare] == ["running"]
    assert ("unlikely(" in str(rare.query)) is (connection.vendor == "sqlite")
