"""``make compat``: the reference's own example DAGs, run here, against how they ended there.

The wheel of apache-airflow is downloaded and unpacked, not installed; only its ``example_dags`` is used. Each DAG of
the expected document gets one manual run at the recorded logical date. Equal means: the same state of the run, the
same task instances, and the same state of each. A DAG whose record has a ``note`` is shown and not counted, because
its note says that its end depends on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from tests.live import LiveSystem

VERSION = "2.10.5"
EXPECTED = Path(__file__).resolve().parent.parent / "../shared/reference/example-dags-2.10.5.json"
LOGICAL_DATE = "2024-03-05T10:00:00+00:00"
RUN_ID = "compat"
OVER = frozenset({"success", "failed"})
#: Runs that may be unfinished at once: on two cores more would only make time limits pass.
AT_ONCE = 8
#: Seconds that the rest waits for runs that were never over in the record, either.
ENDLESS_SECONDS = 45.0
OPTIONS: dict[tuple[str, str], object] = {
    ("core", "dags_are_paused_at_creation"): False,
    ("scheduler", "use_job_schedule"): False,  # the manual runs only
    ("scheduler", "allow_trigger_in_future"): True,
}


@dataclass(slots=True)
class Outcome:
    """How one run ended: its state, and the state of each task instance by ``task_id`` or ``task_id[map_index]``."""

    run_state: str | None = None
    states: dict[str, str | None] = field(default_factory=dict)
    problem: str = ""


def main() -> int:
    """Exit status: 0 only when every comparable DAG ended as recorded."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--expected", type=Path, default=EXPECTED, help="recorded ends of the reference's runs")
    parser.add_argument("--examples", type=Path, help="a folder example_dags that was unpacked before; else downloaded")
    parser.add_argument("--only", nargs="+", metavar="DAG_ID", help="these DAGs; all without it")
    parser.add_argument("--seconds", type=float, default=600, help="most seconds that all runs together may take")
    parser.add_argument("--database-url", help="run on this database instead of SQLite")
    arguments = parser.parse_args()
    document = json.loads(arguments.expected.read_text())
    expected: dict[str, Any] = document["dags"]
    if arguments.only:
        expected = {dag_id: expected[dag_id] for dag_id in arguments.only}
    with tempfile.TemporaryDirectory(prefix="compat-") as scratch:
        folder = arguments.examples or unpack(Path(scratch))
        options = {**OPTIONS, ("core", "dags_folder"): folder.resolve()}
        # Some examples import modules of their own folder by its name.
        with LiveSystem(options=options, database_url=arguments.database_url) as system, system.api as api:
            found = wait_until_parsed(api, {*expected, *document.get("listed_but_not_run", {})})
            started = time.monotonic()
            outcomes = run_all(api, expected, seconds=arguments.seconds)
            took = time.monotonic() - started
    return report(expected, outcomes, found, took)


