"""``make bench``: every measurement, one after the other, then a table of what was found and what was aimed at.

``python -m benchmarks [part …] [--quick]``. Nothing else should run on the machine. On two cores:

- ``startup``: how long commands take to start; half a minute.
- ``engine``: the scheduler and the executors; a quarter of an hour.
- ``api``: both REST APIs, at 100,000 and 1,000,000 task instances; a quarter of an hour (``--quick``: four).
- ``import``: moving in from Airflow with 1,000,000 task instances (``--rows``); a quarter of an hour, most of it for
  filling and comparing (``--quick``: two minutes).
- ``pages``: the operators' pages at 1,000,000 task instances; ten minutes, most of it for filling SQLite.

PostgreSQL is asked for databases of its own at ``BENCH_SERVER``, which are dropped in the end; ``AIRFLOW_REFERENCE``
names an environment with Apache Airflow to compare with. ``conformance`` and ``compat`` measure no speed and have
targets of their own. ``soak`` runs only where it is named: a system under random faults for ``--minutes``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from benchmarks.findings import WIDTH, Finding, read, show

#: The parts in their order, and those among them that know ``--quick`` and write their findings.
PARTS = ("startup", "engine", "api", "import", "pages")
KNOWING = frozenset({"startup", "api", "import"})
#: The modules of parts whose names are words of Python.
MODULES = {"import": "importing"}
#: Runs only where it is named.
SOAK = "soak"


def main() -> int:
    """The worst exit status of all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"only these: {', '.join((*PARTS, SOAK))}")
    parser.add_argument("--quick", action="store_true", help="shorter, where a part can be")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long the soak is")
    parser.add_argument("--rows", type=int, help="task instances of the part import")
    arguments = parser.parse_args()
    present = [part for part in PARTS if importlib.util.find_spec(_module(part))]
    known = (*present, SOAK)
    unknown = [part for part in arguments.parts if part not in known]
    if unknown:
        parser.error(f"There is no part {unknown[0]}. There are: {', '.join(known)}.")
    chosen = [part for part in known if part in (arguments.parts or present)]
    worst, findings = 0, []
    with tempfile.TemporaryDirectory(prefix="airflowsite-bench-") as folder:
        for number, part in enumerate(chosen, 1):
            Console(width=WIDTH).rule(f"{number} of {len(chosen)}: {part}")
            began = time.monotonic()
            file = Path(folder, f"{part}.json")
            status = subprocess.run(
                [sys.executable, "-m", _module(part), *_options(part, file, arguments)],
                check=False,
            ).returncode
            worst = max(worst, abs(status))
            minutes = (time.monotonic() - began) / 60
            findings += _found(part, file)
            findings.append(Finding(f"{part}: all", f"exit status {status}, {minutes:.1f} min", "0", status == 0))
    show("Aims and measures", findings)
    return worst


def _module(part: str) -> str:
    return f"benchmarks.{MODULES.get(part, part)}"


def _options(part: str, file: Path, arguments: argparse.Namespace) -> list[str]:
    if part == "engine":
        return ["--json", str(file)]
    if part == SOAK:
        return ["--findings", str(file), "--minutes", str(arguments.minutes)]
    if part not in KNOWING:
        return []
    rows = ["--rows", str(arguments.rows)] if part == "import" and arguments.rows else []
    return ["--findings", str(file), *(["--quick"] if arguments.quick else []), *rows]


def _found(part: str, file: Path) -> list[Finding]:
    if part != "engine":
        return read(file)
    from benchmarks.engine import AIMS  # its own form: numbers by database and name

    numbers = json.loads(file.read_text()) if file.exists() else {}
    return [
        Finding(f"{name}, {kind}", f"{value:g} {AIMS.get(name, ('', ''))[0]}", AIMS.get(name, ("", ""))[1])
        for kind, found in numbers.items()
        for name, value in found.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
