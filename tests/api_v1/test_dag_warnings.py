"""Warnings about DAGs."""

from __future__ import annotations

import pytest

from orchestration.models import User
from tests.api_v1.conftest import Api
from tests.factories import DagFactory, DagWarningFactory


@pytest.fixture
def two(api: Api) -> None:
    for name in ("d1", "d2"):
        DagWarningFactory(dag=DagFactory(dag_id=name), message=f"about {name}")


def told(answer) -> list[str]:
    assert answer.status == 200, answer
    return [row["message"] for row in answer.json["dag_warnings"]]


def test_warnings_are_listed(api: Api, two: None) -> None:
    answer = api.get("/dagWarnings")
    assert told(answer) == ["about d1", "about d2"]
    assert answer.json["total_entries"] == 2
    assert set(answer.json["dag_warnings"][0]) == {"dag_id", "warning_type", "message", "timestamp"}
    assert told(api.get("/dagWarnings", dag_id="d2")) == ["about d2"]
    assert told(api.get("/dagWarnings", warning_type="non-existent pool")) == ["about d1", "about d2"]
    assert told(api.get("/dagWarnings", order_by="-dag_id", limit=1)) == ["about d2"]
    assert api.get("/dagWarnings", order_by="nope").status == 400


def test_warnings_about_other_dags_are_not_told(api: Api, two: None, d1only: User) -> None:
    assert told(api.get("/dagWarnings", user="d1only")) == ["about d1"]
    assert told(api.get("/dagWarnings", user="d1only", dag_id="d1")) == ["about d1"]
    assert api.get("/dagWarnings", user="d1only", dag_id="d2").status == 403
