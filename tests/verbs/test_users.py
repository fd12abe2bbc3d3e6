"""Users: the verbs, and that nobody rises above themselves."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from orchestration.access.permissions import Pair
from orchestration.errors import Conflict, Forbidden, Invalid, NotFound
from orchestration.models import EventLog, PersonalAccessToken, User
from orchestration.services import tokens, users
from tests.people import person, role

pytestmark = pytest.mark.django_db

MANAGES = [Pair(action, "Users") for action in ("can_create", "can_read", "can_edit", "can_delete")]


@pytest.fixture
def manager() -> User:
    """May do everything with users, and nothing with roles."""
    role("manager", [*MANAGES, Pair("can_read", "Pools"), Pair("can_edit", "My Profile")])
    return person("manager", username="manager")


def roles_of(user: User) -> list[str]:
    through = User.groups.through.objects.filter(user=user).order_by("pk")
    return list(through.values_list("group__name", flat=True))


def make(actor, username="new", **fields):
    fields = {"email": f"{username}@example.com", "password": "right horse", **fields}
    return users.create(actor=actor, username=username, **fields)


def test_a_user_is_made_and_logged_without_the_password(admin, logged):
    user = make(admin, first_name="F", last_name="L", role_names=["Viewer", "Op"])
    user.refresh_from_db()
    assert (user.username, user.email, user.first_name, user.last_name) == ("new", "new@example.com", "F", "L")
    assert user.check_password("right horse")
    assert (user.is_active, user.is_staff, user.is_superuser) == (True, False, False)
    assert roles_of(user) == ["Viewer", "Op"]
    assert logged() == [("post_user", "admin")]
    assert "horse" not in str(list(EventLog.objects.values()))


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({}, ["Public"]),
        ({"role_names": []}, ["Public"]),
        ({"is_admin": True}, ["Admin"]),
        ({"is_admin": True, "role_names": ["Viewer"]}, ["Viewer", "Admin"]),
        ({"role_names": ["Op", "Op", "Viewer"]}, ["Op", "Viewer"]),
    ],
)
def test_which_roles_a_new_user_has(admin, fields, names):
    assert roles_of(make(admin, **fields)) == names


def test_the_password_is_hashed_slowly(admin, settings):
    settings.PASSWORD_HASHERS = settings.PASSWORD_HASHERS[1:]  # without the tests' fast one
    user = make(admin)
    assert user.password.startswith("argon2$argon2id$")


def test_without_a_password_no_password_signs_in(admin):
    user = make(admin, password=None)
    assert not user.has_usable_password()
    assert not user.check_password("")


@pytest.mark.parametrize("password", ["", "xyzzy"])
def test_a_refused_password_is_not_told(admin, settings, password):
    settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}}
    ]
    with pytest.raises(Invalid) as caught:
        make(admin, password=password)
    assert not password or password not in str(caught.value)
    with pytest.raises(Invalid):
        users.update(make(admin, password="long enough to pass"), actor=admin, password=password)


def test_an_empty_password_is_always_refused(admin):
    with pytest.raises(Invalid):
        make(admin, password="")


def test_a_long_password_counts_to_its_end(admin):
    user = make(admin, password="x" * 100 + "a")
    assert user.check_password("x" * 100 + "a")
    assert not user.check_password("x" * 100 + "b")


@pytest.mark.parametrize(
    ("username", "email"), [("new", "other@example.com"), ("NEW", "other@example.com"), ("other", "new@example.com")]
)
def test_name_and_address_are_taken_once(admin, username, email):
    make(admin)
    with pytest.raises(Conflict):
        make(admin, username=username, email=email)
    assert User.objects.filter(username=username).count() == (1 if username == "new" else 0)


def test_unknown_roles_are_named(admin):
    with pytest.raises(Invalid, match="Unknown roles: 'Ghost', 'Wraith'"):
        make(admin, role_names=["Ghost", "Viewer", "Wraith"])
    assert not User.objects.filter(username="new").exists()


@pytest.mark.parametrize("field", ["username", "first_name", "last_name", "email"])
def test_long_texts_are_refused(admin, field):
    with pytest.raises(Invalid):
        make(admin, **{field: "x" * 1000})


def test_what_is_given_is_changed(admin, logged):
    user = person("Viewer", username="u", first_name="old", last_name="kept")
    users.update(user, actor=admin, first_name="new", role_names=["User"])
    user.refresh_from_db()
    assert (user.first_name, user.last_name, roles_of(user)) == ("new", "kept", ["User"])
    assert logged() == [("patch_user", "admin")]


def test_the_change_is_dated(admin):
    user = person()
    before = User.objects.get(pk=user.pk).changed_at
    users.update(user, actor=admin, first_name="new")
    assert User.objects.get(pk=user.pk).changed_at > before


def test_roles_can_all_be_taken(admin):
    user = person("Viewer", "Op")
    users.update(user, actor=admin, role_names=[])
    assert roles_of(user) == []


def test_the_short_form_makes_and_unmakes_administrators(admin):
    user = person("Viewer")
    users.update(user, actor=admin, is_admin=True)
    assert roles_of(user) == ["Viewer", "Admin"]
    users.update(user, actor=admin, is_admin=False)
    assert roles_of(user) == ["Viewer"]


def test_a_superuser_who_is_no_administrator_any_more_is_none(admin):
    user = person(is_superuser=True)
    users.update(user, actor=admin, is_admin=False)
    assert not User.objects.get(pk=user.pk).is_superuser
    other = person(is_superuser=True)
    users.update(other, actor=admin, role_names=["Viewer"])
    assert not User.objects.get(pk=other.pk).is_superuser


class TestEscalation:
    @pytest.mark.parametrize("names", [["Admin"], ["Viewer"], ["Op"]])
    def test_a_manager_of_users_gives_no_role_with_rights_of_which_they_lack_one(self, manager, names):
        with pytest.raises(Forbidden):
            make(manager, role_names=names)
        user = person()
        with pytest.raises(Forbidden):
            users.update(user, actor=manager, role_names=names)
        with pytest.raises(Forbidden):
            users.update(manager, actor=manager, role_names=["manager", *names])
        assert not User.objects.filter(username="new").exists()
        assert roles_of(user) == []
        assert roles_of(manager) == ["manager"]

    def test_nor_by_the_short_form(self, manager):
        with pytest.raises(Forbidden):
            make(manager, is_admin=True)
        with pytest.raises(Forbidden):
            users.update(manager, actor=manager, is_admin=True)
        assert roles_of(manager) == ["manager"]

    def test_they_may_give_what_they_have(self, manager):
        role("pool reader", [Pair("can_read", "Pools")])
        assert roles_of(make(manager, role_names=["pool reader"])) == ["pool reader"]

    @pytest.mark.parametrize(
        "change", [{"password": "taken over!!"}, {"email": "me@evil.example"}, {"is_active": False}]
    )
    @pytest.mark.parametrize("target", [{"names": ["Admin"]}, {"names": ["Op"]}, {"names": [], "is_superuser": True}])
    def test_they_take_over_no_account_with_more_rights(self, manager, admin, change, target):
        names = target["names"]
        user = person(*names, is_superuser=target.get("is_superuser", False), email="own@example.com")
        with pytest.raises(Forbidden):
            users.update(user, actor=manager, **change)
        with pytest.raises(Forbidden):
            users.delete(user, actor=manager)
        user.refresh_from_db()
        assert (user.email, user.is_active, user.check_password("password")) == ("own@example.com", True, True)

    def test_they_may_care_for_those_with_fewer_rights(self, manager):
        user = person("Public")
        users.update(user, actor=manager, password="helped out", first_name="x")
        assert User.objects.get(pk=user.pk).check_password("helped out")

    def test_there_are_no_fields_beyond_the_named_ones(self, admin):
        with pytest.raises(TypeError):
            users.create(actor=admin, username="x", email="x@y", password="long password", is_superuser=True)


class TestLastAdministrator:
    @pytest.mark.parametrize(
        "verb",
        [
            lambda admin: users.delete(admin, actor=admin),
            lambda admin: users.update(admin, actor=admin, role_names=["Op"]),
            lambda admin: users.update(admin, actor=admin, is_admin=False),
            lambda admin: users.update(admin, actor=admin, is_active=False),
        ],
    )
    def test_it_stays(self, admin, verb):
        person("Admin", is_active=False)
        with pytest.raises(Conflict, match="last administrator"):
            verb(admin)
        fresh = User.objects.get(username="admin")
        assert fresh.is_active
        assert roles_of(fresh) == ["Admin"]

    def test_one_of_two_may_go(self, admin):
        other = person("Admin")
        users.delete(other, actor=admin)
        assert not User.objects.filter(pk=other.pk).exists()

    def test_where_there_is_none_others_may_still_be_changed(self):
        users.update(person("Viewer"), actor=None, first_name="x")


class TestEndOfAccess:
    def test_a_deleted_user_s_sessions_and_tokens_go(self, admin):
        user = person("Viewer")
        Client().force_login(user, backend="orchestration.access.backends.RoleBackend")
        Client().force_login(admin, backend="orchestration.access.backends.RoleBackend")
        tokens.issue(user, actor=None, name="t")
        users.delete(user, actor=admin)
        assert Session.objects.count() == 1
        assert not PersonalAccessToken.objects.exists()

    def test_a_deactivated_user_s_sessions_and_tokens_go(self, admin):
        user = person("Viewer")
        Client().force_login(user, backend="orchestration.access.backends.RoleBackend")
        tokens.issue(user, actor=None, name="t")
        users.update(user, actor=admin, is_active=False)
        assert not Session.objects.exists()
        assert not PersonalAccessToken.objects.exists()


def test_a_missing_user_is_named():
    with pytest.raises(NotFound, match="`nobody`"):
        users.find("nobody")


@pytest.mark.parametrize("name", ["op", "viewer"])
@pytest.mark.parametrize(
    "verb",
    [
        lambda actor, user: make(actor),
        lambda actor, user: users.update(user, actor=actor, first_name="x"),
        lambda actor, user: users.update(actor, actor=actor, is_admin=True),
        lambda actor, user: users.delete(user, actor=actor),
    ],
)
def test_only_administrators_change_users(request, name, verb):
    actor = request.getfixturevalue(name)
    user = person("Public", first_name="kept")
    with pytest.raises(Forbidden):
        verb(actor, user)
    assert User.objects.get(pk=user.pk).first_name == "kept"
    assert User.objects.count() == 2
