"""Sources of DAG files, and asking for a file to be parsed."""

from __future__ import annotations

import pytest

from orchestration.models import EventLog, ParseRequest, User
from tests.api_v1.conftest import Api
from tests.factories import DagFactory, DagSourceFactory

TEXT = "# ünï\nprint('hello')\n"
HEADERS = {"text/plain": {"Accept": "text/plain"}, "application/json": {"Accept": "application/json"}}


@pytest.fixture
def token(api: Api) -> str:
    source = DagSourceFactory(fileloc="/dags/f.py", text=TEXT)
    DagFactory(dag_id="d1", fileloc="/dags/f.py", source=source)
    found: str = api.get("/dags/d1").json["file_token"]
    return found


def test_a_source_is_text_or_json(api: Api, token: str) -> None:
    answer = api.get(f"/dagSources/{token}", headers=HEADERS["text/plain"])
    assert (answer.status, answer.type, answer.content.decode()) == (200, "text/plain", TEXT)
    answer = api.get(f"/dagSources/{token}", headers=HEADERS["application/json"])
    assert (answer.status, answer.type, answer.json) == (200, "application/json", {"content": TEXT})
    assert api.get(f"/dagSources/{token}", headers={"Accept": "image/png"}).status == 406


@pytest.mark.parametrize("bad", ["x", "a.b", "eyJ4IjoxfQ.AAAA", "A" * 3000, ".", "é"])
def test_a_token_that_was_not_given_out_finds_nothing(api: Api, token: str, bad: str) -> None:
    assert api.get(f"/dagSources/{bad}").status == 404
    assert api.put(f"/parseDagFile/{bad}").status == 404
    assert not ParseRequest.objects.exists()


def test_a_changed_token_finds_nothing(api: Api, token: str) -> None:
    for place in range(0, len(token), 7):
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert api.get(f"/dagSources/{changed}").status == 404, place


def test_a_file_is_shown_to_who_may_read_every_dag_in_it(api: Api, token: str, d1only: User) -> None:
    assert api.get(f"/dagSources/{token}", user="d1only").status == 200
    DagFactory(dag_id="d2", fileloc="/dags/f.py")
    answer = api.get(f"/dagSources/{token}", user="d1only")
    assert answer.status == 403
    assert b"hello" not in answer.content


def test_a_file_is_parsed_again_once_however_often_it_is_asked(api: Api, token: str, d1only: User) -> None:
    for _ in range(3):
        assert api.put(f"/parseDagFile/{token}").status == 201
    assert list(ParseRequest.objects.values_list("fileloc", flat=True)) == ["/dags/f.py"]
    assert api.put(f"/parseDagFile/{token}", user="d1only").status == 201
    assert api.put(f"/parseDagFile/{token}", user="viewer").status == 403
    DagFactory(dag_id="d2", fileloc="/dags/f.py")
    assert api.put(f"/parseDagFile/{token}", user="d1only").status == 403
    logged = EventLog.objects.filter(event__endswith="reparse_dag_file").values_list("owner", flat=True)
    assert sorted(logged) == ["admin"] * 3 + ["d1only"]
