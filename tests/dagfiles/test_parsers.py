"""Parsers as real processes: what they find, and that no file harms anyone but itself."""

import selectors
import time
import zipfile
from pathlib import Path

import psutil
import pytest

from orchestration.authoring.store import StoreError
from orchestration.dagfiles.processes import TAG_VARIABLE, Ended, Parsers
from orchestration.dagfiles.protocol import Limits, ParseJob

pytestmark = pytest.mark.processes

LIMITS = Limits(import_seconds=2, seconds=5, memory_bytes=768 * 1024 * 1024)
GOOD = """
from datetime import datetime
from airflow import DAG
from airflow.operators.empty import EmptyOperator
with DAG("{0}", schedule="@daily", start_date=datetime(2025, 1, 1), tags=["t"]):
    EmptyOperator(task_id="one") >> EmptyOperator(task_id="two")
"""


def answer(name, args, kwargs):
    if name == "get_variable":
        return {"greeting": "hello", "config": '{"dag_id": "from_variable"}'}.get(args[0] if args else kwargs["key"])
    raise StoreError(f"{name} is not for parsers")


def run(system, jobs, seconds=60) -> dict[str, Ended]:
    """Run the jobs at once until all are over."""
    parsers, selector = system
    for job in jobs:
        parsers.start(job)
    ended: dict[str, Ended] = {}
    limit = time.monotonic() + seconds
    while len(ended) < len(jobs):
        assert time.monotonic() < limit, f"still waiting for {sorted({job.path for job in jobs} - ended.keys())}"
        for each in parsers.ended():
            ended[each.job.path] = each
        for key, mask in selector.select(min(parsers.seconds_until_limit() or 0.05, 0.2)):
            parsers.handle(key, mask)
    return ended


@pytest.fixture(scope="module")
def system():
    with selectors.DefaultSelector() as selector, Parsers(selector, answer) as parsers:
        yield parsers, selector


@pytest.fixture
def parse(system, tmp_path):
    def parse_files(safe_mode=False, **sources):
        jobs = []
        for name, source in sources.items():
            path = tmp_path / f"{name}.py"
            path.write_bytes(source if isinstance(source, bytes) else source.encode())
            jobs.append(ParseJob(str(path), str(tmp_path), safe_mode, LIMITS))
        return {Path(path).stem: ended.result for path, ended in run(system, jobs).items()}

    return parse_files


def descendants_left(parsers) -> list[psutil.Process]:
    """Processes below this warm parent, beside it."""
    wanted = parsers._tag
    left = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TAG_VARIABLE) == wanted and process.pid != parsers._process.pid:
                left.append(process)
        except psutil.Error:
            continue
    return [process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]


def test_a_good_file_gives_its_dags_with_their_source(parse):
    result = parse(good=GOOD.format("good"))["good"]
    assert result.errors == {}
    (dag,) = result.dags
    assert dag.document["dag_id"] == "good"
    assert [task["task_id"] for task in dag.document["tasks"]] == ["one", "two"]
    assert list(result.sources.values()) == [GOOD.format("good")]
    assert len(dag.shape) == len(dag.digest) == 64
    assert dag.upcoming is None


