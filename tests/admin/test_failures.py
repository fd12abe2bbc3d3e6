"""Pages while the database is away: a 503 that says so, and a line in the log."""

from __future__ import annotations

import logging

import pytest
from django.db import OperationalError
from django.test import Client


@pytest.mark.parametrize(
    ("error", "status", "heading"),
    [
        (OperationalError("connection refused\nIs it running?"), 503, "The database does not answer"),
        (ZeroDivisionError("no"), 500, "The server failed"),
    ],
)
def test_a_page_without_its_database_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception, status: int, heading: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("orchestration.admin.site.OperatorsSite.each_context", fail)
    caplog.set_level(logging.WARNING)
    answer = Client(raise_request_exception=False).get("/admin/login/")
    assert (answer.status_code, heading in answer.content.decode()) == (status, True)
    assert (answer.headers.get("Retry-After") is not None) == (status == 503)
    traces = [record for record in caplog.records if record.exc_info]
    assert len(traces) == (0 if status == 503 else 1)
    if status == 503:
        assert "The database is busy or away: connection refused" in caplog.messages


def test_the_login_page_is_shown_without_asking_the_database() -> None:
    assert Client().get("/admin/login/").status_code == 200  # without the mark, pytest refuses a query
