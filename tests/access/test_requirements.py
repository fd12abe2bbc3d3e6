"""What each operation asks is what the reference asks."""

from __future__ import annotations

import pytest

from orchestration.access import permissions as p
from orchestration.access.permissions import Pair
from orchestration.access.requirements import BY_ID, BY_PATH, OPERATIONS
from tests.access import reference
from tests.people import ROLES, person, restricted, role

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("asked", reference.OPERATIONS)
def test_an_operation_asks_the_pairs_that_the_reference_asks(asked):
    method, _, path = asked.partition(" ")
    operation = BY_PATH[method, path]
    assert {tuple(pair) for pair in operation.pairs} == {tuple(p) for p in reference.OPERATIONS[asked]["pairs"]}
    assert not operation.is_extra


def test_only_marked_operations_are_not_the_references():
    ours = {f"{o.method} {o.path}" for o in OPERATIONS if not o.is_extra}
    assert ours == set(reference.OPERATIONS)
    assert len(reference.OPERATIONS) == 89


def test_ids_and_addresses_are_unique():
    assert len(BY_ID) == len(BY_PATH) == len(OPERATIONS)


@pytest.mark.parametrize("role_name", ROLES)
def test_a_built_in_role_may_call_exactly_what_it_may_in_the_reference(role_name):
    user = person(role_name)
    allowed = {f"{o.method} {o.path}" for o in OPERATIONS if not o.is_extra and o.allows(user, "some_dag")}
    assert allowed == {asked for asked, cell in reference.OPERATIONS.items() if role_name in cell["allowed"]}


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if "{dag_id}" in o.path], ids=lambda o: o.id)
def test_a_grant_on_one_dag_never_reaches_another(operation):
    user = restricted()
    assert not operation.allows(user, "d2")


@pytest.mark.parametrize(
    ("operation_id", "dag_id", "allowed"),
    [
        ("get_dag", "d1", True),
        ("patch_dag", "d1", True),
        ("delete_dag", "d1", False),  # can_delete was not granted
        ("get_dag_runs", "d1", True),
        ("post_dag_run", "d1", True),
        ("get_dag_runs", "~", True),
        ("get_task_instances", "~", True),
        ("get_dags", None, True),
        ("patch_dags", None, True),
        ("get_dag", "~", True),  # answered with 404: there is no such DAG
        ("get_dag", "d", False),
        ("get_dag", "d11", False),
        ("get_dag", "D1", False),
        ("get_dag", "d1 ", False),
        ("get_dag", "%", False),
        ("get_dag", "d_", False),
    ],
)
def test_what_the_holder_of_one_dag_may_call(operation_id, dag_id, allowed):
    assert BY_ID[operation_id].allows(restricted(), dag_id) is allowed


def test_a_list_of_dags_needs_a_grant_on_at_least_one():
    user = person()
    assert not BY_ID["get_dags"].allows(user)


def test_a_grant_for_reading_does_not_open_the_list_for_editing():
    role("reader", (), {"d1": ("can_read",)})
    user = person("reader")
    assert BY_ID["get_dags"].allows(user)
    assert not BY_ID["patch_dags"].allows(user)


def test_runs_may_be_granted_for_one_dag():
    role("runner", [Pair(p.READ, p.TASK_INSTANCES)], {"d1": ("can_read", "can_edit", "DAG Runs:can_create")})
    user = person("runner")
    assert BY_ID["post_dag_run"].allows(user, "d1")
    assert not BY_ID["get_dag_runs"].allows(user, "d1")
    assert not BY_ID["post_dag_run"].allows(user, "d2")
    assert not BY_ID["post_dag_run"].allows(user, "~")
