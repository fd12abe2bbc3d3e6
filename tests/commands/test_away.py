"""Parts that are started while something they need is away: a sentence that says what, and what to do next.

A database that may come by itself is waited for; where waiting cannot help the part ends with 1.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from django.db import connection

from tests.commands.conftest import Done
from tests.commands.test_background import wait_for
from tests.commands.test_pipes import PROGRAM, around
from tests.factories import TaskInstanceFactory
from tests.faults.cluster import Cluster
from tests.live import LiveSystem, free_port

Start = Callable[..., subprocess.CompletedProcess[str]]
PARTS = ("webserver", "scheduler", "triggerer", "dag-processor", "celery worker")
ELSEWHERE = "or name another file in [database] sql_alchemy_conn."
#: Whom a part runs as where the tests run as root, to whom every file is open. The interpreter may lie where only root
#: may look.
_NOBODY = [
    *("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"),
    *(
        f"--{kind}={keep}"
        for keep in ["-all,+dac_read_search"]
        for kind in ("inh-caps", "ambient-caps", "bounding-set")
    ),
    "--",
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    found = tmp_path / "home"
    found.mkdir()
    return found


@pytest.fixture
def start(home: Path) -> Start:
    """``start("scheduler", "-n", "1", database="sqlite:////x.db")``, to its end."""

    def call(*words: str, database: str | None = None, before: tuple[str, ...] = (), **extra: str) -> object:
        return subprocess.run(
            [*before, *PROGRAM, *words],
            env=settings(home, database, **extra),
            cwd=home,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return call  # type: ignore[return-value]


def settings(home: Path, database: str | None = None, **extra: str) -> dict[str, str]:
    named = {} if database is None else {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database}
    return {**around(home, AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK="False", **named), **extra}


def dead() -> str:
    """A database at a port nobody listens on."""
    return f"postgresql://nobody:S3CRET@127.0.0.1:{free_port()}/none"


def left_of(home: Path) -> list[psutil.Process]:
    """The processes that live in this home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("AIRFLOW_HOME") == str(home) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture
