"""Personal access tokens: the verbs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from orchestration.access.permissions import Pair
from orchestration.errors import Conflict, Forbidden, Invalid, NotFound
from orchestration.models import EventLog, PersonalAccessToken
from orchestration.services import tokens
from tests.people import person, role

pytestmark = pytest.mark.django_db


def test_a_token_is_handed_over_once_and_logged_without_it(viewer, logged):
    token, text = tokens.issue(viewer, actor=viewer, name="ci")
    assert (token.user, token.name, token.scope, token.expiry) == (viewer, "ci", "full", None)
    assert logged() == [("post_token", "viewer")]
    assert text not in str(list(EventLog.objects.values()))


def test_tokens_differ(viewer):
    texts = {tokens.issue(viewer, actor=viewer, name=str(n))[1] for n in range(20)}
    assert len(texts) == 20


def test_a_name_is_used_once_by_each_user(viewer, op):
    tokens.issue(viewer, actor=viewer, name="ci")
    tokens.issue(op, actor=op, name="ci")
    with pytest.raises(Conflict):
        tokens.issue(viewer, actor=viewer, name="ci")


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_impossible_names_are_refused(viewer, name):
    with pytest.raises(Invalid):
        tokens.issue(viewer, actor=viewer, name=name)


def test_it_does_not_end_before_it_begins(viewer):
    with pytest.raises(Invalid):
        tokens.issue(viewer, actor=viewer, name="t", expires_at=timezone.now() - timedelta(seconds=1))


def test_an_inactive_user_gets_none(admin):
    with pytest.raises(Invalid):
        tokens.issue(person(is_active=False), actor=admin, name="t")


def test_an_administrator_makes_and_ends_those_of_others(admin, viewer):
    token, _ = tokens.issue(viewer, actor=admin, name="t")
    assert token in tokens.visible(admin)
    tokens.revoke(token, actor=admin)
    assert not PersonalAccessToken.objects.exists()


def test_others_do_not(viewer, op):
    token, _ = tokens.issue(viewer, actor=viewer, name="t")
    with pytest.raises(Forbidden):
        tokens.issue(viewer, actor=op, name="u")
    with pytest.raises(Forbidden):
        tokens.revoke(token, actor=op)
    with pytest.raises(NotFound):
        tokens.find(token.token_key, actor=op)
    assert list(tokens.visible(op)) == []
    assert PersonalAccessToken.objects.count() == 1


def test_a_manager_of_users_makes_none_for_those_with_more_rights(admin):
    role("manager", [Pair("can_edit", "Users"), Pair("can_edit", "My Profile")])
    manager = person("manager")
    with pytest.raises(Forbidden):
        tokens.issue(admin, actor=manager, name="t")
    assert tokens.issue(person("Public"), actor=manager, name="t")


def test_who_holds_nothing_makes_none():
    user = person("Public")
    with pytest.raises(Forbidden):
        tokens.issue(user, actor=user, name="t")


def test_revoking_is_logged(viewer, logged):
    token, _ = tokens.issue(viewer, actor=None, name="t")
    tokens.revoke(token, actor=viewer)
    assert logged()[-1] == ("delete_token", "viewer")
