"""Summaries, descriptions and validation of cron expressions, equal to those of Airflow 2.10.5."""

import json
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from dateutil.relativedelta import relativedelta

from orchestration.authoring.datasets import Dataset, DatasetAlias
from orchestration.authoring.exceptions import AirflowTimetableInvalid
from orchestration.authoring.timetables import create_timetable
from orchestration.authoring.timetables.datasets import DatasetOrTimeSchedule
from orchestration.authoring.timetables.events import EventsTimetable
from orchestration.authoring.timetables.interval import CronDataIntervalTimetable
from orchestration.authoring.timetables.trigger import CronTriggerTimetable

WORDS = json.loads(Path(__file__).with_name("words.json").read_text())
#: croniter grew these since: `W` is understood now, and an error says more.
NEWER = {"0 0 15W * *", "*/0 * * * *"}


@pytest.mark.parametrize("expression", sorted(set(WORDS) - NEWER))
def test_summary_description_and_validity_equal_the_reference(expression):
    timetable = CronDataIntervalTimetable(expression, "UTC")
    try:
        timetable.validate()
        invalid = None
    except AirflowTimetableInvalid as error:
        invalid = f"AirflowTimetableInvalid: {error}"
    assert [timetable.summary, timetable.description, invalid] == WORDS[expression]


@pytest.mark.parametrize(
    ("schedule", "summary", "description"),
    [
        (None, "None", "Never, external triggers only"),
        ("@once", "@once", "Once, as soon as possible"),
        ("@continuous", "@continuous", "As frequently as possible, but only one run at a time."),
        (timedelta(hours=3), "3:00:00", ""),
        (timedelta(days=1), "1 day, 0:00:00", ""),
        (relativedelta(months=1), "relativedelta(months=+1)", ""),
        ([Dataset("s3://a/b")], "Dataset", "Triggered by datasets"),
        (Dataset("a") | Dataset("b"), "Dataset", "Triggered by datasets"),
        (DatasetAlias("x"), "Unresolved DatasetAlias", "Triggered by datasets"),
        (
            DatasetOrTimeSchedule(timetable=CronTriggerTimetable("@daily", timezone="UTC"), datasets=[Dataset("a")]),
            "Dataset or 0 0 * * *",
            "Triggered by datasets or At 00:00",
        ),
        (EventsTimetable([]), "0 events", "No events"),
        (EventsTimetable([], description="Matches"), "Matches", "Matches"),
    ],
)
def test_each_kind_of_schedule_in_words(schedule, summary, description):
    timetable = create_timetable(schedule, UTC)
    assert (timetable.summary, timetable.description) == (summary, description)


def test_a_description_may_be_given_to_a_cron_timetable():
    timetable = CronDataIntervalTimetable("@daily", "UTC")
    timetable.description = "Nightly"
    assert timetable.description == "Nightly"