def running(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """``running("webserver", "-p", "8080", database=…)``; what it writes goes to ``home/"log"``."""
    begun: list[subprocess.Popen[str]] = []

    def begin(*words: str, database: str | None = None, **extra: str) -> subprocess.Popen[str]:
        with (home / "log").open("a") as log:
            begun.append(
                subprocess.Popen(
                    [*PROGRAM, *words],
                    env=settings(home, database, **extra),
                    cwd=home,
                    stdout=log,
                    stderr=log,
                    text=True,
                )
            )
        return begun[-1]

    yield begin
    for process in begun:
        process.terminate()
        try:
            process.wait(timeout=40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def said(home: Path) -> str:
    """What the parts of the home wrote, without the moments."""
    return re.sub(r"(?m)^\d{4}-\S+ ", "", (home / "log").read_text())


# A database that may come


def test_a_webserver_without_its_database_says_so_once_and_tells_callers_to_try_again(
    home: Path, running: Callable[..., subprocess.Popen[str]]
) -> None:
    port, url = free_port(), dead()
    process = running("webserver", "-p", str(port), "-w", "1", database=url)
    address = f"http://127.0.0.1:{port}"
    wait_for(lambda: process.poll() is not None or answers(address))
    assert process.poll() is None, said(home)

    (line,) = said(home).splitlines()[:1]
    assert line.startswith("WARNING orchestration.management.part: The database does not answer (")
    assert "Connection refused). This process waits, and goes on by itself when it does." in line
    assert "Until then it answers with 503." in line
    assert line.endswith("start the database, or correct [database] sql_alchemy_conn and start this process again.")
    assert "S3CRET" not in said(home)
    assert said(home).count("orchestration.management.part") == 1

    assert httpx.get(f"{address}/health").json()["metadatabase"]["status"] == "unhealthy"
    answer = httpx.get(f"{address}/api/v1/dags", auth=("admin", "admin"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert answer.headers["Retry-After"]
    assert answer.json()["status"] == 503
    assert "Traceback" not in said(home)

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=40) == 0


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/api/v1/version", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize("part", ["scheduler", "triggerer", "dag-processor"])
def test_the_other_parts_say_the_same_and_go_on_trying(
    home: Path, running: Callable[..., subprocess.Popen[str]], part: str
) -> None:
    process = running(part, database=dead())
    wait_for(lambda: process.poll() is not None or len(said(home).splitlines()) > 2)
    assert process.poll() is None, said(home)
    assert said(home).startswith("WARNING orchestration.management.part: The database does not answer (")
    assert said(home).count("goes on by itself when it does. If that lasts, start the database, or correct ") == 1
    assert "503" not in said(home).splitlines()[0]
    assert "Traceback" not in said(home)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=40) == 0


@pytest.mark.postgres
@pytest.mark.processes
@pytest.mark.timeout(300)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL is what comes")
def test_parts_that_were_started_before_their_database_go_on_when_it_comes() -> None:
    options = {("scheduler", "job_heartbeat_sec"): 1}
    with Cluster() as cluster, LiveSystem(database_url=cluster.url, parts=(), options=options) as system:
        names = ["--username", "ann", "--firstname", "A", "--lastname", "B", "--email", "ann@example.com"]
        system.manage("users", "create", *names, "--role", "Admin", "--password", "quite-Long-17")
        cluster.crash()
        for part in ("webserver", "scheduler", "triggerer", "dag_processor"):
            system.start(part)
        system.wait_until_served()
        with httpx.Client(base_url=system.url, auth=("ann", "quite-Long-17"), timeout=30) as caller:
            assert caller.get("/api/v1/dags").status_code == 503
            wait_for(lambda: system.log.read_text().count("This process waits") == 4)

            cluster.start()
            wait_for(lambda: caller.get("/api/v1/dags").status_code == 200)
            assert caller.post("/api/v1/pools", json={"name": "p", "slots": 1}).status_code == 200
            wait_for(lambda: {part["status"] for part in caller.get("/health").json().values()} == {"healthy"})
        assert all(process.poll() is None for process in system.processes)


# What waiting cannot help


@pytest.mark.parametrize("part", [*PARTS, "standalone"])
def test_a_part_ends_where_there_is_no_folder_for_its_database(home: Path, start: Start, part: str) -> None:
    done = start(*part.split(), database=f"sqlite:///{home}/no/such/x.db")
    assert (done.returncode, done.stderr) == (
        1, f"There is no folder {home}/no/such for the SQLite database. Make it, {ELSEWHERE}\n",
    )  # fmt: skip
    assert left_of(home) == []


@pytest.mark.parametrize("part", ["webserver", "standalone"])
@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("file/x.db", "{home}/file, where the SQLite database should be, is no folder. Move it away, "),
        ("folder", "{home}/folder is a folder, and no SQLite database. Move it away, "),
        ("file", "{home}/file is no SQLite database. Move it away, "),
        ("/proc/x.db", "The SQLite database /proc/x.db cannot be opened and written by the user with the id {uid}. "),
    ],
)
def test_what_cannot_be_a_database_is_told(home: Path, start: Start, part: str, place: str, sentence: str) -> None:
    (home / "folder").mkdir()
    (home / "file").write_text("This is a letter, and quite a long one: " * 50)
    done = start(part, database=f"sqlite:///{home / place}")
    assert done.returncode == 1
    assert done.stderr.startswith(sentence.format(home=home, uid=os.geteuid()))
    assert done.stderr.endswith(f"{ELSEWHERE}\n")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("which", ["folder", "file"])
