"""A system under random faults for minutes, and whether it is sound at the end: ``python -m benchmarks.soak``.

Real processes in a folder of their own run five DAGs: one by the clock, chains, a fan in a pool of two slots, deferred
tasks, and runs that callers trigger all the while. Every few seconds one process is killed (SIGKILL): the scheduler, a
supervisor, a task, the DAG processor, the triggerer, a worker of the web server. In the last third nothing is killed,
so that memory, open files and waits can be compared. Then all runs must end, and the invariants hold. The seed is
printed; with the same one the same kinds are killed in the same order.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import linear_regression, median
from typing import NamedTuple

import psutil

from benchmarks.engine import database
from benchmarks.findings import Finding, show, write
from tests.faults.evidence import MARKING, Evidence
from tests.faults.invariants import is_quiet, violations
from tests.faults.steps import Caller, settled
from tests.live import LiveSystem

#: Kind → the beginning of its processes' titles.
KINDS: Mapping[str, str] = {
    "scheduler": "airflowsite scheduler",
    "supervisor": "airflowsite supervisor",
    "task": "airflowsite task ",
    "DAG processor": "airflowsite dag_processor",
    "triggerer": "airflowsite triggerer",
    "web worker": "gunicorn: worker",
}
#: Seconds between kills, drawn evenly.
PAUSES = (1.5, 6.0)
SAMPLE_SECONDS = 5.0
#: The share of the time without faults at the end.
CALM = 1 / 3
#: Short, so that what is lost is found within the soak.
OPTIONS = {
    ("scheduler", "scheduler_heartbeat_sec"): 1,
    ("scheduler", "job_heartbeat_sec"): 2,
    ("scheduler", "scheduler_zombie_task_threshold"): 15,
    ("scheduler", "zombie_detection_interval"): 3,
    ("scheduler", "scheduler_health_check_threshold"): 10,
    ("scheduler", "orphaned_tasks_check_interval"): 5,
    ("core", "killed_task_cleanup_time"): 5,
}
RETRIES = 20

DAGS = """{marking}
MANY = dict(retries={retries}, retry_delay=timedelta(seconds=0.5))

with DAG("clock", start_date=datetime.fromisoformat("{begin}"), end_date=datetime.fromisoformat("{end}"),
         schedule=timedelta(seconds=10), catchup=True, max_active_runs=3, default_args=MANY) as clock:
    first = PythonOperator(task_id="first", python_callable=mark, op_args=[0.5])
    first >> PythonOperator(task_id="second", python_callable=mark)

with DAG("chain", start_date=START, schedule=None, max_active_runs=4, default_args=MANY) as chain:
    tasks = [PythonOperator(task_id=f"t{{n}}", python_callable=mark, op_args=[0.2]) for n in range(5)]
    for before, after in zip(tasks, tasks[1:]):
        before >> after

with DAG("fan", start_date=START, schedule=None, max_active_runs=2, default_args=MANY) as fan:
    names = PythonOperator.partial(task_id="many", python_callable=mark, pool="two")
    names.expand(op_args=[[0.3]] * 6) >> PythonOperator(task_id="last", python_callable=mark)

with DAG("wait", start_date=START, schedule=None, max_active_runs=4, default_args=MANY) as wait:
    before = PythonOperator(task_id="before", python_callable=mark)
    sensor = TimeDeltaSensorAsync(task_id="sensor", delta=timedelta(seconds=2))
    before >> sensor >> PythonOperator(task_id="after", python_callable=mark)

with DAG("flaky", start_date=START, schedule=None, max_active_runs=4, default_args=MANY) as flaky:
    PythonOperator(task_id="flaky", python_callable=mark, op_args=[0.1, 2]) >> EmptyOperator(task_id="nothing")
