"""Due runs: conditions on datasets, intervals of events, limits of runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestration.authoring.timetables.base import DataInterval
from orchestration.scheduling import due
from orchestration.scheduling.due import SourceSpan
from tests.factories import START, serialized

A, B, C = ({"uri": f"s3://bucket/{name}", "extra": None} for name in "abc")
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("condition", "with_events", "expected"),
    [
        (None, ["s3://bucket/a"], False),
        (A, ["s3://bucket/a"], True),
        (A, ["s3://bucket/b"], False),
        ({"all": [A, B]}, ["s3://bucket/a"], False),
        ({"all": [A, B]}, ["s3://bucket/a", "s3://bucket/b"], True),
        ({"any": [A, B]}, ["s3://bucket/b"], True),
        ({"any": [A, {"all": [B, C]}]}, ["s3://bucket/b"], False),
        ({"any": [A, {"all": [B, C]}]}, ["s3://bucket/b", "s3://bucket/c"], True),
        ({"alias": "known"}, ["s3://bucket/a"], True),
        ({"alias": "known"}, ["s3://bucket/b"], False),
        ({"alias": "unknown"}, ["s3://bucket/a"], False),
        ({"all": [B, {"alias": "known"}]}, ["s3://bucket/a", "s3://bucket/b"], True),
        ({"all": [B, {"alias": "unknown"}]}, ["s3://bucket/b"], False),
    ],
)
def test_a_condition_on_datasets_holds_by_the_events_that_came(condition, with_events, expected):
    aliases = {"known": ["s3://bucket/a"]}
    assert due.is_met(condition, with_events, lambda name: aliases.get(name, ())) is expected


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], (START, START)),
        ([(START - DAY, START)], (START - DAY, START)),
        ([(START - DAY, START), (START - 2 * DAY, START - DAY)], (START - 2 * DAY, START)),
    ],
)
def test_the_interval_of_a_run_by_events_spans_their_sources(spans, expected):
    assert due.interval_of_events(START, [SourceSpan(*span) for span in spans]) == DataInterval(*expected)


def test_a_moment_that_is_taken_is_passed_by():
    microsecond = timedelta(microseconds=1)
    assert due.free_moment(START, []) == START
    assert due.free_moment(START, [START, START + microsecond]) == START + 2 * microsecond


@pytest.mark.parametrize(
    ("queued", "running", "limits", "in_backfills", "backfills", "expected"),
    [
        ([(1, "a", None), (2, "a", None)], {}, {"a": 1}, {}, {}, [1]),
        ([(1, "a", None), (2, "b", None)], {"a": 1}, {"a": 1, "b": 1}, {}, {}, [2]),
        ([(1, "a", None), (2, "a", None)], {}, {"a": None}, {}, {}, [1, 2]),
        ([(1, "a", None)], {"a": 99}, {"a": 0}, {}, {}, [1]),
        ([(1, "a", 7), (2, "a", 7), (3, "a", 7)], {"a": 9}, {"a": 1}, {}, {7: 2}, [1, 2]),
        ([(1, "a", 7)], {}, {"a": 1}, {7: 2}, {7: 2}, []),
        ([(1, "a", 7), (2, "a", None)], {}, {"a": 1}, {}, {7: 1}, [1, 2]),
    ],
)
def test_queued_runs_start_within_the_limits_of_their_dag_or_backfill(
    queued, running, limits, in_backfills, backfills, expected
):
    assert due.startable(queued, running, limits, in_backfills, backfills) == expected


CRON = {"type": "cron_data_interval", "expression": "0 0 * * *", "timezone": "UTC"}


def graph(**fields):
    return serialized("a", **{"timetable": CRON, "start_date": START, **fields})


@pytest.mark.parametrize(
    ("fields", "last", "expected"),
    [
        ({}, None, START),
        ({}, DataInterval(START, START + DAY), START + DAY),
        ({"end_date": START}, DataInterval(START, START + DAY), None),
        ({"is_subdag": True}, None, None),
        ({"timetable": {"type": "null"}}, None, None),
        ({"timetable": {"type": "once"}}, None, START),
        ({"timetable": {"type": "once"}}, DataInterval(START, START), None),
    ],
)
def test_the_next_run_follows_the_last_one(fields, last, expected):
    dag = graph(**fields)
    assert due.next_run(dag, due.timetable_of(dag), last).logical_date == expected


def test_without_catchup_only_the_latest_missed_run_is_next():
    dag = graph(catchup=False)
    found = due.next_run(dag, due.timetable_of(dag), DataInterval(START, START + DAY))
    assert found.create_after is not None
    assert timedelta(0) <= datetime.now(UTC) - found.create_after < DAY


def test_a_document_of_an_unknown_timetable_is_refused():
    with pytest.raises(ValueError, match="no timetable of type"):
        due.timetable_of(graph(timetable={"type": "of another release"}))