@pytest.mark.parametrize("part", ["scheduler", "standalone"])
def test_a_database_that_only_others_may_write_is_told(home: Path, start: Start, part: str, which: str) -> None:
    folder = home.parent / "data"
    folder.mkdir()
    url = f"sqlite:///{folder}/x.db"
    before, user = as_somebody_else(home)
    assert start("db", "migrate", database=url).returncode == 0
    if which == "file":
        folder.chmod(0o777)
        (folder / "x.db").chmod(0o444)
    else:
        (folder / "x.db").chmod(0o666)
        folder.chmod(0o555)
    try:
        done = start(part, database=url, before=before)
    finally:
        folder.chmod(0o700)
    assert (done.returncode, done.stderr) == (
        1, f"The SQLite database {folder}/x.db cannot be opened and written by the user with the id {user}. Let that "
        f"user write the file and its folder, {ELSEWHERE}\n",
    )  # fmt: skip


def as_somebody_else(home: Path) -> tuple[tuple[str, ...], int]:
    """What begins a command of a user who may not write everywhere, and the user's id."""
    if os.geteuid() != 0:
        return (), os.geteuid()
    if shutil.which("setpriv") is None:
        pytest.skip("root may write everywhere, and there is no setpriv to become somebody else")
    done = subprocess.run([*_NOBODY, *PROGRAM, "version"], env=around(home), capture_output=True, check=False)
    if done.returncode:
        pytest.skip("root may not become somebody else here")
    shutil.chown(home, 65534, 65534)
    return tuple(_NOBODY), 65534


@pytest.mark.parametrize("part", ["webserver", "scheduler", "standalone"])
def test_an_option_that_the_database_does_not_know_is_told(start: Start, part: str) -> None:
    done = start(part, database=f"{dead()}?colour=blue")
    assert (done.returncode, done.stderr) == (
        1, 'The database cannot be used (invalid connection option "colour"). Correct [database] sql_alchemy_conn, or '
        "what its user may do there.\n",
    )  # fmt: skip


def test_standalone_ends_without_its_database_and_leaves_no_child(home: Path, start: Start) -> None:
    done = start("standalone", database=dead())
    assert done.returncode == 1
    assert re.fullmatch(
        r"The database does not answer \(.*: Connection refused\)\. Start the database, or correct \[database\] "
        r"sql_alchemy_conn; then start this again\.\n",
        done.stderr,
    )
    assert (done.stdout, left_of(home)) == ("", [])


def test_standalone_tells_that_it_cannot_make_its_dags_folder(home: Path, start: Start) -> None:
    (home / "file").touch()
    done = start("standalone", AIRFLOW__CORE__DAGS_FOLDER=f"{home}/file/dags")
    assert (done.returncode, done.stderr) == (
        1, f"{home}/file/dags cannot be written: Not a directory. Make that folder, or name another in [core] "
        "dags_folder.\n",
    )  # fmt: skip
    assert left_of(home) == []


# DAG files that are not there


@pytest.fixture
def tables(home: Path, start: Start) -> None:
    assert start("db", "migrate").returncode == 0


@pytest.mark.usefixtures("tables")
def test_a_dag_processor_tells_that_there_is_nothing_to_read_and_reads_it_when_it_comes(
    home: Path, running: Callable[..., subprocess.Popen[str]]
) -> None:
    folder = home / "later"
    process = running("dag-processor", "-S", str(folder), AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL="1")
    sentence = (
        f"There is no folder or file {folder}, so no DAG is read. Make it (it is looked for every 1 s), or give "
        "another by --subdir.\n"
    )
    wait_for(lambda: sentence in said(home))
    folder.mkdir()
    (folder / "late.py").write_text("from airflow import DAG\n\ndag = DAG('late', schedule=None)\n")
    wait_for(lambda: "late.py: 1 DAGs" in said(home))
    assert process.poll() is None


@pytest.mark.usefixtures("tables")
def test_a_dag_processor_that_ends_does_not_say_that_it_looks_again(home: Path, start: Start) -> None:
    done = start("dag-processor", "-S", "/nowhere", "-n", "1")
    assert done.returncode == 0
    assert done.stderr.endswith(
        "There is no folder or file /nowhere, so no DAG is read. Make it, or give another by --subdir.\n"
    )
    done = start("dag-processor", "-n", "1")
    assert done.stderr.endswith(
        f"There is no folder or file {home}/dags, so no DAG is read. Make it, or give another by [core] dags_folder.\n"
    )
    (home / "dags").mkdir()
    assert start("dag-processor", "-n", "1").stderr == ""


