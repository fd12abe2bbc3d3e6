"""Parts in the background: what ``--daemon``, ``--pid`` and the files for what they print do, with real processes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.core.management import CommandError, call_command

from airflowsite.webserver import WebOptions
from orchestration.management import background
from orchestration.management.background import read_pid
from tests.commands.test_pipes import PROGRAM, around

Start = Callable[..., subprocess.CompletedProcess[str]]
FILES = ("--pid", "--stdout", "--stderr", "--log-file")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home; what was left running there ends with the test."""
    yield tmp_path
    for file in tmp_path.glob("*.pid"):
        pid = read_pid(file)
        if pid is not None and pid != os.getpid():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def start(home: Path) -> Start:
    """``start("kerberos", "-D")``; kinit is a program that always succeeds."""
    kinit = home / "kinit"
    kinit.write_text("#!/bin/sh\n")
    kinit.chmod(0o700)

    def call(*words: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *words],
            env=around(home, AIRFLOW__KERBEROS__KINIT_PATH=str(kinit), **extra),
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call


def wait_for(is_so: Callable[[], bool], seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, "that did not come about in time"
        time.sleep(0.05)


def test_a_part_in_the_background_writes_where_it_is_told_and_takes_its_pid_file_away(home: Path, start: Start) -> None:
    pid_file, out, err, log = (home / f"my{option}" for option in FILES)
    words = [word for pair in zip(FILES, map(str, (pid_file, out, err, log)), strict=True) for word in pair]
    done = start("kerberos", "a/b", "-D", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    pid = read_pid(pid_file)
    assert pid is not None
    assert psutil.pid_exists(pid)
    assert os.getsid(pid) != os.getsid(0)
    wait_for(lambda: "Renewed the ticket of a/b" in out.read_text())

    second = start("kerberos", "a/b", "-D", *words)
    assert second.returncode == 1
    assert second.stderr == (
        f"Process {pid} runs already, says {pid_file}. Stop it first, or give another file by --pid.\n"
    )
    assert read_pid(pid_file) == pid

    os.kill(pid, signal.SIGTERM)
    wait_for(lambda: not psutil.pid_exists(pid))
    assert not pid_file.exists()
    assert err.read_text() == ""


def test_files_that_are_not_named_are_in_the_home(home: Path, start: Start) -> None:
    assert start("kerberos", "a/b", "-D", "--pid").returncode == 0
    assert {file.name for file in home.glob("airflow-kerberos.*")} == {
        "airflow-kerberos.pid", "airflow-kerberos.out", "airflow-kerberos.err", "airflow-kerberos.log",
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "nonsense", "-5", "0", "99999999", "9" * 60, "\udcff"])
def test_a_pid_file_of_no_living_process_is_written_over(home: Path, start: Start, text: str) -> None:
    file = home / "old.pid"
    file.write_bytes(text.encode(errors="surrogateescape"))
    done = start("kerberos", "a/b", "-D", "--pid", str(file))
    assert done.returncode == 0, done.stderr
    assert psutil.pid_exists(read_pid(file) or 0)


def test_a_pid_file_from_before_its_process_began_is_written_over(home: Path, start: Start) -> None:
    """As after the restart of a container, in which another process has got the old one's id."""
    file = home / "old.pid"
    file.write_text(f"{os.getpid()}")
    assert f"Process {os.getpid()} runs already" in start("kerberos", "a/b", "-D", "--pid", str(file)).stderr
    before = psutil.Process().create_time() - 60
    os.utime(file, (before, before))
    done = start("kerberos", "a/b", "-D", "--pid", str(file))
    assert done.returncode == 0, done.stderr
    assert read_pid(file) != os.getpid()


@pytest.mark.parametrize("option", FILES)
@pytest.mark.parametrize("place", ["a folder", "below a file"])
def test_a_file_that_cannot_be_written_is_told_before_anything_starts(
    home: Path, start: Start, option: str, place: str
) -> None:
    (home / "folder").mkdir()
    (home / "file").touch()
    path = home / "folder" if place == "a folder" else home / "file" / "x"
    done = start("kerberos", "a/b", "-D", option, str(path))
    assert done.returncode == 1
    assert done.stderr.startswith(f"{path} cannot be written: ")
    assert done.stderr.endswith(f"Give another file by {option}.\n")
    assert not list(home.glob("*.pid"))


def test_a_bad_umask_is_told(start: Start) -> None:
    done = start("kerberos", "a/b", "-D", AIRFLOW__CORE__DAEMON_UMASK="nope")
    assert (done.returncode, done.stderr) == (
        1, "[core] daemon_umask must be an octal number such as 0o077, not 'nope'.\n",
    )  # fmt: skip


def test_the_umask_is_that_of_the_options(home: Path, start: Start) -> None:
    (home / "kinit").write_text(f"#!/bin/sh\ntouch {home}/made\n")
    assert start("kerberos", "a/b", "-D", AIRFLOW__CORE__DAEMON_UMASK="0o027").returncode == 0
    wait_for((home / "made").exists)
    assert (home / "made").stat().st_mode & 0o777 == 0o640


def test_a_pid_file_is_written_in_the_foreground_only_when_it_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "x.pid"
    with background.running("part", {"pid_file": str(file)}):
        assert read_pid(file) == os.getpid()
    assert not file.exists()
    with background.running("part", {}):
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", ["scheduler", "triggerer", "dag-processor", "webserver", "celery worker"])
def test_a_part_refuses_to_start_before_the_migrations_ran(home: Path, start: Start, part: str) -> None:
    done = start(*part.split(), "-D")
    assert done.returncode == 1
    assert "migrations have not run" in done.stderr
    assert done.stderr.endswith("Run: airflowsite db migrate\n")
    assert "Traceback" not in done.stderr
    assert not list(home.glob("*.pid"))


def test_the_log_of_a_part_is_in_its_log_file(home: Path, start: Start) -> None:
    assert start("db", "migrate").returncode == 0
    done = start("scheduler", "-D", AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK="False")
    assert done.returncode == 0, done.stderr
    pid_file, log = home / "airflow-scheduler.pid", home / "airflow-scheduler.log"
    wait_for(lambda: "Scheduler 1 started" in log.read_text())

    second = start("scheduler", "-D")
    assert (second.returncode, "Traceback" in second.stderr) == (1, False)
    assert f"runs already, says {pid_file}" in second.stderr

    os.kill(read_pid(pid_file) or 0, signal.SIGTERM)
    wait_for(lambda: not pid_file.exists())
    assert (home / "airflow-scheduler.err").read_text() == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--autoscale", "nope"], "is no pair of whole numbers such as 12,4"),
        (["--autoscale", "2,4"], "the first number is the most"),
        (["--umask", "89"], "is no octal number such as 077"),
        (["--queues", " , "], "it names no queue, such as default"),
    ],
)
def test_values_that_a_worker_cannot_take_are_usage_errors(start: Start, words: list[str], said: str) -> None:
    done = start("celery", "worker", *words)
    assert done.returncode == 2
    assert said in done.stderr


