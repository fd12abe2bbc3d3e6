"""Whole runs of random DAGs, decided step by step as Airflow 2.10.5 decided them (``reference/record_runs.py``)."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestration.scheduling.decisions import Facts, Instance, decide
from orchestration.scheduling.graph import Graph
from orchestration.serialization.mapping import literal_count
from orchestration.serialization.values import (
    Expansion,
    LiteralLength,
    SerializedDag,
    SerializedGroup,
    XComLength,
)
from tests.factories import serialized

CASES = json.loads((Path(__file__).parent / "reference" / "runs.json").read_text())
NOW = datetime(2024, 6, 1, tzinfo=UTC)
NAME = re.compile(r"(.*)\[(-?\d+)\]")


def expansion(facts: dict | None) -> Expansion | None:
    if facts is None:
        return None
    length = LiteralLength(facts["literal"]) if "literal" in facts else XComLength(facts["xcom"], "return_value")
    return Expansion("product", {"x": length})


def graph_of(recorded: dict) -> Graph:
    tasks = recorded["tasks"]
    down: dict[str, set[str]] = {task_id: set() for task_id in tasks}
    for task_id, facts in tasks.items():
        for above in facts["up"]:
            down[above].add(task_id)
    dag: SerializedDag = serialized(
        ", ".join(tasks),
        tasks={
            task_id: {
                "upstream_task_ids": frozenset(facts["up"]),
                "downstream_task_ids": frozenset(down[task_id]),
                "trigger_rule": facts["rule"],
                "group_id": facts.get("group"),
                "expansion": expansion(facts.get("expand")),
                "is_mapped": "expand" in facts,
                "is_empty": facts.get("empty", False),
                "is_setup": facts.get("is_setup", False),
                "is_teardown": facts.get("is_teardown", False),
                "on_failure_fail_dagrun": facts.get("on_failure_fail_dagrun", False),
            }
            for task_id, facts in tasks.items()
        },
        groups=[
            SerializedGroup(group_id=name, expansion=expansion(facts)) for name, facts in recorded["groups"].items()
        ],
    )
    return Graph(dag)


class Run:
    """The instances of one run in memory, moved on by decisions."""

    def __init__(self, graph: Graph, lengths: dict[str, int]) -> None:
        self.graph = graph
        self.lengths = lengths
        self.pushed: dict[tuple[str, str], int] = {}
        self.state = "running"
        self.rows: dict[str, Instance] = {}

    def add(self, name: str) -> None:
        found = NAME.fullmatch(name)
        assert found is not None
        self.rows[name] = Instance(len(self.rows) + 1, found[1], int(found[2]), "")

    def decide(self) -> None:
        while True:
            # A decision moves the instances it is given, those it makes included.
            read = [Instance(each.pk, each.task_id, each.map_index, each.state) for each in self.rows.values()]
            decision = decide(self.graph, read, Facts(lengths=self.pushed), now=NOW)
            dropped = set(decision.drop)
            made = [each for each in (*read, *decision.create) if each.pk not in dropped or each.pk is None]
            self.rows = {f"{each.task_id}[{each.map_index}]": each for each in made}
            for number, each in enumerate(self.rows.values()):
                each.pk = number
            if decision.outcome is not None:
                self.state = str(decision.outcome.state)
            if decision.outcome is not None or not decision.has_changes:
                return

    def end(self, ended: dict[str, str]) -> None:
        for name, state in ended.items():
            row = self.rows[name]
            row.state = state
            if state == "success" and row.task_id in self.lengths and row.map_index < 0:
                self.pushed[row.task_id, "return_value"] = self.lengths[row.task_id]

    def states(self) -> dict[str, str]:
        return {name: str(each.state) for name, each in self.rows.items()}


def first_rows(case: dict) -> list[str]:
    """The instances a run begins with: one for each literal index, else a placeholder."""
    graph = graph_of(case["dag"])
    names = []
    for task_id in graph.plans:
        count = literal_count(graph.dag, task_id)
        names += [f"{task_id}[{index}]" for index in (range(count) if count else [-1])]
    return names


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["case"]))
def test_a_run_moves_on_as_in_the_reference(case):
    run = Run(graph_of(case["dag"]), case["dag"]["lengths"])
    for name in first_rows(case):
        run.add(name)
    expected: dict[str, str] = {}
    for number, recorded in enumerate(case["rounds"]):
        run.end(recorded["ended"])
        run.decide()
        expected |= recorded["changed"]
        for name in recorded["gone"]:
            del expected[name]
        assert (number, run.states(), run.state) == (number, expected, recorded["run"])
