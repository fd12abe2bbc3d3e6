"""A live system with the DAGs that the clients look at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import LiveSystem

DAGS = Path(__file__).parent / "dags"
OPTIONS: dict[tuple[str, str], object] = {
    ("webserver", "expose_config"): True,
    ("core", "test_connection"): "Enabled",
    ("scheduler", "min_file_process_interval"): 5,
}


@pytest.fixture(scope="session")
def live() -> Iterator[LiveSystem]:
    """Web server, scheduler, DAG processor and triggerer, and the DAGs known."""
    with LiveSystem(dags=DAGS, options=OPTIONS) as system:
        system.wait_for_dags("contract_flow", "contract_consumer", "contract_hold", "contract_victim")
        yield system
