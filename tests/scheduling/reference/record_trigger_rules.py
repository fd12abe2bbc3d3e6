"""Record what Airflow 2.10.5 decides for every trigger rule over every mixture of upstream states.

    python record_trigger_rules.py > trigger_rules.json     (an interpreter with apache-airflow 2.10.5)

An upstream task is a letter: s(uccess), k (skipped), f(ailed), u(pstream_failed), r(emoved), p(ending); in upper case
it is a setup. For each rule and map index the file holds one verdict letter per mixture, in the order of ``mixtures``:
R(un), W(ait), K (skip), U(pstream failed), X (removed).
"""

from __future__ import annotations

import itertools
import json
import sys
from datetime import UTC, datetime

LETTERS = "skfurpSKFURP"
MOST_UPSTREAMS = 3
MAP_INDEXES = (-1, 0, 1, 2)


def mixtures():
    """Every multiset of one to three upstream tasks."""
    for size in range(1, MOST_UPSTREAMS + 1):
        for chosen in itertools.combinations_with_replacement(LETTERS, size):
            yield "".join(chosen)


def main():
    from airflow import DAG
    from airflow.models.taskinstance import TaskInstance
    from airflow.operators.empty import EmptyOperator
    from airflow.ti_deps.dep_context import DepContext
    from airflow.ti_deps.deps.trigger_rule_dep import TriggerRuleDep
    from airflow.utils.state import TaskInstanceState as S
    from airflow.utils.trigger_rule import TriggerRule

    states = {"s": S.SUCCESS, "k": S.SKIPPED, "f": S.FAILED, "u": S.UPSTREAM_FAILED, "r": S.REMOVED, "p": None}
    letters = {S.SKIPPED: "K", S.UPSTREAM_FAILED: "U", S.REMOVED: "X"}

    class Recorded(TaskInstance):  # type: ignore[misc] # the reference's, untyped here
        def set_state(self, state, session=None):
            self.state = state
            return True

        def get_dagrun(self, session=None):
            return None

    def decide(rule, mixture, map_index):
        with DAG("d", start_date=datetime(2024, 1, 1, tzinfo=UTC), schedule=None):
            down = EmptyOperator(task_id="down", trigger_rule=rule)
            ups = []
            for number, letter in enumerate(mixture):
                task = EmptyOperator(task_id=f"up{number}")
                if letter.isupper():
                    task.is_setup = True
                task >> down
                ups.append(task)
        finished = []
        for task, letter in zip(ups, mixture):
            state = states[letter.lower()]
            if state is not None:
                ti = Recorded(task, run_id="r", map_index=-1)
                ti.task, ti.state = task, state
                finished.append(ti)
        ti = Recorded(down, run_id="r", map_index=map_index)
        ti.task = down
        context = DepContext(flag_upstream_failed=True, finished_tis=finished)
        statuses = list(TriggerRuleDep()._get_dep_statuses(ti, None, context))
        if ti.state is not None:
            return letters[ti.state]
        return "R" if all(status.passed for status in statuses) else "W"

    every = list(mixtures())
    rules = sorted(rule.value for rule in TriggerRule if rule.value not in ("dummy", "none_failed_or_skipped"))
    json.dump(
        {
            "mixtures": " ".join(every),
            "verdicts": {
                rule: {str(index): "".join(decide(rule, mixture, index) for mixture in every) for index in MAP_INDEXES}
                for rule in rules
            },
        },
        sys.stdout,
        indent=0,
    )


if __name__ == "__main__":
    main()
