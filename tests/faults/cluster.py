"""A PostgreSQL server of a test's own, which it may stop as a crash does."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
import pytest

from tests.live import free_port
from tests.machine import is_required

#: Who runs the server where the tests run as root, which PostgreSQL refuses.
_OWNER = "postgres"


def binaries() -> Path:
    """The folder of ``initdb`` and ``pg_ctl``; skips or fails the test where there is none."""
    found = shutil.which("initdb")
    places = [found] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if places:
        return Path(places[-1]).parent
    if is_required():
        pytest.fail("PostgreSQL's server programs are required here and not installed")
    pytest.skip("PostgreSQL's server programs are not installed")


class Cluster:
    """A server on a free port with one database, ``system``; a context manager that removes it."""

    def __init__(self) -> None:
        self.programs = binaries()
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="airflowsite-cluster-"))
        self.user = _OWNER if os.geteuid() == 0 else None
        if self.user is not None:
            shutil.chown(self.folder, self.user)
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/system"

    def __enter__(self) -> Self:
        try:
            self._run("initdb", "--pgdata", self.data, "--username", "postgres", "--auth", "trust", "--no-sync")
            settings = [
                f"port = {self.port}",
                "listen_addresses = '127.0.0.1'",
                f"unix_socket_directories = '{self.folder}'",
            ]
            with (Path(self.data) / "postgresql.conf").open("a") as file:
                file.write(
                    "\n".join(
                        [*settings, "max_connections = 60", "shared_buffers = 32MB", "deadlock_timeout = 500ms", ""]
                    )
                )
            self.start()
            with self.session("postgres") as session:
                session.execute("CREATE DATABASE system")
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    @property
    def data(self) -> str:
        """The server's folder."""
        return str(self.folder / "data")

    def start(self) -> None:
        """Start the server; returns when it takes connections."""
        self._run("pg_ctl", "start", "--pgdata", self.data, "--wait", "--silent", "--log", str(self.folder / "log"))

    def log(self) -> str:
        """What the server wrote since it was made."""
        return (self.folder / "log").read_text()

    def crash(self) -> None:
        """Stop it without a checkpoint or a word to its sessions: the next start recovers from its log."""
        self._run("pg_ctl", "stop", "--pgdata", self.data, "--mode", "immediate", "--wait", "--silent")

    def back_up(self) -> None:
        """Keep a copy of what is stored now."""
        self.crash()
        self._copy(self.data, self.folder / "backup")
        self.start()

    def restore(self) -> None:
        """Go back to the copy, whatever came after it."""
        self.crash()
        self._copy(self.folder / "backup", self.data)
        self.start()

    def _copy(self, source: str | Path, target: str | Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "--archive", source, target], check=True)  # with its owner

    def session(
        self, database: str = "system", *, is_autocommit: bool = True
    ) -> psycopg.Connection[tuple[object, ...]]:
        """A connection, as another program has it."""
        url = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        return psycopg.connect(url, autocommit=is_autocommit)

    def end_sessions(self) -> int:
        """End all others' sessions; how many there were."""
        with self.session() as session:
            found = session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            ).fetchall()
        return len(found)

    def _run(self, program: str, *arguments: str) -> None:
        # Its output goes to a file: pg_ctl's server would keep a pipe open.
        with (self.folder / "output").open("a+") as output:
            done = subprocess.run(
                [str(self.programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=self.user,
                cwd="/",
                timeout=120,
                check=False,
            )
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{program} ended with {done.returncode}: {output.read()[-2000:]}")

    def _remove(self) -> None:
        if Path(self.data, "postmaster.pid").exists():
            self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)