def test_stopping_a_worker_that_does_not_run_is_told(home: Path, start: Start) -> None:
    done = start("celery", "stop", "--pid")
    assert (done.returncode, done.stderr) == (
        1, f"No worker runs with the process id in {home}/airflow-worker.pid. Say where it is by --pid.\n",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "-5"], "There is no port -5. Give --port a number from 0 to 65535."),
        (["--port", "65536"], "There is no port 65536."),
        (["--workers", "0"], "--workers must be at least 1."),
        (["--worker-timeout", "-1"], "--worker-timeout must be at least 0"),
        (["--ssl-cert", "/no/such/file"], "There is no file /no/such/file"),
        (["--ssl-cert", __file__, "--ssl-key", __file__], "Give a certificate and its key in PEM"),
        (["--access-logfile", "/no/such/folder/x"], "/no/such/folder/x cannot be written: No such file or directory."),
    ],
)
def test_what_cannot_be_served_is_refused(monkeypatch: pytest.MonkeyPatch, words: list[str], said: str) -> None:
    monkeypatch.setattr("orchestration.management.commands.webserver.serve", lambda options: None)
    with pytest.raises(CommandError, match=re.escape(said)):
        call_command("webserver", *words)


def test_what_can_be_served_is(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[WebOptions] = []
    monkeypatch.setattr("orchestration.management.commands.webserver.serve", served.append)
    call_command("webserver", "-p", "0", "-w", "1", "-t", "0", "-A", "-")
    assert [(each.port, each.workers, each.timeout_seconds, each.access_log) for each in served] == [(0, 1, 0, "-")]
