"""Record how Airflow 2.10.5 moves runs of random DAGs on, step by step.

    python record_runs.py 300 runs.json     (an interpreter with apache-airflow 2.10.5 and an empty, migrated database)

Each case is a DAG of a few tasks (trigger rules, setups and teardowns, empty tasks, mapped tasks and groups over
literals and XComs) with how each instance ends. The scheduler's decisions are asked for until nothing changes, then
some of the scheduled instances end, and so on. A case holds the DAG, the ends, and what states changed in each round.
"""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RULES = [
    "all_success", "all_success", "all_success", "all_failed", "all_done", "all_done_setup_success", "all_skipped",
    "one_success", "one_failed", "one_done", "none_failed", "none_failed_min_one_success", "none_skipped", "always",
]  # fmt: skip
START = datetime(2024, 1, 1, tzinfo=UTC)


def build(number, rng):
    """A DAG of the reference and, by task, the number its XCom's length has."""
    from airflow import DAG
    from airflow.decorators import task_group
    from airflow.models.xcom_arg import XComArg
    from airflow.operators.empty import EmptyOperator
    from airflow.operators.python import PythonOperator
    from airflow.utils.trigger_rule import TriggerRule

    lengths: dict[str, int] = {}
    with DAG(f"case_{number}", start_date=START, schedule=None, default_args={"retries": 0}) as dag:
        tasks: list[Any] = []

        def make(name, sources, *, in_group=False):
            rule = rng.choice(RULES)
            if in_group and rule == "none_failed_min_one_success":
                rule = "none_failed"  # the reference skips these in a group mapped over an XCom before they could run
            kind = rng.random()
            if kind < 0.15:
                return EmptyOperator(task_id=name, trigger_rule=rule)
            if kind < 0.35 and not in_group:
                if sources and rng.random() < 0.5:
                    source = rng.choice(sources)
                    lengths.setdefault(source.task_id, rng.choice([0, 1, 2, 3]))
                    values = XComArg(source)
                else:
                    values = [[n] for n in range(rng.choice([1, 2, 3]))]
                return PythonOperator.partial(task_id=name, trigger_rule=rule, python_callable=print).expand(
                    op_args=values
                )
            return PythonOperator(task_id=name, trigger_rule=rule, python_callable=print)

        def plain():
            # An instance within a mapped group pushes no length that the reference would count.
            return [each for each in tasks if type(each).__name__ == "PythonOperator" and each.task_group.is_root]

        for position in range(rng.randint(3, 7)):
            if rng.random() < 0.2:
                # A mapped group of two or three tasks in a row.
                sources = plain()
                if sources and rng.random() < 0.6:
                    source = rng.choice(sources)
                    lengths.setdefault(source.task_id, rng.choice([0, 1, 2, 3]))
                    values = XComArg(source)
                else:
                    values = list(range(rng.choice([1, 2, 3])))
                inner: list[Any] = []

                @task_group(group_id=f"g{position}")
                def group(x):
                    for step in range(rng.randint(2, 3)):
                        each = make(f"i{step}", [], in_group=True)
                        if inner:
                            inner[-1] >> each
                        inner.append(each)

                made = group.expand(x=values)
                for above in rng.sample(tasks, min(len(tasks), rng.randint(0, 2))):
                    if above is not inner[0]:
                        above >> made
                tasks += inner
                continue
            each = make(f"t{position}", plain())
            for above in rng.sample(tasks, min(len(tasks), rng.randint(0, 3))):
                above >> each
            tasks.append(each)
        if rng.random() < 0.4:
            free = [each for each in tasks if each.task_group.is_root]
            if len(free) >= 3:
                first, *between, last = free
                try:
                    last.as_teardown(setups=first, on_failure_fail_dagrun=rng.random() < 0.3)
                    for each in between:
                        if rng.random() < 0.5 and first.task_id not in each.upstream_task_ids:
                            first >> each
                    for each in first.downstream_list:
                        if not each.is_teardown:
                            each.trigger_rule = TriggerRule.ALL_SUCCESS  # the only rule allowed after a setup
                except Exception:
                    pass
    return dag, lengths


