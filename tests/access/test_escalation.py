"""Nobody gives, changes or takes over more than they have."""

from __future__ import annotations

import pytest

from orchestration.access import escalation
from orchestration.access.permissions import Access, Grant, Pair
from orchestration.errors import Conflict, Forbidden
from orchestration.models import User
from tests.people import person, role

pytestmark = pytest.mark.django_db

READ_POOLS = Access(frozenset({Pair("can_read", "Pools")}))
EDIT_POOLS = Access(frozenset({Pair("can_edit", "Pools")}))
READ_D1 = Access(grants=frozenset({Grant("d1", "can_read", "DAGs")}))
READ_D2 = Access(grants=frozenset({Grant("d2", "can_read", "DAGs")}))
ALL = Access(is_unlimited=True)


@pytest.mark.parametrize(
    ("roles", "fields", "wanted", "expected"),
    [
        (["Viewer"], {}, READ_POOLS, True),
        (["Viewer"], {}, EDIT_POOLS, False),
        (["Viewer"], {}, READ_D2, True),
        ([], {}, Access(), True),
        (["Op"], {}, ALL, False),
        (["Admin"], {}, ALL, True),
        ([], {"is_superuser": True}, ALL, True),
        (["Admin"], {"is_active": False}, READ_POOLS, False),
    ],
)
def test_what_an_actor_covers(roles, fields, wanted, expected):
    assert escalation.covers(person(*roles, **fields), wanted) is expected


def test_the_system_covers_everything():
    assert escalation.covers(None, ALL)


def test_a_grant_covers_its_own_dag_only():
    role("d1 reader", (), {"d1": ("can_read",)})
    actor = person("d1 reader")
    assert escalation.covers(actor, READ_D1)
    assert not escalation.covers(actor, READ_D2)


def test_an_account_with_more_rights_is_out_of_reach():
    role("user manager", [Pair("can_edit", "Users"), Pair("can_read", "Pools")])
    manager = person("user manager")
    escalation.require_mastery(manager, person())
    escalation.require_mastery(manager, manager)
    for stronger in (person("Op"), person("Admin"), person(is_superuser=True)):
        with pytest.raises(Forbidden):
            escalation.require_mastery(manager, stronger)


def test_somebody_must_stay_administrator():
    User.objects.all().delete()
    with pytest.raises(Conflict):
        escalation.require_an_admin()
    person("Admin", is_active=False)
    with pytest.raises(Conflict):
        escalation.require_an_admin()
    person("Admin")
    escalation.require_an_admin()