def test_files_are_parsed_at_the_same_time_and_apart(parse):
    found = parse(
        **{
            f"f{n}": GOOD.format(f"dag{n}") + f"\nimport sys; assert 'mark' not in vars(sys); sys.mark = {n}\n"
            for n in range(4)
        }
    )
    assert sorted(result.dags[0].document["dag_id"] for result in found.values()) == ["dag0", "dag1", "dag2", "dag3"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import nothing_like_this", "ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("from airflow.nonexistent import x", "airflow.nonexistent is not provided"),
        ("def f(:", "SyntaxError"),
        (b"x = '\xff\xfe'", "SyntaxError"),
        (b"x = 1\x00", "SyntaxError: source code string cannot contain null bytes"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def f(): return f()\nf()", "RecursionError"),
        ("raise BaseExceptionGroup('g', [KeyError('k')])", "ExceptionGroup"),
        ("class E(Exception):\n    def __str__(self): return 'a\\0b\\ud800'\nraise E()", "a\\x00b\\ud800"),
        ("raise ValueError('x' * 10**6)", "ValueError"),
        ("x = bytearray(1 << 30)", "MemoryError"),
        ("while True: pass", "AirflowTaskTimeout: The import of"),
        ("import time; time.sleep(100)", "AirflowTaskTimeout: The import of"),
        ("import os; os._exit(0)", "ended with status 0 before it could say"),
        ("import os; os._exit(7)", "ended with status 7 before it could say"),
        ("import os; os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("import os; os.kill(os.getpid(), 15)", "killed by SIGTERM"),
        ("import ctypes; ctypes.string_at(0)", "killed by SIGSEGV"),
        ("import os; os.closerange(0, 1000)", "closes files it did not open"),
        ("import os; os.write(3, b'\\xff' * 100)", "it sent what is no answer"),
        ("import os; os.write(3, b'\\x00\\x00\\x00\\x02{}')", "it sent what is no answer"),
        (
            "import signal, time\nfor n in (1, 2, 14, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(100)",
            "it took longer than 5 s",
        ),
        ("import sys; print('last words'); sys.stdout.flush(); import os; os._exit(1)", "last words"),
        (GOOD.format("bad id"), "may have letters"),
        (GOOD.format("x") + "\nfrom airflow.models import Variable\nVariable.get('absent')", "KeyError"),
    ],
)
def test_each_way_to_fail_is_an_import_error_that_says_so(parse, source, expected):
    result = parse(bad=source)["bad"]
    ((path, text),) = result.errors.items()
    assert path.endswith("/bad.py")
    assert expected in text
    assert len(text) < 25_000
    text.encode()
    assert "\0" not in text


def test_a_trace_begins_in_the_file(parse):
    result = parse(bad="def f():\n    1 / 0\nf()\n")["bad"]
    (text,) = result.errors.values()
    lines = text.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith('bad.py", line 3, in <module>')
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_a_hundred_megabytes_of_output_are_read_and_dropped(parse):
    result = parse(loud=GOOD.format("loud") + "\nfor _ in range(100): print('x' * 10**6)\nprint('the end')\n")["loud"]
    assert [dag.document["dag_id"] for dag in result.dags] == ["loud"]
    assert len(result.output) < 100_000
    assert "bytes left out" in result.output
    assert result.output.rstrip().endswith("the end")


def test_threads_that_are_left_do_not_hold_the_parser(parse):
    started = time.monotonic()
    result = parse(
        threads=GOOD.format("threads")
        + "\nimport threading, time\nthreading.Thread(target=time.sleep, args=(100,)).start()\n"
    )["threads"]
    assert len(result.dags) == 1
    assert time.monotonic() - started < 4


def test_nothing_that_a_file_starts_outlives_its_parser(parse, system):
    source = """
import os, subprocess, sys, time
subprocess.Popen(["sleep", "1000"])
subprocess.Popen(["sleep", "1000"], start_new_session=True)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        time.sleep(1000)
    os._exit(0)
"""
    result = parse(daemons=GOOD.format("daemons") + source)["daemons"]
    assert len(result.dags) == 1
    limit = time.monotonic() + 5
    while descendants_left(system[0]) and time.monotonic() < limit:
        time.sleep(0.1)
    assert descendants_left(system[0]) == []


def test_a_fork_bomb_ends_with_its_file(parse, system):
    found = parse(bomb="import os, time\nfor _ in range(7): os.fork()\ntime.sleep(1000)\n", good=GOOD.format("good"))
    assert "timeout" in next(iter(found["bomb"].errors.values()))
    assert len(found["good"].dags) == 1
    limit = time.monotonic() + 5
    while descendants_left(system[0]) and time.monotonic() < limit:
        time.sleep(0.1)
    assert descendants_left(system[0]) == []


def test_a_removed_working_directory_is_nobody_elses_loss(parse):
    found = parse(
        removes="import os, tempfile\nd = tempfile.mkdtemp()\nos.chdir(d)\nos.rmdir(d)\n" + GOOD.format("removes")
    )
    assert len(found["removes"].dags) == 1
    assert len(parse(after=GOOD.format("after"))["after"].dags) == 1


def test_a_file_that_kills_its_parent_loses_the_others_jobs_once(system, tmp_path):
    (tmp_path / "killer.py").write_text("import os; os.kill(os.getppid(), 9)\nimport time; time.sleep(5)")
    (tmp_path / "victim.py").write_text("import time; time.sleep(1.5)\n" + GOOD.format("victim"))
    jobs = [ParseJob(str(tmp_path / f"{name}.py"), str(tmp_path), False, LIMITS) for name in ("victim", "killer")]
    found = run(system, jobs)
    assert all(ended.lost and not ended.unborn for ended in found.values())
    again = run(system, jobs[:1])
    assert [len(ended.result.dags) for ended in again.values()] == [1]


def test_variables_are_read_through_the_processor(parse):
    source = """
import json
from datetime import datetime
from airflow import DAG
from airflow.models import Variable
assert Variable.get("greeting") == "hello"
assert Variable.get("absent", default_var="d") == "d"
DAG(Variable.get("config", deserialize_json=True)["dag_id"], schedule=None, start_date=datetime(2025, 1, 1))
dag = DAG("asked", schedule=None, start_date=datetime(2025, 1, 1))
"""
    result = parse(asks=source)["asks"]
    assert result.errors == {}
    assert result.asked
    assert [dag.document["dag_id"] for dag in result.dags] == ["asked"]


def test_many_threads_may_ask_at_once(parse):
    source = GOOD.format("threads") + (
        "\nfrom concurrent.futures import ThreadPoolExecutor\nfrom airflow.models import Variable\n"
        "with ThreadPoolExecutor(8) as pool: answers = list(pool.map(lambda _: Variable.get('greeting'), range(100)))\n"
        "assert answers == ['hello'] * 100\n"
    )
    assert parse(threads=source)["threads"].errors == {}


def test_what_only_tasks_may_ask_is_refused_in_words(parse):
    source = "from orchestration.authoring import store\nstore.current().get_xcoms(dag_id='x')  # dag airflow"
    (text,) = parse(asks=source)["asks"].errors.values()
    assert "StoreError: get_xcoms is not for parsers" in text


def test_safe_mode_passes_over_files_without_the_words(parse):
    found = parse(safe_mode=True, quiet="raise ValueError", good=GOOD.format("good"))
    assert found["quiet"].errors == {}
    assert len(found["good"].dags) == 1


def test_imported_modules_of_the_folder_are_told(parse, tmp_path):
    (tmp_path / "helper_of_test.py").write_text("x = 1\n")
    result = parse(user="import helper_of_test\n" + GOOD.format("user"))["user"]
    assert result.errors == {}
    assert str(tmp_path / "helper_of_test.py") in result.modules


def test_each_module_of_an_archive_is_a_file_of_its_own(system, tmp_path):
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.py", "import helper\n" + GOOD.format("one"))
        archive.writestr("two.py", "import pack.deep\n" + GOOD.format("two"))
        archive.writestr("broken.py", "1 / 0  # airflow dag")
        archive.writestr("helper.py", "value = 1")
        archive.writestr("pack/__init__.py", "")
        archive.writestr("pack/deep.py", "raise_not = 'airflow dag'")
    job = ParseJob(str(path), str(tmp_path), True, LIMITS)
    (ended,) = run(system, [job]).values()
    assert {dag.document["dag_id"]: dag.document["fileloc"] for dag in ended.result.dags} == {
        "one": f"{path}/one.py",
        "two": f"{path}/two.py",
    }
    assert list(ended.result.errors) == [f"{path}/broken.py"]
    assert "ZeroDivisionError" in ended.result.errors[f"{path}/broken.py"]
    assert ended.result.sources[f"{path}/one.py"].startswith("import helper")


def test_the_same_id_twice_in_one_archive_is_an_error(system, tmp_path):
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.py", GOOD.format("same"))
        archive.writestr("two.py", GOOD.format("same"))
    (ended,) = run(system, [ParseJob(str(path), str(tmp_path), True, LIMITS)]).values()
    assert len(ended.result.dags) == 1
    assert "AirflowDagDuplicatedIdException: DAG 'same' from" in next(iter(ended.result.errors.values()))


def test_a_damaged_archive_is_an_error(system, tmp_path):
    path = tmp_path / "packed.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.py", GOOD.format("one") * 50)
    content = bytearray(path.read_bytes())
    content[60:90] = b"\0" * 30
    path.write_bytes(content)
    (ended,) = run(system, [ParseJob(str(path), str(tmp_path), True, LIMITS)]).values()
    assert ended.result.dags == ()
    assert ended.result.errors