"""
TRIGGERED = ("chain", "fan", "wait", "flaky")


class Sample(NamedTuple):
    """What the system holds at a moment: seconds from the beginning, by kind memory (PSS) in MB, and open files."""

    at: float
    megabytes: Mapping[str, float]
    files: Mapping[str, int]


class Soak:
    """One soak of a running system."""

    def __init__(self, system: LiveSystem, *, seconds: float, seed: int) -> None:
        self.system = system
        self.seconds = seconds
        self.chance = random.Random(seed)
        self.caller = Caller(system, may_break=True)
        self.killed: Counter[str] = Counter()
        self.samples: list[Sample] = []
        self.troubles: list[str] = []
        self._is_over = threading.Event()
        self.began = time.monotonic()

    def run(self) -> None:
        """Fault, ask and sample until the time is over."""
        work: list[Callable[[], None]] = [self._kill, self._sample, *(self._asking(dag_id) for dag_id in TRIGGERED)]
        threads = [threading.Thread(target=self._guarded, args=(each,)) for each in work]
        for thread in threads:
            thread.start()
        self._is_over.wait(self.seconds)
        self._is_over.set()
        for thread in threads:
            thread.join()

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self.troubles.append(f"{type(error).__name__}: {error}")

    def _asking(self, dag_id: str) -> Callable[[], None]:
        def ask() -> None:
            number = 0
            while not self._is_over.wait(4):
                number += 1
                self.caller.trigger_until_done(dag_id, f"soak-{number}")

        return ask

    def _kill(self) -> None:
        while not self._is_over.wait(self.chance.uniform(*PAUSES)):
            kind = self.chance.choice(list(KINDS))
            if time.monotonic() - self.began > self.seconds * (1 - CALM):
                return
            found = [process.pid for each, process in self._processes() if each == kind]
            if found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.chance.choice(found), signal.SIGKILL)
                    self.killed[kind] += 1

    def _sample(self) -> None:
        while not self._is_over.wait(SAMPLE_SECONDS):
            megabytes: dict[str, float] = defaultdict(float)
            files: Counter[str] = Counter()
            for kind, process in self._processes():
                with contextlib.suppress(psutil.Error, OSError):
                    megabytes[kind] += process.memory_full_info().pss / 1e6
                    files[kind] += process.num_fds()
            self.samples.append(Sample(time.monotonic() - self.began, megabytes, files))

    def _processes(self) -> Iterator[tuple[str, psutil.Process]]:
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self.system.processes[0].pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    title = " ".join(process.cmdline())
                    for kind, beginning in KINDS.items():
                        if title.startswith(beginning):
                            yield kind, process


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what was done and found; 1 where an invariant does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--findings", type=Path, help="file for what was found, as JSON")
    chosen = parser.parse_args(arguments)
    print(f"Soak of {chosen.minutes:g} minutes on {chosen.database}, seed {chosen.seed}", flush=True)
    with database(chosen.database) as url, tempfile.TemporaryDirectory() as folder:
        begin = datetime.now(UTC)
        end = begin + timedelta(minutes=chosen.minutes)
        text = DAGS.format(marking=MARKING, retries=RETRIES, begin=begin, end=end)
        Path(folder, "flows.py").write_text(text)
        with LiveSystem(dags=Path(folder), options=OPTIONS, database_url=url) as system:
            soak, evidence = _soak(system, url, seconds=60 * chosen.minutes, seed=chosen.seed)
            broken = violations(evidence)
            if not is_quiet(evidence):
                broken.append("Not every run came to its end.")
            findings = [*_findings(soak, evidence), Finding("violations", str(len(broken)), "0", not broken)]
            show(f"Soak, {chosen.minutes:g} minutes, {chosen.database}, seed {chosen.seed}", findings)
            write(chosen.findings, findings)
            for each in broken[:40]:
                print(each)
            if broken or soak.troubles:
                kept = Path(tempfile.gettempdir(), f"soak-{chosen.seed}.log")
                kept.write_bytes(system.log.read_bytes())
                print(f"The system's log is kept: {kept}")
    return int(any(finding.is_met is False for finding in findings))


def _soak(system: LiveSystem, url: str | None, *, seconds: float, seed: int) -> tuple[Soak, Evidence]:
    system.wait_for_dags("clock", *TRIGGERED)
    with system.api as api:
        api.post("/pools", json={"name": "two", "slots": 2}).raise_for_status()
        for dag_id in ("clock", *TRIGGERED):
            api.patch(f"/dags/{dag_id}", json={"is_paused": False}).raise_for_status()
    soak = Soak(system, seconds=seconds, seed=seed)
    soak.run()
    return soak, settled(system, url, soak.caller.calls)


def _findings(soak: Soak, evidence: Evidence) -> Iterator[Finding]:
    runs, tries = evidence.rows["dagrun"], sum(mark.word == "start" for mark in evidence.marks)
    states = Counter(run["state"] for run in runs)
    yield Finding("runs", ", ".join(f"{count} {state}" for state, count in sorted(states.items())))
    yield Finding("tries that started", str(tries))
    yield Finding("killed", ", ".join(f"{count} × {kind}" for kind, count in sorted(soak.killed.items())))
    answers = Counter(call.status for call in soak.caller.calls)
    yield Finding(
        "answers to triggers", ", ".join(f"{count} × {status or 'none'}" for status, count in answers.items())
    )
    complaints = [*soak.caller.wrong, *soak.troubles]
    yield Finding("wrong answers, broken callers", "; ".join(complaints[:3]) or "none", "none", not complaints)
    traces = soak.system.log.read_text().count("Traceback")
    yield Finding("traces in the log", str(traces), "0", traces == 0)
    calm = [sample for sample in soak.samples if sample.at > soak.seconds * (1 - CALM) + 20]
    for kind in KINDS:
        if kind != "task" and len(calm) > 1:
            yield Finding(f"{kind}: memory, open files", _trend(calm, kind))
    for name, is_calm in ("under faults", False), ("calm", True):
        if gaps := _gaps(evidence, since=soak.began + soak.seconds * (1 - CALM), is_calm=is_calm):
            yield Finding(f"gap between tasks, {name}", f"median {median(gaps):.2f} s of {len(gaps)}")


def _trend(samples: Sequence[Sample], kind: str) -> str:
    """The last values of a kind, and how they grow within an hour, while nothing is killed."""
    times = [sample.at / 3600 for sample in samples]
    memory = [sample.megabytes.get(kind, 0.0) for sample in samples]
    files = [sample.files.get(kind, 0) for sample in samples]
    growth = linear_regression(times, memory).slope, linear_regression(times, files).slope
    return f"{memory[-1]:.0f} MB ({growth[0]:+.0f} MB/h), {files[-1]} ({growth[1]:+.0f}/h)"


def _gaps(evidence: Evidence, *, since: float, is_calm: bool) -> list[float]:
    """Seconds from a task's end to the start of the next one in chains, before or after the faults' end."""
    marks = {(mark.run_id, mark.task_id, mark.word): mark.at for mark in evidence.marks if mark.dag_id == "chain"}
    found = []
    for (run_id, task_id, word), at in marks.items():
        following = marks.get((run_id, f"t{int(task_id[1:]) + 1}", "start"))
        if word == "end" and following is not None and (at > since) == is_calm:
            found.append(following - at)
    return found


if __name__ == "__main__":
    sys.exit(main())
