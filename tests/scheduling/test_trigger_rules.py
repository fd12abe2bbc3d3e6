"""Every trigger rule over all upstream mixtures, against what Airflow 2.10.5 decided (``reference/``)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from orchestration.scheduling.trigger_rules import RULES, Upstream, Verdict, evaluate

RECORDED = json.loads((Path(__file__).parent / "reference" / "trigger_rules.json").read_text())
MIXTURES = RECORDED["mixtures"].split()
LETTERS = {
    Verdict.RUN: "R",
    Verdict.WAIT: "W",
    Verdict.SKIP: "K",
    Verdict.UPSTREAM_FAILED: "U",
    Verdict.REMOVE: "X",
}


def upstream(mixture: str, map_index: int = -1) -> Upstream:
    states = Counter(mixture.lower())
    setups = Counter(letter for letter in mixture if letter.isupper())
    return Upstream(
        total=len(mixture),
        success=states["s"],
        skipped=states["k"],
        failed=states["f"],
        upstream_failed=states["u"],
        removed=states["r"],
        setups=setups.total(),
        setups_success=setups["S"],
        setups_skipped=setups["K"],
        map_index=map_index,
    )


@pytest.mark.parametrize("map_index", ["-1", "0", "1", "2"])
@pytest.mark.parametrize("rule", sorted(RECORDED["verdicts"]))
def test_each_rule_decides_every_mixture_as_the_reference_does(rule, map_index):
    expected = RECORDED["verdicts"][rule][map_index]
    decided = [LETTERS[evaluate(rule, upstream(mixture, int(map_index)))] for mixture in MIXTURES]
    differing = {
        mixture: (ours, theirs)
        for mixture, ours, theirs in zip(MIXTURES, decided, expected, strict=True)
        if ours != theirs
    }
    assert differing == {}


def test_the_record_covers_every_rule():
    assert set(RECORDED["verdicts"]) | {"none_failed_or_skipped", "dummy"} == set(RULES)


@pytest.mark.parametrize(
    ("setups", "direct", "expected"),
    [
        ("p", "s", Verdict.WAIT),
        ("s", "s", Verdict.RUN),
        ("sp", "s", Verdict.WAIT),
        ("f", "s", Verdict.UPSTREAM_FAILED),
        ("fp", "p", Verdict.UPSTREAM_FAILED),
        ("k", "s", Verdict.SKIP),
        ("p", "f", Verdict.UPSTREAM_FAILED),  # the rule settles it whatever the setup does
        ("s", "p", Verdict.WAIT),
    ],
)
def test_setups_further_up_must_succeed_beside_the_rule(setups, direct, expected):
    assert evaluate("all_success", upstream(direct), upstream(setups)) is expected


def test_setups_further_up_do_not_hold_back_a_task_that_always_runs():
    assert evaluate("always", upstream("p"), upstream("p")) is Verdict.RUN
