"""Roles: the verbs."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from orchestration.access.permissions import Grant, Pair
from orchestration.errors import Conflict, Forbidden, Invalid, NotFound
from orchestration.models import DagGrant
from orchestration.services import roles
from tests.factories import DagFactory
from tests.people import person, role

pytestmark = pytest.mark.django_db

READ_DAGS, EDIT_DAGS = Pair("can_read", "DAGs"), Pair("can_edit", "DAGs")


def rights(group):
    return roles.rights([group])[group.pk]


def test_a_role_is_made_with_its_pairs_in_their_order_and_logged(admin, logged):
    group = roles.create(actor=admin, name="r", pairs=[EDIT_DAGS, READ_DAGS, EDIT_DAGS])
    assert rights(group).pairs == (EDIT_DAGS, READ_DAGS)
    assert logged() == [("post_role", "admin")]


def test_a_pair_that_was_never_combined_is_made(admin):
    group = roles.create(actor=admin, name="r", pairs=[Pair("can_delete", "Configurations")])
    assert rights(group).pairs == (Pair("can_delete", "Configurations"),)


@pytest.mark.parametrize(
    ("resource", "grant"),
    [
        ("DAG:d1", Grant("d1", "can_read", "DAGs")),
        ("DAG Run:d1", Grant("d1", "can_read", "DAG Runs")),
        ("DAG:a:b", Grant("a:b", "can_read", "DAGs")),
    ],
)
def test_a_resource_may_be_one_dag(admin, resource, grant):
    DagFactory(dag_id=grant.dag_id)
    group = roles.create(actor=admin, name="r", pairs=[Pair("can_read", resource)])
    assert rights(group).grants == (grant,)
    assert rights(group).shown() == [Pair("can_read", resource)]


def test_a_dag_that_only_a_grant_knows_is_there(admin):
    role("old", (), {"gone": ("can_read",)})
    assert rights(roles.create(actor=admin, name="r", pairs=[Pair("can_edit", "DAG:gone")])).grants


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        (Pair("can_fly", "DAGs"), "action: 'can_fly'"),
        (Pair("can_read", "Unicorns"), "resource: 'Unicorns'"),
        (Pair("can_read", "DAG:nowhere"), "resource: 'DAG:nowhere'"),
        (Pair("can_read", "DAG:"), "resource: 'DAG:'"),
        (Pair("", ""), "action: ''"),
    ],
)
def test_what_is_not_there_is_named(admin, pair, told):
    with pytest.raises(Invalid, match=told):
        roles.create(actor=admin, name="r", pairs=[READ_DAGS, pair])
    assert not Group.objects.filter(name="r").exists()


def test_a_name_is_taken_once(admin):
    with pytest.raises(Conflict):
        roles.create(actor=admin, name="Viewer")


@pytest.mark.parametrize("name", ["", "x" * 151])
def test_impossible_names_are_refused(admin, name):
    with pytest.raises(Invalid):
        roles.create(actor=admin, name=name)


def test_a_change_adds_and_takes_nothing_away(admin):
    group = role("r", [READ_DAGS])
    roles.update(group, actor=admin, pairs=[EDIT_DAGS, READ_DAGS])
    assert rights(group).pairs == (READ_DAGS, EDIT_DAGS)


def test_a_role_is_renamed(admin, logged):
    roles.update(role("r"), actor=admin, name="s")
    assert roles.find("s").pk
    with pytest.raises(NotFound):
        roles.find("r")
    assert logged() == [("patch_role", "admin")]


def test_it_is_not_renamed_to_a_taken_name(admin):
    with pytest.raises(Conflict):
        roles.update(role("r"), actor=admin, name="Viewer")


@pytest.mark.parametrize("name", ["Public", "Viewer", "User", "Op", "Admin"])
def test_the_built_in_roles_keep_their_names_and_stay(admin, name):
    with pytest.raises(Conflict):
        roles.update(roles.find(name), actor=admin, name="other")
    with pytest.raises(Conflict):
        roles.delete(roles.find(name), actor=admin)
    assert roles.find(name).pk


def test_a_built_in_role_may_be_given_more(admin):
    viewer = roles.update(roles.find("Viewer"), actor=admin, pairs=[Pair("can_read", "Connections")])
    assert Pair("can_read", "Connections") in rights(viewer).pairs


def test_a_role_is_deleted_with_its_grants_and_its_holders_lose_it(admin, logged):
    group = role("r", [READ_DAGS], {"d1": ("can_edit",)})
    holder = person("r")
    roles.delete(group, actor=admin)
    assert not holder.groups.exists()
    assert not DagGrant.objects.exists()
    assert logged() == [("delete_role", "admin")]


class TestEscalation:
    @pytest.fixture
    def manager(self):
        actions = ("can_create", "can_read", "can_edit", "can_delete")
        role("role manager", [Pair(action, "Roles") for action in actions], {"d1": ("can_read",)})
        return person("role manager")

    def test_a_manager_of_roles_gives_no_right_that_they_lack(self, manager):
        own = roles.find("role manager")
        with pytest.raises(Forbidden):
            roles.create(actor=manager, name="r", pairs=[READ_DAGS])
        with pytest.raises(Forbidden):
            roles.update(own, actor=manager, pairs=[Pair("can_edit", "Users")])
        DagFactory(dag_id="d2")
        with pytest.raises(Forbidden):
            roles.update(own, actor=manager, pairs=[Pair("can_read", "DAG:d2")])
        assert not Group.objects.filter(name="r").exists()

    def test_but_what_they_have(self, manager):
        group = roles.create(actor=manager, name="r", pairs=[Pair("can_read", "Roles"), Pair("can_read", "DAG:d1")])
        assert len(rights(group).shown()) == 2

    def test_they_take_no_role_from_those_with_more_rights(self, manager):
        group = role("small", [Pair("can_read", "Roles")])
        person("small", "Admin")
        with pytest.raises(Forbidden):
            roles.delete(group, actor=manager)
        assert roles.find("small").pk


@pytest.mark.parametrize("name", ["op", "viewer"])
@pytest.mark.parametrize(
    "verb",
    [
        lambda actor: roles.create(actor=actor, name="new"),
        lambda actor: roles.update(roles.find("r"), actor=actor, name="s"),
        lambda actor: roles.delete(roles.find("r"), actor=actor),
    ],
)
def test_only_administrators_change_roles(request, name, verb):
    role("r")
    with pytest.raises(Forbidden):
        verb(request.getfixturevalue(name))
    assert roles.find("r").pk


def test_the_actions_are_listed_in_the_reference_s_order():
    assert roles.actions() == ["can_edit", "can_read", "can_create", "can_delete", "menu_access"]


def test_reading_rights_costs_two_queries_for_any_number_of_roles(django_assert_num_queries):
    groups = [role(f"r{n}", [READ_DAGS], {"d": ("can_read",)}) for n in range(10)]
    roles.actions()  # the content type is read once in a process
    with django_assert_num_queries(2):
        assert len(roles.rights(groups)) == 10


class TestReplace:
    def test_a_role_has_exactly_the_given_pairs_and_keeps_its_grants(self, admin):
        group = role("r", [READ_DAGS], {"d1": ("can_read",)})
        roles.replace(group, actor=admin, name="s", pairs=[EDIT_DAGS])
        assert rights(roles.find("s")).pairs == (EDIT_DAGS,)
        assert len(rights(group).grants) == 1

    def test_a_built_in_role_keeps_its_own_pairs(self, admin):
        viewer = roles.find("Viewer")
        before = rights(viewer)
        with pytest.raises(Conflict, match="can_read on DAGs"):
            roles.replace(viewer, actor=admin, pairs=[pair for pair in before.pairs if pair != READ_DAGS])
        assert rights(viewer) == before
        more = [*before.pairs, Pair("can_read", "Variables")]
        assert set(rights(roles.replace(viewer, actor=admin, pairs=more)).pairs) == set(more)
        assert set(rights(roles.replace(viewer, actor=admin, pairs=before.pairs)).pairs) == set(before.pairs)

    def test_nobody_takes_what_they_do_not_have(self):
        role("role manager", [Pair("can_edit", "Roles")])
        with pytest.raises(Forbidden):
            roles.replace(role("r", [READ_DAGS]), actor=person("role manager"), pairs=[])


class TestGrants:
    def test_a_right_on_one_dag_is_given_once_taken_and_logged(self, admin, logged):
        group = role("r")
        given = Grant("d1", "can_read", "DAGs")
        row = roles.grant(group, given, actor=admin)
        assert roles.grant(group, given, actor=admin) == row
        assert rights(group).grants == (given,)
        roles.revoke(row, actor=admin)
        assert rights(group).grants == ()
        assert logged() == [("grant", "admin"), ("grant", "admin"), ("revoke", "admin")]

    @pytest.mark.parametrize(
        "given",
        [
            Grant("DAGs", "can_read", "DAGs"),
            Grant("~", "can_read", "DAGs"),
            Grant("", "can_read", "DAGs"),
            Grant("d1", "can_read", "Pools"),
            Grant("<b>/d1", "can_read", "DAGs"),
        ],
    )
    def test_what_is_no_dag_is_refused(self, admin, given):
        with pytest.raises(Invalid):
            roles.grant(role("r"), given, actor=admin)

    def test_nobody_gives_what_they_do_not_have(self):
        role("role manager", [Pair("can_edit", "Roles")], {"d1": ("can_read",)})
        manager = person("role manager")
        group = role("r")
        roles.grant(group, Grant("d1", "can_read", "DAGs"), actor=manager)
        with pytest.raises(Forbidden):
            roles.grant(group, Grant("d2", "can_read", "DAGs"), actor=manager)
