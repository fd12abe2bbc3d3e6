"""Generated requests for every operation, against the program itself: schemathesis with all of its checks.

A bounded number here; ``python -m tests.contract.long_run`` goes on for as long as one likes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi import checks

from api_v1.document import document
from tests.api_v1.conftest import people  # noqa: F401 a fixture
from tests.contract.long_run import NOT_CHECKED
from tests.factories import make_dag, make_run
from tests.people import basic, forget_credentials

#: Requests of each operation.
EXAMPLES = 3
schema = schemathesis.openapi.from_wsgi("/openapi.json", get_wsgi_application())


@pytest.fixture(autouse=True)
def _some_rows(people: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: F811
    monkeypatch.setenv("AIRFLOW__WEBSERVER__LOGIN_FAILURE_LIMIT", "0")  # a check sends wrong credentials
    make_run(make_dag("a >> b", dag_id="d1"), run_id="r1")
    forget_credentials()
    # As Django's own test client does: a request's end must not close the connection that holds the test's rows.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    forget_credentials()


def test_every_operation_is_asked() -> None:
    asked = {f"{found.ok().method.upper()} {found.ok().path}" for found in schema.get_all_operations()}
    told = {f"{method.upper()} {path}" for path, item in document()["paths"].items() for method in item}
    assert asked == told
    assert len(asked) >= 105


@pytest.mark.timeout(600)  # subtests: the limit is of all operations together
@pytest.mark.django_db
@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_answers_are_what_the_document_says(case: Any) -> None:
    case.call_and_validate(headers={"Authorization": basic("admin")}, excluded_checks=[getattr(checks, NOT_CHECKED)])
