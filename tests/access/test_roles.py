"""The built-in roles."""

from __future__ import annotations

import itertools

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from orchestration.access import permissions, roles
from orchestration.access.permissions import Pair
from orchestration.services.roles import rights
from tests.access import reference
from tests.people import person

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", reference.ROLES)
def test_a_built_in_role_gives_what_it_gives_in_the_reference(name):
    group = Group.objects.get(name=name)
    assert {tuple(pair) for pair in rights([group])[group.pk].pairs} == {tuple(p) for p in reference.ROLES[name]}


def test_each_role_gives_what_the_weaker_ones_give():
    ranks = [roles.BUILT_IN[name] for name in (roles.PUBLIC, roles.VIEWER, roles.USER, roles.OP, roles.ADMIN)]
    assert all(weaker < stronger for weaker, stronger in itertools.pairwise(ranks))


def test_a_migration_gives_back_what_a_role_lost_and_leaves_what_it_got():
    viewer = Group.objects.get(name="Viewer")
    viewer.permissions.remove(permissions.permission(Pair("can_read", "DAGs")))
    viewer.permissions.add(permissions.permission(Pair("can_read", "Connections")))
    roles.ensure_built_in()
    pairs = set(rights([viewer])[viewer.pk].pairs)
    assert Pair("can_read", "DAGs") in pairs
    assert Pair("can_read", "Connections") in pairs


def test_to_make_them_again_changes_nothing(django_assert_max_num_queries):
    before = sorted(Group.permissions.through.objects.values_list("pk", flat=True))
    roles.ensure_built_in()
    assert sorted(Group.permissions.through.objects.values_list("pk", flat=True)) == before


def test_a_deleted_role_comes_back_with_the_next_migration():
    Group.objects.filter(name="Op").delete()
    call_command("migrate", verbosity=0)
    group = Group.objects.get(name="Op")
    assert len(rights([group])[group.pk].pairs) == len(reference.ROLES["Op"])


@pytest.mark.parametrize(
    ("names", "fields", "expected"),
    [(["Admin"], {}, True), ([], {"is_superuser": True}, True), (["Op", "User"], {}, False), ([], {}, False)],
)
def test_who_is_an_administrator(names, fields, expected):
    assert roles.is_admin(person(*names, **fields)) is expected
