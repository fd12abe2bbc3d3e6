"""Thousands of generated requests to a live server of its own, held against the document: schemathesis, all checks.

    python -m tests.contract.long_run --examples 50 --seed 7

It starts a whole system in a fresh folder, runs two DAGs so that there are rows, and calls every operation as its
administrator. What it prints is schemathesis's report; the exit status is 1 where an answer was not as told. Arguments
that are not its own go to ``schemathesis run``.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.contract.conftest import DAGS, OPTIONS
from tests.live import LiveSystem

#: It asks that whatever has the document's form is accepted. What refers to rows (names taken, fields that exist) and
#: what depends on other members is told by 400, 409, 412 and 422, which OpenAPI cannot express.
NOT_CHECKED = "positive_data_acceptance"


def main() -> int:
    """Exit status of the program."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--examples", type=int, default=50, help="requests of each operation in each phase")
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--database", help="URL of an empty PostgreSQL database; SQLite when it is not given")
    chosen, more = asked.parse_known_args()
    options = {
        **OPTIONS,
        ("core", "test_connection"): "Disabled",  # it would call made-up hosts
        ("webserver", "login_failure_limit"): 0,  # a check sends wrong credentials
    }
    with LiveSystem(dags=DAGS, options=options, database_url=chosen.database) as live:
        live.wait_for_dags("contract_flow", "contract_hold")
        live.wait_for_run("contract_flow", live.trigger("contract_flow")["dag_run_id"])
        said = subprocess.run(
            [
                str(Path(sys.executable).parent / "schemathesis"), "run", f"{live.url}/api/v1/openapi.json",
                "--auth", ":".join(live.credentials),
                "--checks", "all", "--exclude-checks", NOT_CHECKED, "--max-examples", str(chosen.examples),
                "--seed", str(chosen.seed), "--request-timeout", "60", "--suppress-health-check", "all",
                "--continue-on-failure", "--generation-database", "none", *more,
            ], check=False,
        )  # fmt: skip
        print(f"The web server's errors: {live.log.read_text().count('Internal Server Error')}")
    return said.returncode


if __name__ == "__main__":
    sys.exit(main())
