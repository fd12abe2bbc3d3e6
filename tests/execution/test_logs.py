"""Where logs lie, and how they are read: paths, cursors, another machine's."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.signing import TimestampSigner

from orchestration.conf import conf
from orchestration.errors import Invalid, Unavailable
from orchestration.execution.log_server import LogServer, fetch
from orchestration.execution.logs import Cursor, log_path, parts_of, read, read_try
from orchestration.execution.task_log import LONGEST_LINE, TaskLog

IDS: dict[str, Any] = {
    "dag_id": "d",
    "run_id": "manual__2024-01-01T00:00:00+00:00",
    "task_id": "t",
    "map_index": -1,
    "try_number": 2,
}


def folder():
    return conf.path("logging", "base_log_folder")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "dag_id=d/run_id=manual__2024-01-01T00:00:00+00:00/task_id=t/attempt=2.log"),
        ({"map_index": 0}, "dag_id=d/run_id=manual__2024-01-01T00:00:00+00:00/task_id=t/map_index=0/attempt=2.log"),
    ],
)
def test_a_log_lies_where_the_reference_has_it(changes, expected):
    assert log_path(**{**IDS, **changes}) == folder() / expected


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ ti.dag_id }}/{{ ti.task_id }}/{{ try_number }}.log", "d/t/2.log"),
        ("{dag_id}/{task_id}/{try_number}.log", "d/t/2.log"),
        ("{{ ti.run_id.upper() }}.log", "MANUAL__2024-01-01T00:00:00+00:00.log"),
    ],
)
def test_the_template_is_an_option(monkeypatch, template, expected):
    monkeypatch.setenv("AIRFLOW__LOGGING__LOG_FILENAME_TEMPLATE", template)
    assert log_path(**IDS) == folder() / expected


@pytest.mark.parametrize("run_id", ["../../x", "a/../../../b", "a//b", "a/./b", "nul\0"])
def test_no_id_leads_out_of_the_folder(run_id):
    with pytest.raises(Invalid):
        log_path(**{**IDS, "run_id": run_id})


def test_a_template_that_leads_out_of_the_folder_is_refused(monkeypatch):
    monkeypatch.setenv("AIRFLOW__LOGGING__LOG_FILENAME_TEMPLATE", "/etc/{{ ti.dag_id }}")
    with pytest.raises(Invalid):
        log_path(**IDS)


def test_a_log_that_is_not_there_is_empty(tmp_path):
    assert read(tmp_path / "none.log", 0) == (b"", 0, True)
    assert read_try(tmp_path / "none.log") == (b"", Cursor(), True)


@pytest.mark.parametrize("limit", [7, 16, 100, 10_000])
@pytest.mark.parametrize("text", ["line one\nline two\nthree", "äöü€😀" * 40, "a" * 300, "\n" * 50, ""])
def test_reading_in_pieces_gives_the_whole_and_cuts_no_character(tmp_path, text, limit):
    path = tmp_path / "a.log"
    path.write_bytes(text.encode())
    offset, is_end, pieces = 0, False, []
    while not is_end:
        data, offset, is_end = read(path, offset, limit)
        pieces.append(data.decode())
    assert "".join(pieces) == text


def test_a_growing_log_is_read_on_where_reading_stopped(tmp_path):
    path = tmp_path / "attempt=1.log"
    path.write_text("one\n")
    data, cursor, is_end = read_try(path)
    assert (data, is_end) == (b"one\n", True)
    assert read_try(path, cursor)[0] == b""
    with path.open("a") as file:
        file.write("two\n")
    assert read_try(path, Cursor.from_json(cursor.as_json()))[0] == b"two\n"


def test_a_triggers_lines_come_where_their_time_puts_them(tmp_path):
    path = tmp_path / "attempt=1.log"
    path.write_text(
        "[2024-01-01T00:00:01.000+0000] {a.py:1} INFO - deferred\nwith a second line\n"
        "[2024-01-01T00:00:05.000+0000] {a.py:1} INFO - resumed\n"
    )
    (tmp_path / "attempt=1.log.trigger.7.log").write_text("[2024-01-01T00:00:03.000+0000] {t.py:1} INFO - fired\n")
    (tmp_path / "attempt=10.log").write_text("another try\n")
    data, cursor, _ = read_try(path)
    words = [line.split(b" - ")[-1] for line in data.splitlines()]
    assert words == [b"deferred", b"with a second line", b"fired", b"resumed"]
    assert len(parts_of(path)) == 2
    assert read_try(path, cursor) == (b"", cursor, True)


@pytest.mark.parametrize("document", [None, [], {"a": -1}, {"a": "1"}, {1: 1}])
def test_a_position_that_is_none_is_refused(document):
    with pytest.raises(Invalid):
        Cursor.from_json(document)


@pytest.fixture
def server():
    server = LogServer("127.0.0.1", 0)
    server.start()
    yield server
    server.stop()


def test_another_machines_log_is_fetched_with_a_signed_request(server):
    path = log_path(**{**IDS, "task_id": "remote"})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("far away\n")
    data, cursor, is_end = fetch("127.0.0.1", path, port=server.port)
    assert (data, is_end) == (b"far away\n", True)
    with path.open("a") as file:
        file.write("more\n")
    assert fetch("127.0.0.1", path, cursor, port=server.port)[0] == b"more\n"


@pytest.mark.parametrize(
    ("salt", "path", "status"),
    [
        ("orchestration.log_server", "../airflowsite.db", 403),
        ("orchestration.log_server", "/etc/passwd", 403),
        ("another", "x.log", 403),
    ],
)
def test_a_request_that_is_not_signed_or_leads_out_of_the_folder_is_refused(server, salt, path, status):
    import httpx

    token = TimestampSigner(salt=salt).sign_object({"path": path, "cursor": {}})
    assert httpx.get(f"http://127.0.0.1:{server.port}/log", params={"token": token}).status_code == status
    assert httpx.get(f"http://127.0.0.1:{server.port}/log").status_code == 403
    assert httpx.get(f"http://127.0.0.1:{server.port}/other").status_code == 404


def test_an_old_request_is_refused(server, monkeypatch):
    monkeypatch.setattr("orchestration.execution.log_server.MAX_AGE", 0)
    time.sleep(1.1)
    with pytest.raises(Unavailable):
        token_path = log_path(**IDS)
        monkeypatch.setattr("time.time", lambda now=time.time(): now - 10)
        fetch("127.0.0.1", token_path, port=server.port)


def test_a_machine_that_does_not_answer_is_unavailable():
    with pytest.raises(Unavailable, match="does not answer"):
        fetch("127.0.0.1", log_path(**IDS), port=1)


@contextlib.contextmanager
def task_log(path: Path) -> Iterator[Path]:
    log = TaskLog(str(path))
    log.start()
    try:
        yield path
    finally:
        log.stop()


def test_output_and_loggers_are_taken_over_and_given_back(tmp_path):
    before, handlers = sys.stdout, logging.getLogger().handlers[:]
    with task_log(tmp_path / "deep" / "folder" / "a.log") as path:
        print("captured")
        logging.getLogger("x").warning("logged %s", "too")
        logging.getLogger("x").warning("does not fit %s %s", "one")
        assert sys.stdout is not before
    assert sys.stdout is before
    assert logging.getLogger().handlers == handlers
    text = path.read_text()
    assert "{logging_mixin.py:190} INFO - captured" in text
    assert "WARNING - logged too" in text
    assert "its arguments do not fit" in text


def test_a_line_without_end_is_cut_into_pieces(tmp_path):
    with task_log(tmp_path / "a.log") as path:
        print("z" * (3 * LONGEST_LINE + 5))
    pieces = [line.split(" - ", 1)[1] for line in path.read_text().splitlines()]
    assert "".join(pieces) == "z" * (3 * LONGEST_LINE + 5)
    assert max(map(len, pieces)) <= LONGEST_LINE
