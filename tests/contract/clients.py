"""Clients from PyPI, each with what it needs in a folder of its own: they exclude one another, and our own pins."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live import ROOT
from tests.machine import is_required

FOLDER = ROOT / "build" / "clients"


def installed(package: str, version: str) -> Path:
    """The folder of a client and its requirements, filled on the first call; for ``PYTHONPATH``.

    Skips the test where PyPI cannot be reached, or fails it where services are required.
    """
    folder = FOLDER / f"{package}-{version}"
    done = folder / ".complete"
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes share the folder
        if not done.exists():
            said = subprocess.run(
                [
                    sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
                    "--retries", "2", "--timeout", "20", "--target", str(folder), "--upgrade", f"{package}=={version}",
                ],
                capture_output=True, text=True, timeout=600, check=False,
            )  # fmt: skip
            if said.returncode != 0:
                _give_up(f"{package} {version} could not be installed from PyPI: {said.stderr.strip()[-500:]}")
            done.touch()
    return folder


def _give_up(reason: str) -> None:
    if is_required():
        pytest.fail(reason)
    pytest.skip(reason)


def run(folder: Path, script: str, *arguments: str, seconds: float = 300, **variables: str) -> str:
    """What a script of this package prints, run with that client and without our own environment's packages."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "DJANGO", "COV"))
    }
    done = subprocess.run(
        [sys.executable, "-S", str(Path(__file__).parent / script), *arguments],
        env={**environment, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{script} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout
