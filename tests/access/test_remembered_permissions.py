"""What a user holds is remembered between requests, and never longer than it is true."""

from __future__ import annotations

import pytest

from orchestration.access import permissions
from orchestration.access.permissions import Pair
from orchestration.models import DagGrant
from tests.people import person, role

READ_POOLS = Pair("can_read", "Pools")
READ_DAGS = Pair("can_read", "DAGs")

pytestmark = pytest.mark.django_db(transaction=True)


def _holds(user, pair, dag_id=None) -> bool:
    permissions.forget(user)
    return permissions.is_allowed(user, *pair, dag_id)


def test_a_later_request_costs_one_small_query(django_assert_num_queries) -> None:
    role("r1", [READ_POOLS])
    user = person("r1")
    assert _holds(user, READ_POOLS)
    with django_assert_num_queries(1):
        assert _holds(user, READ_POOLS)
        assert permissions.readable_dag_ids(user) == frozenset()


def test_a_permission_taken_from_a_role_is_gone_at_once() -> None:
    group = role("r1", [READ_POOLS, READ_DAGS])
    user = person("r1")
    assert _holds(user, READ_POOLS)
    group.permissions.remove(permissions.permission(READ_POOLS))
    assert not _holds(user, READ_POOLS)
    assert _holds(user, READ_DAGS)


def test_a_permission_exchanged_for_another_is_noticed() -> None:
    group = role("r1", [READ_POOLS])
    user = person("r1")
    assert _holds(user, READ_POOLS)
    group.permissions.set([permissions.permission(READ_DAGS)])
    assert not _holds(user, READ_POOLS)
    assert _holds(user, READ_DAGS)


def test_a_role_given_and_taken_is_noticed() -> None:
    group = role("r1", [READ_POOLS])
    user = person()
    assert not _holds(user, READ_POOLS)
    user.groups.add(group)
    assert _holds(user, READ_POOLS)
    user.groups.clear()
    assert not _holds(user, READ_POOLS)


def test_a_grant_changed_in_place_is_noticed() -> None:
    group = role("r1", [], {"d1": ["can_read"]})
    user = person("r1")
    assert _holds(user, READ_DAGS, "d1")
    DagGrant.objects.filter(group=group).update(dag_id="d2")
    assert not _holds(user, READ_DAGS, "d1")
    assert _holds(user, READ_DAGS, "d2")