@pytest.mark.usefixtures("tables")
def test_a_scheduler_tells_that_there_is_no_such_subdir(home: Path, start: Start) -> None:
    sentence = (
        "There is no folder or file /nowhere. The scheduler itself reads no DAG files: make it, and give it to "
        "airflowsite dag-processor --subdir.\n"
    )
    done = start("scheduler", "-S", "/nowhere", "-n", "1")
    assert done.returncode == 0
    assert sentence in done.stderr
    assert "There is no folder" not in start("scheduler", "-S", str(home), "-n", "1").stderr


# Names that are not there


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "lists"),
    [
        ("pools get nope", "pools list"),
        ("pools delete nope", "pools list"),
        ("variables get nope", "variables list"),
        ("connections get nope", "connections list"),
        ("connections delete nope", "connections list"),
        ("users delete -u nope", "users list"),
        ("users reset-password -e nope@example.com -p Quite-Long-17", "users list"),
        ("roles delete nope", "roles list"),
        ("roles add-perms nope -r DAGs -a can_read", "roles list"),
        ("dags backfill nope --treat-dag-as-regex -s 2024-01-01", "dags list"),
        ("tasks clear nope --dag-regex -y", "dags list"),
        ("dags test nope", "dags list"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_the_command_that_lists_what_is(
    run: Callable[..., Done], words: str, lists: str
) -> None:
    done = run(*words.split())
    assert done.status == 1
    assert re.search(rf"`airflowsite {lists}` shows (all|what there is)\.\n$", done.err), done.err


@pytest.mark.django_db
def test_a_task_that_is_not_there_is_told_with_the_command_that_lists_what_is(run: Callable[..., Done]) -> None:
    instance = TaskInstanceFactory(task_id="there")
    dag_id, run_id = instance.run.dag_id, instance.run.run_id
    for verb in ("failed-deps", "run"):
        done = run("tasks", verb, dag_id, "nope", run_id)
        assert (done.status, done.err) == (
            1, f"There is no instance of task 'nope' (map index -1) in run {run_id!r}. "
            f"`airflowsite tasks states-for-dag-run {dag_id} {run_id}` shows all.\n",
        )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("group", ["pools", "variables", "roles", "users", "connections"])
def test_a_file_that_is_not_there_is_told_with_what_else_there_is(run: Callable[..., Done], group: str) -> None:
    done = run(group, "import", "/no/such.json")
    assert (done.status, done.err) == (
        1, "There is no file /no/such.json. Name another, or - for standard input.\n",
    )  # fmt: skip


# Options that say what cannot be


@pytest.mark.parametrize("part", ["webserver", "standalone"])
@pytest.mark.parametrize(
    ("database", "sentence"),
    [
        ("mysql://h/x", "[database] sql_alchemy_conn starts with 'mysql'. Use sqlite:////absolute/path.db or "),
        ("postgresql://h:abc/x", "[database] sql_alchemy_conn is no address of a database: Port could not be cast "),
    ],
)
def test_an_address_that_is_none_is_told(home: Path, start: Start, part: str, database: str, sentence: str) -> None:
    done = start(part, database=database)
    assert (done.returncode, done.stderr.startswith(sentence), len(done.stderr.splitlines())) == (1, True, 1)
    assert left_of(home) == []


@pytest.mark.parametrize("part", ["webserver", "standalone"])
def test_a_home_that_cannot_be_made_is_told(home: Path, start: Start, part: str) -> None:
    (home / "file").touch()
    done = start(part, AIRFLOW_HOME=f"{home}/file/home")
    assert (done.returncode, done.stderr) == (
        1, f"{home}/file/home/secret.key cannot be used: Not a directory. Make it writable, or set another "
        "AIRFLOW_HOME.\n",
    )  # fmt: skip