def describe(dag, lengths):
    """The DAG as the tests build it: facts of the tasks, expansions of tasks and groups."""
    from airflow.models.expandinput import DictOfListsExpandInput
    from airflow.models.mappedoperator import MappedOperator
    from airflow.models.xcom_arg import XComArg
    from airflow.utils.task_group import MappedTaskGroup

    def expansion(expand_input):
        assert isinstance(expand_input, DictOfListsExpandInput)
        (value,) = expand_input.value.values()
        return {"xcom": value.operator.task_id} if isinstance(value, XComArg) else {"literal": len(value)}

    tasks = {}
    for each in dag.topological_sort():
        facts: dict[str, Any] = {"up": sorted(each.upstream_task_ids), "rule": str(each.trigger_rule)}
        if each.task_group and not each.task_group.is_root:
            facts["group"] = each.task_group.group_id
        if isinstance(each, MappedOperator):
            facts["expand"] = expansion(
                each.expand_input if hasattr(each, "expand_input") else each.op_kwargs_expand_input
            )
        if each.inherits_from_empty_operator:
            facts["empty"] = True
        for name in ("is_setup", "is_teardown", "on_failure_fail_dagrun"):
            if getattr(each, name):
                facts[name] = True
        tasks[each.task_id] = facts
    groups = {
        group.group_id: expansion(group._expand_input)
        for group in dag.task_group_dict.values()
        if isinstance(group, MappedTaskGroup)
    }
    return {"tasks": tasks, "groups": groups, "lengths": lengths}


def text(state):
    """A state as its stored text; empty for none."""
    return str(getattr(state, "value", state) or "")


def play(dag, lengths, rng, session):
    """The rounds: what ended, and the states after the decisions."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.taskmap import TaskMap
    from airflow.utils.state import DagRunState, TaskInstanceState
    from airflow.utils.types import DagRunType

    run = dag.create_dagrun(
        state=DagRunState.RUNNING, run_id="run", run_type=DagRunType.MANUAL, execution_date=START,
        data_interval=(START, START), session=session,
    )  # fmt: skip
    run.dag = dag

    def states():
        session.expire_all()
        rows = session.query(TaskInstance).filter_by(dag_id=dag.dag_id).all()
        return {f"{ti.task_id}[{ti.map_index}]": text(ti.state) for ti in rows}

    rounds = []
    ended: dict[str, str] = {}
    last: dict[str, str] = {}
    while True:
        before = None
        now = states()
        while now != before and run.state == DagRunState.RUNNING:
            before = now
            run = session.query(DagRun).filter_by(dag_id=dag.dag_id).one()
            run.dag = dag
            schedulable, _ = run.update_state(session=session, execute_callbacks=False)
            run.schedule_tis(schedulable, session=session)
            session.flush()
            now = {**states(), "run": str(run.state)}
        now.pop("run", None)
        changed = {name: state for name, state in sorted(now.items()) if last.get(name) != state}
        rounds.append(
            {"ended": ended, "changed": changed, "gone": sorted(last.keys() - now.keys()), "run": text(run.state)}
        )
        last = now
        waiting = session.query(TaskInstance).filter_by(dag_id=dag.dag_id, state=TaskInstanceState.SCHEDULED).all()
        if run.state != DagRunState.RUNNING or not waiting:
            return rounds
        waiting.sort(key=lambda ti: (ti.task_id, ti.map_index))
        ended = {}
        for ti in rng.sample(waiting, rng.randint(1, len(waiting))):
            is_source = ti.task_id in lengths
            end = rng.choices(["success", "failed", "skipped"], [0.9, 0.05, 0.05] if is_source else [0.7, 0.15, 0.15])[
                0
            ]
            ti.state = end
            ended[f"{ti.task_id}[{ti.map_index}]"] = end
            if is_source and end == "success" and ti.map_index < 0:
                session.add(TaskMap(ti.dag_id, ti.task_id, ti.run_id, -1, lengths[ti.task_id], None))
        session.flush()


def main():
    from airflow.models.dag import DagContext
    from airflow.utils.session import create_session
    from airflow.utils.task_group import TaskGroupContext

    wanted = int(sys.argv[1])
    cases: list[Any] = []
    number = int(sys.argv[3]) if len(sys.argv) > 3 else 0  # the seed of the first case
    while len(cases) < wanted:
        number += 1
        rng = random.Random(number)
        try:
            dag, lengths = build(number, rng)
            dag.validate_setup_teardown()
        except Exception as error:
            # A DAG that the reference refuses leaves its contexts open.
            print(number, repr(error), file=sys.stderr)
            DagContext._context_managed_dags.clear()
            TaskGroupContext._context_managed_task_group = None
            TaskGroupContext._previous_context_managed_task_groups.clear()
            continue
        with create_session() as session:
            rounds = play(dag, lengths, rng, session)
            session.rollback()
        cases.append({"case": number, "dag": describe(dag, lengths), "rounds": rounds})
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    Path(sys.argv[2]).write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
