"""Each operation as each role: 445 cells of the reference, over HTTP (SECURITY 2: CVE-2024-28746; OWASP API5).

A caller who may not gets 403 before anything is looked up; one who may gets anything else.
"""

from __future__ import annotations

import pytest

from orchestration.access.requirements import OPERATIONS
from tests.access import reference
from tests.people import ROLES, Api, person
from tests.security.operations import SERVED, address, body

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _gates_open(monkeypatch):
    """The two operations that are closed by an option answer 403 to everybody otherwise."""
    monkeypatch.setenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG", "True")
    monkeypatch.setenv("AIRFLOW__CORE__TEST_CONNECTION", "Enabled")


def test_every_operation_of_the_reference_is_served_and_none_without_a_requirement():
    assert {operation.id for operation in OPERATIONS if not operation.is_extra} <= set(SERVED)
    assert set(SERVED) <= {operation.id for operation in OPERATIONS}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("asked", reference.OPERATIONS)
def test_a_role_may_call_what_it_may_in_the_reference(asked, role):
    method, _, path = asked.partition(" ")
    operation = next(o for o in SERVED.values() if (o.method, o.path) == (method, path))
    answer = Api(person(role)).call(method, address(operation), body(operation))
    if role in reference.OPERATIONS[asked]["allowed"]:
        assert answer.status_code not in {401, 403}, answer.content
        assert answer.status_code < 500
    else:
        assert answer.status_code == 403
        assert answer.json()["title"] == "Forbidden"


@pytest.mark.parametrize("served", SERVED.values(), ids=lambda o: o.id)
def test_nobody_gets_in_without_credentials(served):
    answer = Api().call(served.method, address(served), body(served))
    if served.rule.is_open:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"]
        assert answer.json()["title"] == "Unauthorized"


@pytest.mark.parametrize("served", [o for o in SERVED.values() if o.rule.is_extra], ids=lambda o: o.id)
def test_our_own_operations_ask_permissions_too(served):
    answer = Api(person("Public")).call(served.method, address(served), body(served))
    assert answer.status_code == 403
    answer = Api(person("Admin")).call(served.method, address(served), body(served))
    assert answer.status_code not in {401, 403}
    assert answer.status_code < 500
