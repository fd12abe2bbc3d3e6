"""Moments and dates as ``airflow.utils.timezone``, ``airflow.utils.dates`` and ``airflow.macros`` give them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pendulum
import pytest
from dateutil.relativedelta import relativedelta

from orchestration.authoring import dates, macros, timezone
from orchestration.authoring.exceptions import RemovedInAirflow3Warning
from orchestration.authoring.operators.empty import EmptyOperator

PARIS = ZoneInfo("Europe/Paris")


def test_utc_of_any_moment(monkeypatch):
    assert timezone.convert_to_utc(None) is None
    assert timezone.convert_to_utc(datetime(2024, 6, 1, 12, tzinfo=PARIS)) == pendulum.datetime(2024, 6, 1, 10)
    assert timezone.convert_to_utc(datetime(2024, 6, 1, 12)) == pendulum.datetime(2024, 6, 1, 12)
    monkeypatch.setenv("AIRFLOW__CORE__DEFAULT_TIMEZONE", "Europe/Paris")
    assert timezone.convert_to_utc(datetime(2024, 6, 1, 12)) == pendulum.datetime(2024, 6, 1, 10)
    assert timezone.TIMEZONE.name == "Europe/Paris"
    assert isinstance(timezone.convert_to_utc(datetime(2024, 6, 1)), pendulum.DateTime)


def test_aware_and_naive():
    naive = datetime(2024, 10, 27, 2, 30)
    aware = timezone.make_aware(naive, PARIS)
    assert aware.utcoffset() == timedelta(hours=1), "of a repeated hour the second is meant"
    assert timezone.make_aware(naive, pendulum.timezone("Europe/Paris")).utcoffset() == timedelta(hours=1)
    assert timezone.make_aware(None) is None
    assert timezone.make_naive(aware, UTC) == datetime(2024, 10, 27, 1, 30)
    assert timezone.is_naive(naive)
    assert timezone.is_localized(aware)
    with pytest.raises(ValueError, match="has a time zone already"):
        timezone.make_aware(aware)
    with pytest.raises(ValueError, match="no time zone"):
        timezone.make_naive(naive)


def test_moments_from_texts_and_numbers():
    assert timezone.parse("2024-01-02T03:04:05") == pendulum.datetime(2024, 1, 2, 3, 4, 5)
    assert timezone.parse("2024-01-02", timezone="Europe/Paris").utcoffset() == timedelta(hours=1)
    assert timezone.from_timestamp(0) == timezone.utc_epoch()
    assert timezone.from_timestamp(0, tz="Europe/Paris").hour == 1
    assert timezone.coerce_datetime(datetime(2024, 1, 1, tzinfo=PARIS)).tzinfo is not None
    assert timezone.coerce_datetime(None) is None
    assert timezone.datetime(2024, 1, 1).tzinfo is timezone.utc
    assert timezone.utcnow().tzinfo is pendulum.UTC
    assert timezone.parse_timezone(3600).utcoffset(datetime(2024, 1, 1)) == timedelta(hours=1)
    with pytest.raises(AttributeError):
        _ = timezone.nonsense


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (None, None), (0, None), (timedelta(seconds=3752), "1h:2M:32s"), (3200.0, "53M:20s"), (0.5, "<1s"),
        (timedelta(days=35, seconds=1), "1m:5d:1s"), (timedelta(days=400), "1y:1m:10d"), (86400, "1d"),
    ],
)  # fmt: skip
def test_durations_in_words(duration, text):
    assert timezone.td_format(duration) == text


def test_days_ago_is_midnight_and_warns():
    with pytest.warns(RemovedInAirflow3Warning, match="days=-2"):
        found = dates.days_ago(2)
    assert found == timezone.utcnow().replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
    with pytest.warns(RemovedInAirflow3Warning):
        assert dates.days_ago(1, hour=5, minute=6).minute == 6


START = datetime(2016, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "days"),
    [
        ({"end_date": START + timedelta(days=2), "delta": timedelta(days=1)}, [1, 2, 3]),
        ({"end_date": START + timedelta(days=2), "delta": "0 0 * * *"}, [1, 2, 3]),
        ({"num": 3, "delta": timedelta(days=1)}, [1, 2, 3]),
        ({"num": -2, "delta": timedelta(days=1)}, [31, 1]),
        ({"num": 2, "delta": "@daily"}, [1, 2]),
        ({"num": 2, "delta": relativedelta(months=1)}, [1, 1]),
        ({"num": 2}, []),
    ],
)
def test_a_range_of_dates(options, days):
    assert [moment.day for moment in dates.date_range(START, **options)] == days


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"end_date": START - timedelta(days=1), "delta": "@daily"}, ValueError),
        ({"end_date": START, "num": 2, "delta": "@daily"}, ValueError),
        ({"num": 2, "delta": 5}, TypeError),
    ],
)
def test_a_range_that_makes_no_sense(options, error):
    with pytest.raises(error):
        dates.date_range(START, **options)


@pytest.mark.parametrize(
    ("moment", "delta", "start", "rounded"),
    [
        (datetime(2015, 9, 16), timedelta(1), datetime(2015, 9, 14), datetime(2015, 9, 16)),
        (datetime(2015, 9, 13), timedelta(1), datetime(2015, 9, 14), datetime(2015, 9, 14)),
        (datetime(2015, 9, 15, 13), timedelta(1), datetime(2015, 9, 14), datetime(2015, 9, 16)),
        (datetime(2015, 1, 2), relativedelta(months=1), datetime(2014, 1, 1), datetime(2015, 1, 1)),
    ],
)
def test_the_nearest_of_a_series(moment, delta, start, rounded):
    assert dates.round_time(moment, delta, start) == rounded


def test_units_of_time():
    assert [dates.infer_time_unit([seconds]) for seconds in (100, 5400, 36000, 200000)] == [
        "seconds",
        "minutes",
        "hours",
        "days",
    ]
    assert dates.infer_time_unit([]) == "hours"
    assert dates.scale_time_units([3600, 7200], "hours") == [1, 2]
    assert dates.parse_execution_date("2024-01-01") == pendulum.datetime(2024, 1, 1)
    assert dates.datetime_to_nano(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 1_000_000_000


def test_macros():
    assert macros.ds_add("2015-01-06", -5) == "2015-01-01"
    assert macros.ds_add("2015-01-06", 0) == "2015-01-06"
    assert macros.ds_format("1/5/2015", "%m/%d/%Y", "%Y-%m-%d") == "2015-01-05"
    assert (
        macros.datetime_diff_for_humans(datetime(2024, 1, 3, tzinfo=UTC), pendulum.datetime(2024, 1, 1))
        == "2 days after"
    )
    shown = macros.ds_format_locale("12/07/2024", "%d/%m/%Y", "EEEE dd MMMM yyyy", "de_DE")
    assert shown == "Freitag 12 Juli 2024"
    assert macros.json.loads("1") == 1
    assert macros.yaml.safe_load("a: 1") == {"a": 1}
    assert 0 <= macros.random() < 1
    assert macros.uuid.uuid4()
    assert macros.dateutil.parser.parse("2024-01-01").date() == date(2024, 1, 1)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "America/New_York"])
def test_a_task_s_dates_are_kept_in_utc(zone):
    task = EmptyOperator(task_id="a", start_date=pendulum.datetime(2024, 7, 1, tz=zone))
    assert task.start_date == pendulum.datetime(2024, 7, 1, tz=zone)
    assert task.start_date.timezone_name == "UTC"
