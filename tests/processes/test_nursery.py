"""Programs without Django: forked by a nursery or started afresh, they are the same, and none outlives its parents."""

import json
import subprocess
import sys
from typing import Any

import pytest

from orchestration.execution import ties
from orchestration.processes.programs import ROOT

pytestmark = pytest.mark.processes


def scenario(name: str) -> Any:
    """What comes of it; see ``scenarios``."""
    command = [sys.executable, "-m", "tests.processes.scenarios", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_program_cannot_tell_a_nursery_from_a_fresh_interpreter():
    forked, fresh = scenario("same")
    assert forked == fresh
    program, status, again = forked
    assert status == again == 0
    assert program["number"] == 7
    assert program["environment"] == {"MARK": "after", "OWN": "value", "TZ": "Asia/Tokyo", "ODD": "\udcff=\n"}
    assert program["zone"] == "JST"
    assert program["leads_a_session"]
    assert program["descriptors"], "it has its own descriptor and no other"
    assert program["input"] == "/dev/null"
    assert program["root_in_path"] == [False, True]
    assert not program["django"]


def test_the_end_of_a_program_is_told_and_a_lost_nursery_is_replaced_by_fresh_interpreters():
    alive, by_itself, timed_out, killed, orphaned, is_gone, kind, status = scenario("ends")
    assert alive is None
    assert by_itself == 3
    assert timed_out == "still running"
    assert killed == -9
    assert orphaned == -9
    assert is_gone
    assert kind == "Popen"
    assert status == 3


def test_what_a_program_leaves_behind_is_ended_and_a_nursery_without_a_door_ends():
    assert scenario("remains") == [True, 0]


def test_a_program_ends_with_the_process_that_started_it():
    assert scenario("deaf") is True


def test_a_zygote_tells_its_supervisor_whoever_its_parent_is():
    assert ties.supervisor_of(ties.zygote_title(17).encode() + b"\0") == 17
    assert ties.supervisor_of(ties.SUPERVISOR_TITLE.encode()) is None
    assert ties.supervisor_of(b"airflowsite zygote of nobody") is None