def unpack(folder: Path) -> Path:
    """The examples of the reference's wheel, below the folder."""
    console().print(f"Downloading apache-airflow {VERSION} (not installed) …")
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
         "--only-binary=:all:", "--dest", str(folder), f"apache-airflow=={VERSION}"],
        check=True,
    )  # fmt: skip
    (wheel,) = folder.glob("apache_airflow-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith("airflow/example_dags/")]
        archive.extractall(folder, names)
    return folder / "airflow" / "example_dags"


def wait_until_parsed(api: httpx.Client, wanted: set[str], seconds: float = 120) -> set[str]:
    """The DAGs that are known once all wanted ones are, or the time is over."""
    limit = time.monotonic() + seconds
    found: set[str] = set()
    while time.monotonic() < limit and not wanted <= found:
        found = {dag["dag_id"] for dag in pages(api, "/dags", "dags")}
        # The list leaves sub-DAGs out, as the reference's.
        found |= {dag_id for dag_id in wanted - found if "." in dag_id and api.get(f"/dags/{dag_id}").is_success}
        time.sleep(0.3)
    for error in pages(api, "/importErrors", "import_errors"):
        console().print(f"[red]Import error[/] {error['filename']}\n{error['stack_trace']}", highlight=False)
    return found


def run_all(api: httpx.Client, expected: Mapping[str, Any], *, seconds: float) -> dict[str, Outcome]:
    """Trigger every DAG, a few at a time, and wait for them all; those that never end are read as they are."""
    limit = time.monotonic() + seconds
    endless = {dag_id for dag_id, recorded in expected.items() if recorded["run_state"] not in OVER}
    outcomes: dict[str, Outcome] = {}
    waiting = sorted(expected, key=lambda dag_id: (bool(expected[dag_id].get("note")), dag_id))
    running: dict[str, str] = {}
    is_ending = False
    while (waiting or running) and time.monotonic() < limit:
        while waiting and len(running) < AT_ONCE:
            dag_id = waiting.pop(0)
            run_id, problem = trigger(api, dag_id)
            if run_id is None:
                outcomes[dag_id] = Outcome(problem=problem)
            else:
                running[dag_id] = run_id
        for dag_id, run_id in list(running.items()):
            if is_settled(api, dag_id, run_id, expected[dag_id]):
                outcomes[dag_id] = read(api, dag_id, running.pop(dag_id))
        if not waiting and endless.issuperset(running) and not is_ending:
            is_ending, limit = True, min(limit, time.monotonic() + ENDLESS_SECONDS)
        time.sleep(0.3)
    outcomes |= {dag_id: read(api, dag_id, run_id) for dag_id, run_id in running.items()}
    outcomes |= {dag_id: Outcome(problem="never started: the time was over") for dag_id in waiting}
    return outcomes


def trigger(api: httpx.Client, dag_id: str) -> tuple[str | None, str]:
    """The id of the DAG's run at the recorded date, made or (by another DAG of the examples) already there."""
    answer = api.post(f"/dags/{dag_id}/dagRuns", json={"dag_run_id": RUN_ID, "logical_date": LOGICAL_DATE, "conf": {}})
    if answer.status_code == 409:
        same_date = {"execution_date_gte": LOGICAL_DATE, "execution_date_lte": LOGICAL_DATE}
        runs = api.get(f"/dags/{dag_id}/dagRuns", params=same_date).json()["dag_runs"]
        return (runs[0]["dag_run_id"], "") if runs else (None, answer.text)
    if answer.is_error:
        return None, f"{answer.status_code} {answer.text}"
    return answer.json()["dag_run_id"], ""


def is_settled(api: httpx.Client, dag_id: str, run_id: str, expected: Mapping[str, Any]) -> bool:
    """Whether the run is over, or is as far as the recorded one that was never over."""
    outcome = read(api, dag_id, run_id)
    if outcome.run_state in OVER:
        return True
    recorded = {name: instance["state"] for name, instance in expected["task_instances"].items()}
    return expected["run_state"] not in OVER and outcome.states == recorded


def read(api: httpx.Client, dag_id: str, run_id: str) -> Outcome:
    """The run as it is now; an answer that is an error is the outcome's problem."""
    try:
        answer = api.get(f"/dags/{dag_id}/dagRuns/{run_id}")
        answer.raise_for_status()
        run = answer.json()
        instances = list(pages(api, f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances"))
    except httpx.HTTPStatusError as error:
        return Outcome(problem=f"{error.response.status_code} {error.response.text[:200]}")
    return Outcome(
        run.get("state"),
        {i["task_id"] if i["map_index"] < 0 else f"{i['task_id']}[{i['map_index']}]": i["state"] for i in instances},
    )


def pages(api: httpx.Client, path: str, member: str) -> Iterator[dict[str, Any]]:
    """All members of a list, page after page."""
    offset = 0
    while True:
        answer = api.get(path, params={"limit": 100, "offset": offset})
        answer.raise_for_status()
        rows = answer.json()[member]
        yield from rows
        offset += len(rows)
        if len(rows) < 100:
            return


#: It asks whether it is later than 15:00 UTC. The record is of a morning; later its two branches change places.
BY_TIME_OF_DAY = "example_branch_datetime_operator_2"
BRANCHES = {"date_in_range": "date_outside_range", "date_outside_range": "date_in_range"}


def recorded_states(dag_id: str, expected: Mapping[str, Any], began: datetime) -> dict[str, str]:
    """By task: the state that the reference records for a run that began then."""
    states = {name: instance["state"] for name, instance in expected["task_instances"].items()}
    if dag_id == BY_TIME_OF_DAY and began.hour >= 15:
        return {name: states[BRANCHES.get(name, name)] for name in states}
    return states


def differences(expected: Mapping[str, Any], recorded: Mapping[str, str], outcome: Outcome) -> list[str]:
    """What is not as recorded, each in a few words."""
    if outcome.problem:
        return [outcome.problem]
    found: list[str] = []
    if outcome.run_state != expected["run_state"]:
        found.append(f"run: {expected['run_state']} → {outcome.run_state}")
    found += [
        f"{name}: {recorded.get(name, 'absent')} → {outcome.states.get(name, 'absent')}"
        for name in sorted({*recorded, *outcome.states})
        if recorded.get(name, "absent") != outcome.states.get(name, "absent")
    ]
    return found


def report(expected: Mapping[str, Any], outcomes: Mapping[str, Outcome], parsed: set[str], took: float) -> int:
    """Print the table; 0 when all comparable ones are equal."""
    began = datetime.now(UTC) - timedelta(seconds=took)
    table = Table("DAG", "reference", "here", "tasks", "", "what differs, or why it is not compared")
    comparable = equal = 0
    for dag_id, recorded in sorted(expected.items()):
        outcome = outcomes[dag_id]
        wrong = differences(recorded, recorded_states(dag_id, recorded, began), outcome)
        note = recorded.get("note", "")
        comparable += not note
        equal += not note and not wrong
        mark = "[green]equal" if not wrong else "[yellow]noted" if note else "[red]differs"
        words = "; ".join(wrong + ([f"(note: {note})"] if note else []))
        table.add_row(
            dag_id, recorded["run_state"], outcome.run_state or "–", str(len(recorded["task_instances"])), mark, words
        )
    console().print(table)
    console().print(
        f"{len(parsed)} DAGs parsed; {equal} of {comparable} comparable runs equal, "
        f"{len(expected) - comparable} not compared; {took:.0f} s"
    )
    return 0 if equal == comparable and set(expected) <= parsed else 1


def console() -> Console:
    """Where the table goes; wide enough for it also where there is no terminal."""
    return Console(width=None if sys.stdout.isatty() else int(os.environ.get("COLUMNS", "200")))


if __name__ == "__main__":
    sys.exit(main())
