"""States: families that do not contradict each other, and moves that reach every state."""

from __future__ import annotations

import pytest

from orchestration import states
from orchestration.states import REACHED_FROM, RUN_REACHED_FROM, DagRunState, TaskInstanceState


def test_every_state_is_a_key_of_the_moves():
    assert set(REACHED_FROM) == set(TaskInstanceState)
    assert set(RUN_REACHED_FROM) == set(DagRunState)


def test_finished_and_unfinished_split_the_states():
    assert set(TaskInstanceState) == states.FINISHED | states.UNFINISHED
    assert not states.FINISHED & states.UNFINISHED
    assert set(DagRunState) == states.RUN_FINISHED | states.RUN_UNFINISHED


@pytest.mark.parametrize("to", TaskInstanceState)
def test_the_system_never_moves_a_finished_task(to):
    assert not REACHED_FROM[to] & states.FINISHED


@pytest.mark.parametrize("to", DagRunState)
def test_the_system_never_moves_a_finished_run(to):
    assert not RUN_REACHED_FROM[to] & states.RUN_FINISHED


def test_a_task_starts_only_from_the_queue():
    assert REACHED_FROM[TaskInstanceState.RUNNING] == {TaskInstanceState.QUEUED}


def test_every_state_can_be_reached_from_no_state():
    reached, more = {TaskInstanceState.NONE}, True
    while more:
        step = {to for to, sources in REACHED_FROM.items() if sources & reached}
        more = not step <= reached
        reached |= step
    assert reached == set(TaskInstanceState)
