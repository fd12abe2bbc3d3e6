from __future__ import annotations

import os
import signal
import threading
import time

import psutil
import pytest

from orchestration.authoring.exceptions import AirflowException, AirflowSkipException
from orchestration.authoring.operators.bash import BashOperator
from tests.authoring.operators.support import execute, make_dag

pytestmark = pytest.mark.usefixtures("memory")


def bash(command, **kwargs):
    with make_dag():
        return BashOperator(task_id="t", bash_command=command, **kwargs)


def test_the_last_line_is_the_result():
    assert execute(bash("echo one; echo two")).result == "two"


def test_standard_error_is_logged_with_the_output(caplog):
    caplog.set_level("INFO")
    assert execute(bash("echo out; echo err >&2")).result in {"out", "err"}
    assert "err" in caplog.messages


def test_the_output_goes_through_the_processor():
    assert execute(bash("echo '{\"a\": 1}'", output_processor=len)).result == 8


@pytest.mark.parametrize(
    ("code", "skip_on", "error"),
    [
        (0, 99, None),
        (1, 99, AirflowException),
        (99, 99, AirflowSkipException),
        (99, None, AirflowException),
        (100, 100, AirflowSkipException),
        (3, [3, 4], AirflowSkipException),
        (5, [3, 4], AirflowException),
    ],
)
def test_the_exit_code_decides(code, skip_on, error):
    task = bash(f"exit {code}", skip_on_exit_code=skip_on)
    if error is None:
        execute(task)
        return
    with pytest.raises(error) as raised:
        execute(task)
    assert type(raised.value) is error
    assert str(code) in str(raised.value)


@pytest.mark.parametrize(
    ("env", "append", "expected"),
    [(None, False, "outer:"), ({"MINE": "m"}, False, ":m"), ({"MINE": "m"}, True, "outer:m")],
)
def test_the_environment_is_inherited_replaced_or_extended(monkeypatch, env, append, expected):
    monkeypatch.setenv("OUTER", "outer")
    assert execute(bash('echo "$OUTER:$MINE"', env=env, append_env=append)).result == expected


def test_the_runs_ids_are_in_the_environment():
    assert (
        execute(bash('echo "$AIRFLOW_CTX_DAG_ID/$AIRFLOW_CTX_TASK_ID/$AIRFLOW_CTX_DAG_RUN_ID"', env={})).result
        == "d/t/run_1"
    )


def test_what_others_chose_reaches_the_command_as_a_value_only(tmp_path):
    evil = f"$(touch {tmp_path}/x); `touch {tmp_path}/y`; touch {tmp_path}/z"
    task = bash('echo "got: $message"', env={"message": "{{ dag_run.conf['message'] }}"})
    assert execute(task, conf={"message": evil}).result == f"got: {evil}"
    assert list(tmp_path.iterdir()) == []


def test_a_script_file_is_rendered_and_run(tmp_path):
    (tmp_path / "hello.sh").write_text("echo {{ ds }} $0")
    with make_dag(template_searchpath=str(tmp_path)):
        task = BashOperator(task_id="t", bash_command="hello.sh")
    day, script = execute(task).result.split()
    assert day == "2024-03-05"
    assert script.endswith(".sh")


@pytest.mark.parametrize(("cwd", "words"), [("/not/there", "is not there"), (__file__, "is a file")])
def test_a_missing_working_folder_fails(cwd, words):
    with pytest.raises(AirflowException, match=words):
        execute(bash("pwd", cwd=cwd))


def test_it_runs_in_a_temporary_folder_or_in_the_one_given(tmp_path):
    assert "airflowtmp" in execute(bash("pwd")).result
    assert execute(bash("pwd", cwd=str(tmp_path))).result == str(tmp_path)


def test_a_long_output_in_another_encoding_does_not_fail():
    assert execute(bash("printf 'a\\xffb\\n'")).result == "a\\xffb"


def test_on_kill_ends_the_command_and_its_children():
    task = bash("sleep 60 & echo child $!; wait").prepare_for_execution()
    hook = task.subprocess_hook
    ended = []
    thread = threading.Thread(target=lambda: ended.append(hook.run_command(["bash", "-c", task.bash_command])))
    thread.start()
    while hook.sub_process is None:
        time.sleep(0.01)
    time.sleep(0.2)
    group = os.getpgid(hook.sub_process.pid)
    task.on_kill()
    thread.join(10)
    assert ended[0].exit_code == -signal.SIGTERM
    until = time.monotonic() + 5
    while living := _living_members(group):
        assert time.monotonic() < until, living
        time.sleep(0.02)


def _living_members(group: int) -> list[int]:
    found = []
    for process in psutil.process_iter(["pid", "status"]):
        try:
            is_member = os.getpgid(process.pid) == group
        except ProcessLookupError:
            continue
        if is_member and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def test_on_kill_without_a_command_does_nothing():
    bash("true").on_kill()
