"""The npm package airflow-api 0.1.8 against a live server; it sends no credentials, so that the API is open."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.contract.clients import FOLDER
from tests.contract.conftest import DAGS
from tests.live import LiveSystem

pytestmark = pytest.mark.processes

PACKAGE = "airflow-api@0.1.8"


@pytest.fixture(scope="module")
def modules() -> Path:
    """The folder of the package and its requirements."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed: the npm client is not tried (its recorded calls are, elsewhere)")
    folder = FOLDER / "airflow-api-0.1.8"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules" / "airflow-api" / "dist").exists():
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
        said = subprocess.run([*command, PACKAGE], capture_output=True, text=True, timeout=300, check=False)
        if said.returncode != 0:
            pytest.skip(f"{PACKAGE} could not be installed from npm: {said.stderr.strip()[-300:]}")
    return folder / "node_modules"


@pytest.mark.timeout(600)
def test_each_of_its_functions_works(modules: Path) -> None:
    options: dict[tuple[str, str], object] = {
        ("api", "enable_experimental_api"): True,
        ("api", "auth_backends"): "airflow.api.auth.backend.default,airflow.api.auth.backend.basic_auth",
    }
    with LiveSystem(dags=DAGS, options=options) as live:
        live.wait_for_dags("contract_hold")
        said = subprocess.run(
            ["node", str(Path(__file__).parent / "npm_client.js"), live.url],
            env={**os.environ, "NODE_PATH": str(modules)}, capture_output=True, text=True, timeout=180, check=False,
        )  # fmt: skip
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert len(told) == 12
    assert {name: problem for name, problem in told.items() if problem is not None} == {}
