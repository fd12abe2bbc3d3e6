"""The invariants I01 to I17: what holds of a system at rest, whatever was done to it.

Each check reads the evidence and gives a sentence for each violation. ``violations`` is the list of all of them, to be
compared with an empty one; asked twice it gives the same.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from orchestration.states import FINISHED, RUN_FINISHED, RUN_UNFINISHED, TaskInstanceState
from tests.faults.evidence import Evidence, Mark, Row, document

#: States in which a task instance may stand in a run that is over: it was never begun, or is over.
_AT_REST = frozenset(FINISHED)
#: Reasons that say a try was ended by a fault although its task may have come to its end.
_AFTER_ITS_END = ("killed", "died", "no sign of life", "stopped", "SIGTERM", "ended before", "was cleared")
#: How much clocks of one machine's processes may differ.
_SLACK = timedelta(seconds=0.5)

Check = Callable[[Evidence], Iterable[str]]


def violations(evidence: Evidence, *, only: Iterable[str] | None = None) -> list[str]:
    """One sentence for each violation, beginning with the invariant's number; ``only`` names those to check."""
    wanted = set(CHECKS if only is None else only)
    return [f"{name} {told}" for name, check in CHECKS.items() if name in wanted for told in check(evidence)]


def starts_once(evidence: Evidence) -> Iterator[str]:
    """I01: a try starts at most once, and two tries of an instance never overlap."""
    for attempt, count in Counter(mark.attempt for mark in evidence.marks if mark.word == "start").items():
        if count > 1:
            yield f"{attempt} started {count} times"
    for instance, marks in _by_instance(evidence.marks).items():
        for before, after in itertools.pairwise(marks):
            if before.at > after.at:
                yield f"{instance}: marks out of order"
            if before.try_number > after.try_number:
                yield f"{instance}: try {before.try_number} went on after try {after.try_number} had started"


def tries_are_counted(evidence: Evidence) -> Iterator[str]:
    """I02: the last try that started is the instance's, and no more were made than retries and repairs allow."""
    starts = {mark.instance: mark.try_number for mark in evidence.marks if mark.word == "start"}
    for instance, ti in _instances(evidence).items():
        if instance in starts and ti["state"] in _AT_REST and starts[instance] > ti["try_number"]:
            yield f"{instance}: try {starts[instance]} started, the table says {ti['try_number']}"
        if ti["state"] == "success" and instance in starts and starts[instance] != ti["try_number"]:
            yield f"{instance}: succeeded as try {ti['try_number']}, the last that started is {starts[instance]}"
        if ti["try_number"] > ti["max_tries"] + 1:
            yield f"{instance}: {ti['try_number']} tries of at most {ti['max_tries'] + 1}"


def success_is_an_end(evidence: Evidence) -> Iterator[str]:
    """I03: a try succeeded if and only if its task came to its end, but for a fault between that and the commit."""
    ends = Counter(mark.attempt for mark in evidence.marks if mark.word == "end")
    marking = {mark.instance for mark in evidence.marks}
    for attempt, row in _tries(evidence):
        if attempt[:4] not in marking:
            continue
        if row["state"] == "success" and ends[attempt] != 1:
            yield f"{attempt} is a success with {ends[attempt]} ends"
        elif row["state"] in {"failed", "up_for_retry"} and ends[attempt] and not _is_fault(row["reason"]):
            yield f"{attempt} is {row['state']} ({row['reason']!r}) although it came to its end"


def runs_and_instances_agree(evidence: Evidence) -> Iterator[str]:
    """I04: no run runs whose instances are over, no instance works in a run that is over or gone."""
    by_run = defaultdict(list)
    runs = {run["id"]: run for run in evidence.rows["dagrun"]}
    for ti in evidence.rows["taskinstance"]:
        by_run[ti["run_id"]].append(ti)
        if ti["run_id"] not in runs:
            yield f"instance {ti['id']} is of no run"
    for pk, run in runs.items():
        states = {ti["state"] for ti in by_run[pk]}
        if run["state"] in RUN_FINISHED and states - _AT_REST:
            yield f"run {run['run_id']} of {run['dag_id']} is {run['state']} with {sorted(states - _AT_REST)}"
        if run["state"] == "running" and states and states <= _AT_REST:
            yield f"run {run['run_id']} of {run['dag_id']} is running, and its instances are over"


def limits_hold(evidence: Evidence) -> Iterator[str]:
    """I05: pools, tasks of a DAG, and runs of a DAG stay within their limits at every moment."""
    instances = _instances(evidence)
    slots = {pool["name"]: pool["slots"] for pool in evidence.rows["pool"]}
    tasks = {dag["dag_id"]: dag["max_active_tasks"] for dag in evidence.rows["dag"]}
    pools: dict[str, list[tuple[float, int]]] = defaultdict(list)
    dags: dict[str, list[tuple[float, int]]] = defaultdict(list)
    for start, end in _intervals(evidence.marks):
        ti = instances.get(start.instance)
        if ti is not None:
            pools[ti["pool"]] += [(start.at, ti["pool_slots"]), (end, -ti["pool_slots"])]
            dags[start.dag_id] += [(start.at, 1), (end, -1)]
    for name, most in ((name, _most(steps)) for name, steps in pools.items()):
        if most > slots.get(name, 0) >= 0:
            yield f"pool {name} has {slots.get(name)} slots, {most} were held at once"
    for dag_id, most in ((dag_id, _most(steps)) for dag_id, steps in dags.items()):
        if tasks.get(dag_id) and most > tasks[dag_id]:
            yield f"DAG {dag_id} may have {tasks[dag_id]} tasks, {most} ran at once"
    held: Counter[str] = Counter()
    for ti in evidence.rows["taskinstance"]:
        if ti["state"] in {"queued", "running", "restarting"}:
            held[ti["pool"]] += ti["pool_slots"]
    for name, count in held.items():
        if count > slots.get(name, 0) >= 0:
            yield f"pool {name} has {slots.get(name)} slots, {count} are held"
    running = Counter(
        run["dag_id"] for run in evidence.rows["dagrun"] if run["state"] == "running" and run["backfill_id"] is None
    )
    for dag in evidence.rows["dag"]:
        if dag["max_active_runs"] and running[dag["dag_id"]] > dag["max_active_runs"]:
            yield f"DAG {dag['dag_id']} may have {dag['max_active_runs']} runs, {running[dag['dag_id']]} run"


def names_are_unique(evidence: Evidence) -> Iterator[str]:
    """I06: a run's id and date are unique in its DAG, an instance's task and index in its run."""
    keys = {
        "dagrun": (("dag_id", "run_id"), ("dag_id", "logical_date")),
        "taskinstance": (("run_id", "task_id", "map_index"),),
        "taskinstancehistory": (("task_instance_id", "try_number"),),
        "xcom": (("task_instance_id", "key"),),
    }
    for table, columns in ((table, each) for table, several in keys.items() for each in several):
        for key, count in Counter(tuple(row[name] for name in columns) for row in evidence.rows[table]).items():
            if count > 1:
                yield f"{count} rows of {table} with {columns} = {key}"


def intervals_join(evidence: Evidence) -> Iterator[str]:
    """I07: the scheduled runs of a DAG that catches up follow one another without gap, and the next one is later."""
    for dag in evidence.rows["dag"]:
        runs = sorted(
            (
                run
                for run in evidence.rows["dagrun"]
                if run["dag_id"] == dag["dag_id"] and run["run_type"] == "scheduled"
            ),
            key=lambda run: run["logical_date"],
        )
        if not runs:
            continue
        has_catchup = document(evidence, runs[-1]).get("catchup")
        for before, after in itertools.pairwise(runs):
            ends, starts = before["data_interval_end"], after["data_interval_start"]
            if ends > starts or (has_catchup and ends != starts):
                yield f"{dag['dag_id']}: {before['run_id']} ends at {ends}, {after['run_id']} starts at {starts}"
        # While a DAG has all the runs it may have, its next run stays the last one that was made.
        following = dag["next_dagrun"]
        if following is not None and dag["next_dagrun_create_after"] and following <= runs[-1]["logical_date"]:
            yield f"{dag['dag_id']}: the next run, {following}, is no later than {runs[-1]['run_id']}"


