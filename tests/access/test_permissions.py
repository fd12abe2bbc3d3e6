"""What a user holds, and how often it is read."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.contrib.contenttypes.models import ContentType

from orchestration.access import permissions as p
from orchestration.access.permissions import Pair
from orchestration.errors import Forbidden
from orchestration.models import DagGrant, Pool, User
from tests.people import person, restricted, role

pytestmark = pytest.mark.django_db


def test_all_questions_of_a_request_cost_one_query(django_assert_num_queries):
    user = User.objects.get(pk=restricted().pk)
    with django_assert_num_queries(1):
        assert p.is_allowed(user, p.READ, p.DATASETS)
        assert not p.is_allowed(user, p.READ, p.DAGS)
        assert p.is_allowed(user, p.READ, p.DAGS, "d1")
        assert p.readable_dag_ids(user) == frozenset({"d1"})
        assert p.editable_dag_ids(user) == frozenset({"d1"})


def test_a_superuser_holds_everything_without_a_query(django_assert_num_queries):
    user = person(is_superuser=True)
    with django_assert_num_queries(0):
        assert p.is_allowed(user, "can_fly", "Unicorns", "d1")
        assert p.readable_dag_ids(user) is None


def test_an_inactive_user_holds_nothing():
    user = person("Admin", is_superuser=True, is_active=False)
    assert not p.is_allowed(user, p.READ, p.WEBSITE)


def test_a_caller_without_a_name_holds_what_the_role_public_holds():
    assert not p.is_allowed(AnonymousUser(), p.READ, p.POOLS)
    Group.objects.get(name="Public").permissions.add(p.permission(Pair(p.READ, p.POOLS)))
    assert p.is_allowed(AnonymousUser(), p.READ, p.POOLS)
    assert p.is_allowed(None, p.READ, p.POOLS)
    assert not p.is_allowed(AnonymousUser(), p.EDIT, p.POOLS)


def test_permissions_of_several_roles_and_of_the_user_add_up():
    role("one", [Pair(p.READ, p.POOLS)])
    role("two", [Pair(p.EDIT, p.POOLS)])
    user = person("one", "two")
    user.user_permissions.add(p.permission(Pair(p.DELETE, p.POOLS)))
    assert all(p.is_allowed(user, action, p.POOLS) for action in (p.READ, p.EDIT, p.DELETE))
    assert not p.is_allowed(user, p.CREATE, p.POOLS)


def test_a_django_permission_of_another_model_is_no_pair():
    user = person()
    kind = ContentType.objects.get_for_model(Pool)
    user.user_permissions.add(Permission.objects.create(content_type=kind, codename="can_read:Pools", name="other"))
    assert not p.is_allowed(user, p.READ, p.POOLS)


@pytest.mark.parametrize("dag_id", ["DAGs", "DAG Runs", "DAG:d2", "~", "%", "d_", ""])
def test_a_grant_on_a_dag_with_a_telling_name_gives_nothing_else(dag_id):
    group = Group.objects.create(name="odd")
    DagGrant.objects.create(group=group, dag_id=dag_id, action=p.READ, resource=p.DAGS)
    user = person("odd")
    assert p.readable_dag_ids(user) == frozenset({dag_id})
    assert not p.is_allowed(user, p.READ, p.DAGS)
    assert not p.is_allowed(user, p.READ, p.DAGS, "d2")
    assert not p.is_allowed(user, p.READ, p.DAG_RUNS)


def test_a_grant_for_runs_is_none_for_the_dag():
    role("runner", (), {"d1": ("DAG Runs:can_read",)})
    user = person("runner")
    assert p.is_allowed(user, p.READ, p.DAG_RUNS, "d1")
    assert not p.is_allowed(user, p.READ, p.DAGS, "d1")
    assert p.readable_dag_ids(user) == frozenset()


def test_a_read_only_caller_may_only_read():
    user = person("Admin")
    p.restrict(user, read_only=True)
    assert p.is_allowed(user, p.READ, p.POOLS)
    assert not p.is_allowed(user, p.EDIT, p.POOLS)
    assert p.readable_dag_ids(user) is None
    assert p.editable_dag_ids(user) == frozenset()
    assert not p.meets(user, [Pair(p.EDIT, p.DAGS)], dag_id="~")


def test_require_refuses_and_lets_the_system_pass():
    with pytest.raises(Forbidden):
        p.require(person("Viewer"), p.EDIT, p.POOLS)
    p.require(None, p.EDIT, p.POOLS)
    p.require(person("Op"), p.EDIT, p.POOLS)


def test_what_was_read_is_forgotten_on_demand():
    user = person()
    assert not p.is_allowed(user, p.READ, p.POOLS)
    user.groups.add(Group.objects.get(name="Viewer"))
    assert not p.is_allowed(user, p.READ, p.POOLS)
    p.forget(user)
    assert p.is_allowed(user, p.READ, p.POOLS)


@pytest.mark.parametrize(
    ("name", "expected"), [("Public", False), ("Viewer", False), ("User", False), ("Op", False), ("Admin", True)]
)
def test_automations_are_for_administrators_and_those_who_got_it(name, expected):
    assert p.is_allowed(person(name), "can_edit", p.AUTOMATIONS) is expected
    role("notifier", [Pair("can_edit", "Automations")])
    assert p.is_allowed(person(name, "notifier"), "can_edit", p.AUTOMATIONS)


def test_the_right_to_edit_roles_alone_gives_no_automations():
    role("roles", [Pair("can_edit", "Roles"), Pair("can_edit", "Users")])
    assert not p.is_allowed(person("roles"), "can_read", p.AUTOMATIONS)
