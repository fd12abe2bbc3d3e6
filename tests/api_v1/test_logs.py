"""Task logs: text, JSON in parts, tokens, and the memory they take."""

from __future__ import annotations

import ast
import tracemalloc
from pathlib import Path
from urllib.parse import quote

import pytest

from orchestration.execution.logs import CHUNK, log_path
from orchestration.models import DagRun, TaskInstance
from tests.api_v1.conftest import Api, path_of
from tests.factories import TaskInstanceFactory, TaskInstanceHistoryFactory, make_dag, make_run
from tests.people import basic

JSON = {"Accept": "application/json"}
TEXT = {"Accept": "text/plain"}


@pytest.fixture
def run(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DagRun:
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    run = make_run(make_dag("a", dag_id="d1"), {"a": "running"}, run_id="r")
    TaskInstance.objects.update(try_number=2, hostname="now")
    TaskInstanceHistoryFactory(task_instance=run.task_instances.get(), try_number=1, hostname="then")
    return run


def write(text: str | bytes, number: int = 2, index: int = -1, run_id: str = "r", mode: str = "wb") -> Path:
    path = log_path(dag_id="d1", run_id=run_id, task_id="a", map_index=index, try_number=number)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open(mode) as file:
        file.write(text.encode() if isinstance(text, str) else text)
    return path


def logs(run: DagRun, number: int = 2) -> str:
    return f"{path_of(run)}/taskInstances/a/logs/{number}"


def content(answer) -> list[tuple[str, str]]:
    assert answer.status == 200, answer
    assert answer.type == "application/json"
    return ast.literal_eval(answer.json["content"])


def test_a_log_is_text_for_who_takes_anything(api: Api, run: DagRun) -> None:
    write("one\ntwo ✓\n")
    for accept in (TEXT, {"Accept": "*/*"}, {"Accept": "text/plain;q=0.9, application/json;q=0.1"}):
        answer = api.get(logs(run), headers=accept)
        assert answer.type == "text/plain"
        assert answer.content.decode() == "now\none\ntwo ✓\n\n"


def test_a_log_is_json_for_who_does_not_say_what_they_take(api: Api, run: DagRun) -> None:
    write("one")
    answer = api.client.get(f"/api/v1{logs(run)}", headers={"Authorization": basic("admin")})
    assert answer["Content-Type"] == "application/json"


def test_a_log_as_json_is_the_text_of_a_list(api: Api, run: DagRun) -> None:
    write('it\'s "quoted" \\ and ✓\n\ttab')
    answer = api.get(logs(run), headers=JSON)
    assert content(answer) == [("now", 'it\'s "quoted" \\ and ✓\n\ttab')]
    assert set(answer.json) == {"content", "continuation_token"}


def test_each_try_has_its_own_log_and_host(api: Api, run: DagRun) -> None:
    write("second", 2)
    write("first", 1)
    assert content(api.get(logs(run, 1), headers=JSON)) == [("then", "first")]
    assert content(api.get(logs(run, 2), headers=JSON)) == [("now", "second")]


def test_a_token_leads_to_what_was_written_since(api: Api, run: DagRun) -> None:
    write("one\n")
    first = api.get(logs(run), headers=JSON)
    token = first.json["continuation_token"]
    assert content(api.get(logs(run), headers=JSON, token=token))[0][1] == ""
    write("two\n", mode="ab")
    second = api.get(logs(run), headers=JSON, token=token)
    assert content(second) == [("now", "two\n")]
    assert content(api.get(logs(run), headers=JSON, token=second.json["continuation_token"]))[0][1] == ""


def test_a_long_log_comes_in_parts_without_a_broken_sign(api: Api, run: DagRun) -> None:
    line = "x✓🦆 line\n"
    text = line * (3 * CHUNK // len(line.encode()))
    write("y" + text)  # so that the border of a part lies within a sign
    parts, token = [], None
    for _ in range(20):
        answer = api.get(logs(run), headers=JSON, **({"token": token} if token else {}))
        [(_, part)] = content(answer)
        token = answer.json["continuation_token"]
        if not part:
            break
        assert len(part.encode()) <= CHUNK
        parts.append(part)
    assert len(parts) >= 3
    assert "".join(parts) == "y" + text
    assert content(api.get(logs(run), headers=JSON, full_content="true"))[0][1] == "y" + text
    assert api.get(logs(run), headers=TEXT).content.decode() == "now\ny" + text + "\n"


def test_a_log_of_any_length_takes_little_memory(api: Api, run: DagRun) -> None:
    write(b"0123456789abcde\n" * (40 * 1024 * 1024 // 16))
    for accept, query in ((TEXT, {}), (JSON, {"full_content": "true"}), (JSON, {})):
        client = api.client
        api.get("/dags")  # what is imported and kept at first use
        tracemalloc.start()
        response = client.get(
            f"/api/v1{logs(run)}", query, headers={**accept, "Authorization": "Basic YWRtaW46cGFzc3dvcmQ="}
        )
        length = sum(len(piece) for piece in (response.streaming_content if response.streaming else [response.content]))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert response.status_code == 200
        assert length >= CHUNK // 2
        assert peak < 24 * CHUNK, (accept, query, peak)


@pytest.mark.parametrize("token", ["x", "a.b", "eyJ4IjoxfQ.nope", "..", "é", "A" * 5000, "\0"])
def test_a_token_that_was_not_given_out_is_refused(api: Api, run: DagRun, token: str) -> None:
    write("one")
    answer = api.get(logs(run), headers=JSON, token=token)
    assert answer.status == 400
    assert "one" not in answer.content.decode()


def test_a_token_of_something_else_is_refused(api: Api, run: DagRun) -> None:
    write("one")
    dag = api.get("/dags/d1").json
    answer = api.get(logs(run), headers=JSON, token=dag["file_token"])
    assert (answer.status, answer.title) == (400, "Bad Signature. Please use only the tokens provided by the API.")


def test_mapped_instances_have_logs_of_their_own(api: Api, run: DagRun) -> None:
    for index in (0, 1):
        TaskInstanceFactory(run=run, task_id="a", map_index=index, try_number=1, hostname="h")
        write(f"number {index}", 1, index)
    assert content(api.get(logs(run, 1), headers=JSON, map_index=1)) == [("h", "number 1")]
    assert api.get(logs(run, 1), headers=JSON, map_index=7).status == 404
    assert api.get(logs(run, 1), headers=JSON, map_index=2**40).status == 404


def test_a_try_without_a_log_says_so(api: Api, run: DagRun) -> None:
    answer = api.get(logs(run, 1), headers=JSON)
    ((host, said),) = content(answer)
    assert "no log of try 1" in said
    again = api.get(logs(run, 1), headers=JSON, token=answer.json["continuation_token"])
    assert content(again) == [(host, "")], "what was said was said"
    assert content(api.get(logs(run, 0), headers=JSON)) == [
        ("default_host", "Error fetching the logs. Try number 0 is invalid.")
    ]
    assert api.get(f"{path_of(run)}/taskInstances/nope/logs/1", headers=JSON).status == 404
    assert api.get(logs(run, 2**40), headers=JSON).status == 200


def test_bytes_that_are_no_text_are_shown_as_such(api: Api, run: DagRun) -> None:
    write(b"\xff\xfe ok \x80\n")
    [(_, text)] = content(api.get(logs(run), headers=JSON))
    assert " ok " in text
    assert b" ok " in api.get(logs(run), headers=TEXT).content


@pytest.mark.parametrize("run_id", ["../../other", "..", "a/../../b", "/etc/passwd", "x\ny"])
def test_no_name_leads_out_of_the_folder(api: Api, run: DagRun, tmp_path: Path, run_id: str) -> None:
    (tmp_path.parent / "other").mkdir(exist_ok=True)
    odd = make_run(run.dag, {"a": "success"}, run_id=run_id)
    answer = api.get(f"/dags/d1/dagRuns/{quote(run_id, safe='')}/taskInstances/a/logs/1", headers=JSON)
    assert answer.status in {200, 404}, answer
    assert b"root:" not in answer.content
    odd.delete()


def test_logs_need_their_own_permission(api: Api, run: DagRun) -> None:
    write("SECRET LINE")
    for user, status in (("viewer", 200), ("public", 403), (None, 401)):
        answer = api.get(logs(run), headers=JSON, user=user)
        assert answer.status == status
        assert (b"SECRET LINE" in answer.content) == (status == 200)
