"""Which file is parsed next."""

import pytest

from orchestration.dagfiles.discover import DagFile
from orchestration.dagfiles.queue import FileQueue, Urgency


def files(*names):
    return [DagFile(name, "/dags") for name in names]


@pytest.fixture
def queue():
    queue = FileQueue(interval=30)
    queue.update(files("a", "b", "c"), now=0)
    return queue


def drain(queue, now):
    taken = []
    while (file := queue.next(now)) is not None:
        taken.append(file.path)
    return taken


def finish(queue, path, now, outcome="same", **more):
    queue.finished(path, now, outcome=outcome, **more)


def test_new_files_are_parsed_at_once_each_by_one_parser(queue):
    assert drain(queue, 0) == ["a", "b", "c"]
    assert drain(queue, 1000) == []


def test_listings_tell_what_is_new_and_what_is_gone(queue):
    assert queue.update(files("b", "c", "d"), now=5) == (["d"], ["a"])
    assert set(queue.files) == {"b", "c", "d"}


def test_a_parsed_file_waits_the_interval(queue):
    drain(queue, 0)
    finish(queue, "a", 10)
    assert drain(queue, 39) == []
    assert queue.seconds_until_due(39) == 1
    assert drain(queue, 40) == ["a"]


@pytest.mark.parametrize(
    ("outcomes", "waits"),
    [
        (["x"], 30),
        (["x", "x"], 60),
        (["x", "x", "x"], 120),
        (["x"] * 9, 300),
        (["x", "x", "y"], 30),
        (["x", "x", "y", "y"], 60),
    ],
)
def test_the_interval_grows_while_nothing_changes(queue, outcomes, waits):
    queue.update(files("a"), now=0)
    for outcome in outcomes:
        queue.files["a"].due_at = 0
        assert queue.next(0) is not None
        finish(queue, "a", 100, outcome)
    assert queue.seconds_until_due(100) == waits


def test_files_that_depend_on_more_than_files_keep_the_short_interval(queue):
    queue.update(files("a"), now=0)
    for _ in range(5):
        queue.files["a"].due_at = 0
        queue.next(0)
        finish(queue, "a", 100, is_volatile=True)
    assert queue.seconds_until_due(100) == 30


def test_asked_for_comes_before_changed_before_due(queue):
    drain(queue, 0)
    for name in "abc":
        finish(queue, name, 0)
    queue.mark("c", Urgency.CHANGED, 1)
    queue.mark("b", Urgency.REQUESTED, 1)
    assert drain(queue, 1) == ["b", "c"]
    assert drain(queue, 30) == ["a"]


def test_marking_a_file_that_is_not_listed_says_so(queue):
    assert not queue.mark("z", Urgency.REQUESTED, 0)


def test_a_change_during_a_parse_makes_another_parse(queue):
    drain(queue, 0)
    queue.mark("a", Urgency.CHANGED, 1)
    assert drain(queue, 1) == []
    finish(queue, "a", 2)
    assert drain(queue, 2) == ["a"]


def test_a_changed_module_makes_the_files_that_import_it_due(queue):
    drain(queue, 0)
    finish(queue, "a", 0, modules=["/dags/common.py"])
    finish(queue, "b", 0, modules=["/dags/other.py"])
    finish(queue, "c", 0)
    queue.changed(["/dags/common.py"], 1)
    assert drain(queue, 1) == ["a"]


def test_a_change_of_something_unknown_brings_all_files_back_to_the_short_interval(queue):
    queue.update(files("a"), now=0)
    for _ in range(6):
        queue.files["a"].due_at = 0
        queue.next(0)
        finish(queue, "a", 100)
    assert queue.seconds_until_due(100) == 300
    queue.changed(["/dags/settings.yaml"], 110)
    assert queue.seconds_until_due(110) == 30


def test_files_whose_dags_were_deleted_are_parsed_again(queue):
    drain(queue, 0)
    finish(queue, "a", 0, dags=2)
    finish(queue, "b", 0, dags=1)
    finish(queue, "c", 0)
    queue.mark_missing({"a": 2}, 1)
    assert drain(queue, 1) == ["b"]


def test_a_job_given_back_is_done_again(queue):
    drain(queue, 0)
    queue.given_back("a", 1)
    assert drain(queue, 1) == ["a"]


def test_what_ends_after_its_file_vanished_is_forgotten(queue):
    drain(queue, 0)
    queue.update(files("b"), now=1)
    finish(queue, "a", 2)
    queue.given_back("a", 2)
    assert set(queue.files) == {"b"}


def test_nothing_is_due_in_an_empty_folder():
    assert FileQueue(30).seconds_until_due(0) is None
    assert FileQueue(30).next(0) is None
