"""How long commands take to start: ``airflowsite version`` and ``airflowsite dags list`` in fresh processes.

Takes half a minute. The median of wall-clock times is held against the aim; processor time is what a quiet machine
would need at least. The files' bytecode is cached before, as it is after an installation.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from rich.progress import track

from benchmarks.findings import Finding, show, write
from tests.live import ROOT, LiveSystem

#: The arguments → milliseconds at most.
COMMANDS = {("version",): 150, ("dags", "list"): 700, ("--help",): None}
SCRIPT = Path(sys.executable).with_name("airflowsite")


def main() -> int:
    """Print the table; 1 where an aim is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="starts of each command; the median counts")
    parser.add_argument("--quick", action="store_true", help="three rounds")
    parser.add_argument("--findings", type=Path, help="file for what was found, as JSON")
    arguments = parser.parse_args()
    rounds = 3 if arguments.quick else arguments.rounds
    findings = []
    with LiveSystem(parts=()) as system:
        environment = {k: v for k, v in system.environment.items() if k != "PYTHONDONTWRITEBYTECODE"}
        for command, most in COMMANDS.items():
            _start(command, environment)
            name = " ".join(["airflowsite", *command])
            times = [_start(command, environment) for _ in track(range(rounds), name, transient=True)]
            wall, processor = (statistics.median(each) * 1000 for each in zip(*times, strict=True))
            findings.append(
                Finding(
                    name,
                    f"{wall:.0f} ms ({processor:.0f} ms of processor)",
                    f"under {most} ms" if most else "",
                    wall < most if most else None,
                )
            )
    show(f"Start-up, {rounds} starts each", findings)
    write(arguments.findings, findings)
    return int(any(finding.is_met is False for finding in findings))


def _start(command: tuple[str, ...], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    before, began = os.times(), time.perf_counter()
    subprocess.run([SCRIPT, *command], env=environment, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    seconds, after = time.perf_counter() - began, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds, used


if __name__ == "__main__":
    sys.exit(main())