def history_is_legal(evidence: Evidence) -> Iterator[str]:
    """I08: earlier tries are numbered without gap and are over; what the log tells of a try is told once.

    What was cleared before it ran is kept as try 0.
    """
    history = defaultdict(list)
    for row in evidence.rows["taskinstancehistory"]:
        history[row["task_instance_id"]].append(row)
    for instance, ti in _instances(evidence).items():
        past = sorted(row["try_number"] for row in history[ti["id"]] if 0 < row["try_number"] < ti["try_number"])
        if ti["state"] != "" and past != list(range(1, max(ti["try_number"], 1))):
            yield f"{instance}: before try {ti['try_number']} the history has {past}"
        for row in history[ti["id"]]:
            if row["state"] not in FINISHED:
                yield f"{instance}: try {row['try_number']} is kept as {row['state'] or 'without a state'}"
    told: Counter[tuple[Any, ...]] = Counter()
    for row in evidence.rows["eventlog"]:
        if row["try_number"] is None or row["event"] not in _STATES:
            continue
        key = (row["dag_id"], row["run_id"], row["task_id"], row["map_index"], row["try_number"])
        told[*key, row["event"]] += 1
        if row["when"] is None or not row["owner"]:
            yield f"{key}: {row['event']} without a time or an owner"
    waiting = {(row["dag_id"], row["task_id"]) for row in evidence.rows["taskinstance"] if _may_wait(row)}
    for (*attempt, event), count in told.items():
        if count > 1 and not (event == "running" and (attempt[0], attempt[2]) in waiting):
            yield f"{tuple(attempt)}: {event} is told {count} times"


