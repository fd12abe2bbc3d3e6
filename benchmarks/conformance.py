"""``make conformance``: a fresh server, with two more over the same data, against the kit of recorded answers."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.live import LiveSystem, free_port

USERS = {"admin": "Admin", "op": "Op", "user": "User", "viewer": "Viewer", "public": "Public"}

OPTIONS: dict[tuple[str, str], object] = {
    ("core", "dags_are_paused_at_creation"): True,
    ("core", "parallelism"): 4,  # as recorded
    ("api", "enable_experimental_api"): True,
    ("api", "auth_backends"): "airflow.api.auth.backend.basic_auth,airflow.api.auth.backend.session",
    ("api", "access_control_allow_headers"): "origin, content-type, accept",
    ("api", "access_control_allow_methods"): "POST, GET, OPTIONS, DELETE",
    ("api", "access_control_allow_origins"): "https://one.example https://two.example",
    ("webserver", "expose_config"): True,
    ("scheduler", "min_file_process_interval"): 20,
}
ALTERNATIVE: dict[tuple[str, str], object] = {
    ("webserver", "expose_config"): "non-sensitive-only",
    ("core", "test_connection"): "Enabled",
    ("api", "enable_xcom_deserialize_support"): True,
    ("api", "maximum_page_limit"): 3,
    ("api", "fallback_page_limit"): 2,
}
CLOSED: dict[tuple[str, str], object] = {
    ("webserver", "expose_config"): False,
    ("api", "enable_experimental_api"): False,
    ("api", "access_control_allow_origins"): "*",
}


def main() -> int:
    """Exit status: 0 only when every recorded step that is asked is answered alike."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kit", type=Path, required=True, help="folder with replay.py, scenarios and golden answers")
    parser.add_argument("--only", help="scenario to replay; all without it")
    parser.add_argument("--report", help="file for a JSON report")
    parser.add_argument("--database-url", help="run on this database instead of SQLite")
    arguments = parser.parse_args()
    kit = arguments.kit.resolve()
    if not (kit / "replay.py").exists():
        parser.error(f"{kit} holds no replay.py")
    with LiveSystem(dags=kit / "dags", options=OPTIONS, database_url=arguments.database_url, parts=()) as system:
        for name, role in USERS.items():
            system.manage(
                "users", "create", "--username", name, "--password", name, "--email", f"{name}@example.org",
                "--firstname", name.capitalize(), "--lastname", "Ck", "--role", role,
            )  # fmt: skip
        system.start("standalone")
        system.wait_until_served()
        profiles = []
        for profile, options in (("alt", ALTERNATIVE), ("closed", CLOSED)):
            port = free_port()
            system.start("webserver", "-p", str(port), "-w", "1", options=options)
            system.wait_until_served(f"http://127.0.0.1:{port}")
            profiles += ["--profile", f"{profile}=http://127.0.0.1:{port}"]
        command = [sys.executable, str(kit / "replay.py"), "--base-url", system.url, "--set", "public", *profiles]
        command += ["--only", arguments.only] if arguments.only else []
        command += ["--report", arguments.report] if arguments.report else []
        return subprocess.run(
            command, cwd=kit, check=False, env={**system.environment, "PYTHONDONTWRITEBYTECODE": "1"}
        ).returncode


if __name__ == "__main__":
    sys.exit(main())
