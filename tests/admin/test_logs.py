"""Logs on the desk: pieces, searches and downloads of constant memory, whatever the size."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest
from django.urls import reverse

from orchestration.admin.pages import logs
from orchestration.execution.logs import log_path
from orchestration.models import Dag, TaskInstance
from tests.admin.conftest import client_of
from tests.factories import make_dag, make_run
from tests.people import person

pytestmark = pytest.mark.django_db

GIGABYTE = 1 << 30
#: What any single answer may hold at once.
MOST_MEMORY = 12 << 20
STEP = 64 << 20
LINE = b"[2024-01-01T00:00:00.000+0000] {job.py:7} INFO - all is well\n"
NEEDLE = b"[2024-01-01T00:00:00.000+0000] {job.py:9} ERROR - the needle at %d\nTraceback: needle\n"


@pytest.fixture
def path() -> Path:
    dag: Dag = make_dag("a", dag_id="d1")
    make_run(dag, {"a": "success"}, run_id="r1")
    TaskInstance.objects.update(try_number=1)
    found = log_path(dag_id="d1", run_id="r1", task_id="a", map_index=-1, try_number=1)
    found.parent.mkdir(parents=True, exist_ok=True)
    return found


@pytest.fixture
def gigabyte(path: Path) -> Path:
    """A log of 1 GB, most of it a hole, with lines every 64 MB."""
    with path.open("wb") as file:
        for start in range(0, GIGABYTE, STEP):
            file.seek(start)
            file.write(LINE * 1000 + NEEDLE % start)
        file.truncate(GIGABYTE - len(LINE) - 1)
        file.seek(0, 2)
        file.write(b"\n" + LINE)
    yield path
    path.unlink()


def address(name: str) -> str:
    return reverse(f"admin:{name}", args=("d1", "r1", "a"))


def test_a_log_of_a_gigabyte_is_shown_searched_and_downloaded_in_constant_memory(desk, gigabyte):
    desk.get(address("desk_log"), {"try": 1})  # what is loaded once is not counted
    tracemalloc.start()
    try:
        piece = desk.get(address("desk_log"), {"try": 1}).json()
        assert piece["text"].endswith("all is well\n")
        assert piece["skipped"] > GIGABYTE - 2 * logs.PIECE
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY

        tracemalloc.reset_peak()
        found, at, is_end = [], None, False
        while not is_end:
            query = {"try": 1, "q": "the needle", "level": "ERROR", **({"at": at} if at else {})}
            answer = desk.get(address("desk_log_search"), query).json()
            found += answer["lines"]
            at, is_end = answer["at"], answer["is_end"]
            assert answer["looked"] <= logs.SEARCHED + logs.PIECE
        assert len(found) == GIGABYTE // STEP
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY

        tracemalloc.reset_peak()
        whole = desk.get(address("desk_log_file"), {"try": 1})
        assert sum(len(part) for part in whole.streaming_content) == gigabyte.stat().st_size
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


def test_a_search_finds_words_and_levels_and_goes_on(desk, path, monkeypatch):
    path.write_bytes(LINE * 5 + NEEDLE % 1 + LINE * 5 + NEEDLE % 2)
    lines = desk.get(address("desk_log_search"), {"try": 1, "q": "NEEDLE"}).json()["lines"]
    assert [line.rsplit("- ")[-1] for line in lines] == [
        "the needle at 1",
        "Traceback: needle",
        "the needle at 2",
        "Traceback: needle",
    ]
    levels = desk.get(address("desk_log_search"), {"try": 1, "level": "ERROR"}).json()
    assert levels["lines"] == lines  # a traceback belongs to its error
    assert (levels["is_end"], levels["looked"]) == (True, path.stat().st_size)
    monkeypatch.setattr(logs, "MOST_FOUND", 1)
    monkeypatch.setattr(logs, "PIECE", 500)
    first = desk.get(address("desk_log_search"), {"try": 1, "q": "needle"}).json()
    assert not first["is_end"]
    rest = desk.get(address("desk_log_search"), {"try": 1, "q": "needle", "at": first["at"]}).json()
    assert first["lines"] + rest["lines"] == lines


@pytest.mark.parametrize("query", [{}, {"q": "  "}, {"q": "x", "at": "[]"}, {"q": "x", "try": "../1"}])
def test_a_search_for_nothing_or_nowhere_is_not_found(desk, path, query):
    path.write_bytes(LINE)
    assert desk.get(address("desk_log_search"), {"try": 1, **query}).status_code == 404


def test_logs_ask_the_right_to_read_them(path):
    path.write_bytes(LINE)
    for name in ("desk_log", "desk_log_file", "desk_log_search"):
        assert client_of(person("Public")).get(address(name), {"try": 1, "q": "x"}).status_code in (302, 403)