def test_a_file_that_vanished_meanwhile_is_an_error(system, tmp_path):
    (ended,) = run(system, [ParseJob(str(tmp_path / "gone.py"), str(tmp_path), False, LIMITS)]).values()
    assert "FileNotFoundError" in next(iter(ended.result.errors.values()))


def test_a_user_written_timetable_is_asked_ahead_from_the_last_run(system, tmp_path):
    source = """
from datetime import datetime
from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable
class Weekly(Timetable):
    def infer_manual_data_interval(self, *, run_after):
        return DataInterval(run_after.subtract(weeks=1), run_after)
    def next_dagrun_info(self, *, last_automated_data_interval, restriction):
        start = last_automated_data_interval.end if last_automated_data_interval else restriction.earliest
        return DagRunInfo.interval(start, start.add(weeks=1))
with DAG("custom", schedule=Weekly(), start_date=datetime(2025, 1, 1)):
    EmptyOperator(task_id="one")
"""
    path = tmp_path / "custom.py"
    path.write_text(source)
    last = ("2025-02-05T00:00:00+00:00", "2025-02-12T00:00:00+00:00")
    job = ParseJob(str(path), str(tmp_path), True, LIMITS, {"custom": last})
    (ended,) = run(system, [job]).values()
    assert ended.result.errors == {}
    (dag,) = ended.result.dags
    assert dag.document["timetable"]["type"] == "custom"
    assert dag.upcoming is not None
    assert dag.upcoming["runs"][0]["start"] == last[1]
    assert dag.upcoming["manual"] == {"kind": "offset", "start": -604800.0, "end": 0.0}


def test_a_dag_that_cannot_be_written_as_json_is_an_error_of_its_file(parse):
    source = GOOD.format("odd") + "\nbad = DAG('bad', schedule=None, description='x\\ud800')\n"
    result = parse(odd=source)["odd"]
    assert [dag.document["dag_id"] for dag in result.dags] == ["odd"]
    assert len(result.errors) == 1