def order_is_kept(evidence: Evidence) -> Iterator[str]:
    """I09: what waits for the success of all before it starts after their ends, and never without it."""
    by_run: dict[int, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for ti in evidence.rows["taskinstance"]:
        by_run[ti["run_id"]][ti["task_id"]].append(ti)
    for run in evidence.rows["dagrun"]:
        tasks = {task["task_id"]: task for task in document(evidence, run).get("tasks", ())}
        for task_id, task in tasks.items():
            if task.get("trigger_rule", "all_success") != "all_success":
                continue
            for upstream_id in task.get("upstream_task_ids", ()):
                for before, after in itertools.product(by_run[run["id"]][upstream_id], by_run[run["id"]][task_id]):
                    yield from _edge(run, before, after)


def _edge(run: Row, before: Row, after: Row) -> Iterator[str]:
    where = f"{run['dag_id']} {run['run_id']}: {before['task_id']} >> {after['task_id']}"
    if after["state"] in {"success", "failed", "running"} and after["start_date"] is not None:
        if before["state"] != "success":
            yield f"{where}: {after['state']} after {before['state'] or 'no state'}"
        elif before["end_date"] is not None and before["end_date"] > after["start_date"] + _SLACK:
            yield f"{where}: the second began at {after['start_date']}, the first ended at {before['end_date']}"
    if before["state"] in {"failed", "upstream_failed"} and after["state"] in {"success", "skipped"}:
        yield f"{where}: {after['state']} after {before['state']}"


def times_are_ordered(evidence: Evidence) -> Iterator[str]:
    """I10: queued, then started, then ended; an end if and only if the try is over; no negative duration."""
    for attempt, row in _tries(evidence):
        queued, start, end = row["queued_at"], row["start_date"], row["end_date"]
        # What waited and goes on was queued again, within the try that had started before.
        if (_is_before(start, queued) and not _may_wait(row)) or _is_before(end, start):
            yield f"{attempt}: queued at {queued}, started at {start}, ended at {end}"
        has_ended = row["state"] in FINISHED or row["state"] in {"up_for_retry", "up_for_reschedule"}
        if row["state"] == "running" and end is not None and end >= start:
            yield f"{attempt}: it runs and ended at {end}"
        if has_ended and end is None and start is not None:
            yield f"{attempt}: it is {row['state']} and has no end"
        if row["duration"] is not None and row["duration"] < 0:
            yield f"{attempt}: it took {row['duration']} s"
    for run in evidence.rows["dagrun"]:
        if (run["state"] in RUN_FINISHED) != (run["end_date"] is not None):
            yield f"run {run['run_id']} of {run['dag_id']} is {run['state']} and its end is {run['end_date']}"
        if _is_before(run["end_date"], run["start_date"]):
            yield f"run {run['run_id']} of {run['dag_id']} ended before it started"


def no_process_is_left(evidence: Evidence) -> Iterator[str]:
    """I11: each process of a try belongs to one that runs, and none waits to be reaped."""
    held = {
        f"{ti['id']}-{ti['try_number']}-{_plain(ti['claim'])}"
        for ti in evidence.rows["taskinstance"]
        if ti["state"] in {"running", "restarting", "queued"}
    }
    for process in evidence.processes:
        if not process.tag:
            yield f"process {process.pid} ended, and nobody has reaped it"
            continue
        number, attempt, claim = process.tag.split("-", 3)[1:]
        if f"{number}-{attempt}-{_plain(claim)}" not in held:
            yield f"process {process.pid} belongs to no running try: {process.tag}"


def tries_have_logs(evidence: Evidence) -> Iterator[str]:
    """I12: each try that started has a log with its beginning, one that ended by itself also its end; none is mixed."""
    started = {mark.attempt for mark in evidence.marks if mark.word == "start"}
    for attempt, row in _tries(evidence):
        if attempt not in started:
            continue
        text = evidence.logs.get(attempt)
        if text is None:
            yield f"{attempt} has no log"
            continue
        if "::group::Before the task" not in text:
            yield f"{attempt}: its log lacks the beginning"
        if row["state"] == "success" and "Task exited with return code 0" not in text:
            yield f"{attempt}: its log lacks the end"
        if text.count("It runs in process") != 1 + text.count("The try ends as DEFERRED"):
            yield f"{attempt}: its log tells of {text.count('It runs in process')} processes"


def values_are_of_their_tries(evidence: Evidence) -> Iterator[str]:
    """I13: what a marking task returned is there if its last try succeeded, and is that try's."""
    ends = {mark.attempt: mark.pid for mark in evidence.marks if mark.word == "end"}
    marking = {mark.instance for mark in evidence.marks}
    values = {row["task_instance_id"]: row["value"] for row in evidence.rows["xcom"] if row["key"] == "return_value"}
    known = {ti["id"] for ti in evidence.rows["taskinstance"]}
    for row in evidence.rows["xcom"]:
        if row["task_instance_id"] not in known:
            yield f"XCom {row['id']} is of no task instance"
    for instance, ti in _instances(evidence).items():
        if instance not in marking:
            continue
        value = values.get(ti["id"])
        expected = f"[{ti['try_number']}, {ends.get((*instance, ti['try_number']))}]"
        if ti["state"] == "success" and value != expected:
            yield f"{instance}: its value is {value}, try {ti['try_number']} returned {expected}"
        if ti["state"] in {"failed", "skipped", "upstream_failed"} and value is not None:
            yield f"{instance} is {ti['state']} and left {value}"


def answers_are_true(evidence: Evidence) -> Iterator[str]:
    """I14: a trigger that was answered with 200 has its run and one line in the log, one that was refused has none."""
    runs = Counter((run["dag_id"], run["run_id"]) for run in evidence.rows["dagrun"])
    instances = Counter(ti["run_id"] for ti in evidence.rows["taskinstance"])
    pks = {(run["dag_id"], run["run_id"]): run["id"] for run in evidence.rows["dagrun"]}
    by_call: dict[tuple[str, str], list[int | None]] = defaultdict(list)
    for call in evidence.calls:
        by_call[call.dag_id, call.run_id].append(call.status)
    for key, statuses in by_call.items():
        made = runs[key]
        if 200 in statuses and made != 1:
            yield f"{key} was answered with 200, there are {made} runs"
        if statuses.count(200) > 1:
            yield f"{key} was made {statuses.count(200)} times"
        # A 503 whose commit was under way, and an answer that never came, may have happened.
        if made and all(status is not None and 400 <= status < 500 for status in statuses):
            yield f"{key} was refused with {statuses}, and is there"
        if made and not instances[pks[key]]:
            yield f"{key} is there without its instances"


def nothing_waits(evidence: Evidence) -> Iterator[str]:
    """I15: at rest no transaction is open for long, and nobody waits for a lock."""
    yield from evidence.stuck


def tables_are_whole(evidence: Evidence) -> Iterator[str]:
    """I16: no row names one that is gone, and the database finds nothing damaged."""
    yield from evidence.damage


def is_repeatable(evidence: Evidence) -> Iterator[str]:
    """I17: the other checks give the same when they are asked again."""
    others = set(CHECKS) - {"I17"}
    if violations(evidence, only=others) != violations(evidence, only=others):
        yield "the checks contradict themselves"


#: By number, as RELIABILITY has them.
CHECKS: dict[str, Check] = {
    "I01": starts_once,
    "I02": tries_are_counted,
    "I03": success_is_an_end,
    "I04": runs_and_instances_agree,
    "I05": limits_hold,
    "I06": names_are_unique,
    "I07": intervals_join,
    "I08": history_is_legal,
    "I09": order_is_kept,
    "I10": times_are_ordered,
    "I11": no_process_is_left,
    "I12": tries_have_logs,
    "I13": values_are_of_their_tries,
    "I14": answers_are_true,
    "I15": nothing_waits,
    "I16": tables_are_whole,
    "I17": is_repeatable,
}
_STATES = frozenset(state.value for state in TaskInstanceState if state)


def is_quiet(evidence: Evidence) -> bool:
    """Whether every run is over and no instance is in work."""
    return not any(run["state"] in RUN_UNFINISHED for run in evidence.rows["dagrun"])


def _instances(evidence: Evidence) -> dict[tuple[str, str, str, int], Row]:
    runs = {run["id"]: run["run_id"] for run in evidence.rows["dagrun"]}
    return {
        (ti["dag_id"], runs[ti["run_id"]], ti["task_id"], ti["map_index"]): ti
        for ti in evidence.rows["taskinstance"]
        if ti["run_id"] in runs
    }


def _tries(evidence: Evidence) -> Iterator[tuple[tuple[str, str, str, int, int], Row]]:
    """Every try, the present ones and those of the history."""
    instances = _instances(evidence)
    by_pk = {ti["id"]: instance for instance, ti in instances.items()}
    for instance, ti in instances.items():
        yield (*instance, ti["try_number"]), ti
    present = {ti["id"]: ti["try_number"] for ti in instances.values()}
    for row in evidence.rows["taskinstancehistory"]:
        pk = row["task_instance_id"]
        if pk in by_pk and row["try_number"] != present[pk]:
            yield (*by_pk[pk], row["try_number"]), row


def _by_instance(marks: Iterable[Mark]) -> dict[tuple[str, str, str, int], list[Mark]]:
    found: dict[tuple[str, str, str, int], list[Mark]] = defaultdict(list)
    for mark in marks:
        found[mark.instance].append(mark)
    return found


def _intervals(marks: Sequence[Mark]) -> Iterator[tuple[Mark, float]]:
    """Each start and when its task was surely still at work: its end, or the start itself where it has none."""
    ends = {mark.attempt: mark.at for mark in marks if mark.word == "end"}
    for mark in marks:
        if mark.word == "start":
            yield mark, ends.get(mark.attempt, mark.at)


def _most(steps: Sequence[tuple[float, int]]) -> int:
    """The highest sum; at the same moment what ends gives its slots first."""
    return max(itertools.accumulate(change for _, change in sorted(steps)), default=0)


def _is_before(first: datetime | None, second: datetime | None) -> bool:
    return first is not None and second is not None and first + _SLACK < second


def _may_wait(row: Row) -> bool:
    """Whether a try may be deferred or rescheduled, and go on."""
    return str(row["operator"]).endswith(("Async", "Sensor"))


def _is_fault(reason: str) -> bool:
    return any(word in reason for word in _AFTER_ITS_END)


def _plain(claim: object) -> str:
    return str(claim).replace("-", "")
