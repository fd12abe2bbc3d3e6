"""The tables of the admin: the same permissions as the APIs, changes by the same services."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.contrib.admin import site as admin_site
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from orchestration import models
from orchestration.access.permissions import Pair, permission
from orchestration.models import Connection, Dag, DagGrant, EventLog, PersonalAccessToken, Pool, User, Variable
from tests.factories import ConnectionFactory, DagFactory, PoolFactory, VariableFactory, XComFactory
from tests.people import PASSWORD, person, restricted, role
from tests.security.world import World

pytestmark = pytest.mark.django_db

MODELS = [model for model in apps.get_app_config("orchestration").get_models() if model._meta.managed]
TABLES = [*MODELS, Group]


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user, backend="orchestration.access.backends.RoleBackend")
    return client


def address(model, page="changelist", *arguments) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.fixture
def admin() -> Client:
    return client_of(person("Admin", username="admin"))


@pytest.mark.parametrize("model", TABLES, ids=lambda m: m.__name__)
def test_every_model_has_a_table_with_lists_and_search(model):
    table = admin_site._registry[model]
    assert table.list_display != ("__str__",)
    assert table.search_fields


@pytest.mark.parametrize("model", TABLES, ids=lambda m: m.__name__)
def test_a_superuser_opens_every_list_searches_it_and_opens_its_rows(model):
    World()
    client = client_of(person(is_superuser=True))
    assert client.get(address(model)).status_code == 200
    assert client.get(address(model), {"q": "d1"}).status_code == 200
    row = model._default_manager.first()
    if row is not None:
        assert client.get(address(model, "change", row.pk)).status_code == 200


#: Which tables each role may see, from the resources that it may read.
SEEN = {
    "Public": set(),
    "Viewer": {
        "Dag",
        "DagRun",
        "TaskInstance",
        "Pool",
        "Dataset",
        "XCom",
        "Job",
        "SlaMiss",
        "DagImportError",
        "DagWarning",
    },
    "Op": {"Dag", "Pool", "Variable", "Connection"},
    "Admin": {
        "Dag",
        "Pool",
        "Variable",
        "Connection",
        "User",
        "Group",
        "EventLog",
        "Trigger",
        "DagGrant",
        "Automation",
        "Delivery",
    },
}
HIDDEN = {
    "Public": {model.__name__ for model in TABLES},
    "Viewer": {"Variable", "Connection", "User", "Group", "EventLog", "Trigger", "TaskReschedule", "DagGrant"},
    "Op": {
        "User",
        "Group",
        "EventLog",
        "Trigger",
        "IdempotencyRecord",
        "Automation",
        "NotificationChannel",
        "Delivery",
    },
    "Admin": {"IdempotencyRecord"},
}


@pytest.mark.parametrize("name", SEEN)
def test_a_role_sees_what_it_may_read(name):
    client = client_of(person(name, is_staff=True))
    for model in TABLES:
        status = client.get(address(model)).status_code
        if model.__name__ in SEEN[name]:
            assert status == 200, model
        if model.__name__ in HIDDEN[name]:
            assert status in {302, 403}, model


def test_staff_without_a_role_sees_nothing():
    client = client_of(person(is_staff=True))
    for path in (reverse("admin:index"), *map(address, TABLES)):
        assert client.get(path).status_code == 302


@pytest.mark.parametrize("model", TABLES, ids=lambda m: m.__name__)
def test_a_restricted_caller_s_lists_hold_no_trace_of_another_dag(model):
    world = World()
    user = restricted(
        also=[Pair("can_read", name) for name in ("Website", "Audit Logs", "Task Reschedules", "Triggers")]
    )
    client = client_of(user)
    answer = client.get(address(model))
    assert answer.status_code in {200, 403}
    if answer.status_code == 200:
        assert "d2CANARY" not in answer.content.decode()
        assert not re.search(r">\s*d2\s*<", answer.content.decode())
    for row in model._default_manager.all():
        columns = {name: value for name, value in vars(row).items() if not name.startswith("_")}
        if "d2" in str(columns.get("dag_id", "")) or "/d2.py" in str(columns) or "CANARY" in str(columns):
            for page in ("change", "history", "delete"):
                answer = client.get(address(model, page, row.pk))
                assert answer.status_code in {302, 403, 404}, (page, row)
    assert world.d2


@pytest.mark.parametrize(
    "model",
    [
        m
        for m in TABLES
        if m.__name__
        not in {
            "Pool",
            "Variable",
            "Connection",
            "User",
            "Group",
            "DagGrant",
            "PersonalAccessToken",
            "Automation",
            "NotificationChannel",
        }
    ],
    ids=lambda m: m.__name__,
)
def test_what_has_no_service_is_not_changed_even_by_administrators(model):
    world = World()
    client = client_of(person(is_superuser=True))
    before = world.rows()
    assert client.get(address(model, "add")).status_code == 403
    row = model._default_manager.first()
    if row is not None:
        assert client.post(address(model, "change", row.pk), {"x": 1}).status_code == 403
        assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    client.post(address(model), {"action": "delete_selected", "_selected_action": "1", "post": "yes"})
    assert world.rows() == before


class TestPools:
    def test_they_are_made_changed_and_deleted_by_the_service(self, admin):
        assert admin.post(address(Pool, "add"), {"name": "p", "slots": 3}).status_code == 302
        pool = Pool.objects.get(name="p")
        assert admin.post(address(Pool, "change", pool.pk), {"name": "p", "slots": 4}).status_code == 302
        assert Pool.objects.get(name="p").slots == 4
        assert admin.post(address(Pool, "delete", pool.pk), {"post": "yes"}).status_code == 302
        assert list(EventLog.objects.values_list("event", "owner")) == [
            ("post_pool", "admin"),
            ("patch_pool", "admin"),
            ("delete_pool", "admin"),
        ]

    def test_what_the_service_refuses_is_told_and_changes_nothing(self, admin):
        pool = PoolFactory(name="p", slots=1)
        answer = admin.post(address(Pool, "change", pool.pk), {"name": "p", "slots": -5}, follow=True)
        assert "-5 slots cannot be" in answer.content.decode()
        assert Pool.objects.get(name="p").slots == 1

    def test_the_default_pool_stays_whatever_is_selected(self, admin):
        PoolFactory(name="p")
        chosen = list(Pool.objects.values_list("pk", flat=True))
        form = {"action": "delete_selected", "_selected_action": chosen, "post": "yes"}
        admin.post(address(Pool), form)
        assert set(Pool.objects.values_list("name", flat=True)) == {"default_pool", "p"}

    @pytest.mark.parametrize("name", ["Viewer", "User"])
    def test_those_who_may_not_do_not(self, name):
        client = client_of(person(name))
        pool = PoolFactory(name="p", slots=1)
        assert client.get(address(Pool, "add")).status_code == 403
        assert client.post(address(Pool, "add"), {"name": "q", "slots": 3}).status_code == 403
        assert client.post(address(Pool, "change", pool.pk), {"name": "p", "slots": 4}).status_code == 403
        assert client.post(address(Pool, "delete", pool.pk), {"post": "yes"}).status_code == 403
        client.post(address(Pool), {"action": "delete_selected", "_selected_action": [pool.pk], "post": "yes"})
        assert Pool.objects.get(name="p").slots == 1


class TestSecrets:
    def test_no_page_shows_a_connection_s_secrets(self, admin):
        row = ConnectionFactory(password="S3CRET", extra='{"token": "S3CRET", "region": "eu"}')
        for path in (
            address(Connection),
            address(Connection, "change", row.pk),
            address(Connection, "history", row.pk),
        ):
            assert "S3CRET" not in admin.get(path).content.decode()

    def test_saving_the_form_as_it_was_shown_keeps_them(self, admin):
        row = ConnectionFactory(password="S3CRET", extra='{"token": "S3CRET", "region": "eu"}')
        form = {"conn_id": row.conn_id, "conn_type": "ftp", "password": "", "extra": '{"token": "***", "region": "us"}'}
        assert admin.post(address(Connection, "change", row.pk), form).status_code == 302
        row.refresh_from_db()
        assert (row.conn_type, row.password, row.extra) == ("ftp", "S3CRET", '{"token": "S3CRET", "region": "us"}')
        assert admin.post(address(Connection, "change", row.pk), {**form, "password": "new"}).status_code == 302
        row.refresh_from_db()
        assert row.password == "new"

    def test_no_page_shows_a_variable_under_a_secret_key(self, admin):
        row = VariableFactory(key="my_password", val="S3CRET")
        for path in (address(Variable), address(Variable, "change", row.pk), address(Variable, "history", row.pk)):
            assert "S3CRET" not in admin.get(path).content.decode()
        assert admin.post(address(Variable, "change", row.pk), {"val": "***", "description": "d"}).status_code == 302
        row.refresh_from_db()
        assert (row.val, row.description) == ("S3CRET", "d")

    def test_a_refused_form_does_not_repeat_a_password(self, admin):
        answer = admin.post(
            address(Connection, "add"), {"conn_id": "bad id", "conn_type": "x", "password": "S3CRET"}, follow=True
        )
        assert "S3CRET" not in answer.content.decode()
        assert not Connection.objects.exists()


class TestPeople:
    def form(self, **fields):
        return {
            "username": "new",
            "email": "n@example.org",
            "first_name": "",
            "last_name": "",
            "is_active": "on",
            **fields,
        }

    def test_a_user_is_made_and_changed(self, admin):
        viewer = Group.objects.get(name="Viewer")
        form = self.form(new_password="long enough", groups=[viewer.pk])
        assert admin.post(address(User, "add"), form).status_code == 302
        user = User.objects.get(username="new")
        assert user.check_password("long enough")
        assert [group.name for group in user.groups.all()] == ["Viewer"]
        assert (
            admin.post(address(User, "change", user.pk), self.form(groups=[viewer.pk], first_name="F")).status_code
            == 302
        )
        user.refresh_from_db()
        assert user.first_name == "F"
        assert user.check_password("long enough")

    def test_a_changed_password_ends_sessions(self, admin):
        user = person("Viewer", username="new", email="n@example.org")
        client = client_of(user)
        assert client.get(address(Pool)).status_code == 200
        admin.post(address(User, "change", user.pk), self.form(new_password="another one"))
        assert client.get(address(Pool)).status_code == 302

    def test_the_superuser_flag_is_not_set_here(self, admin):
        user = person("Viewer", username="new", email="n@example.org")
        admin.post(address(User, "change", user.pk), self.form(is_superuser="on", is_staff="on", user_permissions=[1]))
        user.refresh_from_db()
        assert not user.is_superuser
        assert not user.is_staff
        assert not user.user_permissions.exists()

    def test_no_page_shows_a_password_hash(self, admin):
        user = person("Viewer")
        for path in (address(User), address(User, "change", user.pk)):
            assert user.password not in admin.get(path).content.decode()

    def test_a_manager_of_users_does_not_rise_here_either(self):
        pairs = [Pair(action, "Users") for action in ("can_read", "can_edit", "can_create", "can_delete")]
        role("manager", [*pairs, Pair("can_read", "Website")])
        manager = person("manager", username="new", email="n@example.org")
        client = client_of(manager)
        strong = Group.objects.get(name="Admin")
        answer = client.post(address(User, "change", manager.pk), self.form(groups=[strong.pk]), follow=True)
        assert "rights which you do not have" in answer.content.decode()
        assert [group.name for group in manager.groups.all()] == ["manager"]
        boss = person("Admin", username="boss", email="boss@example.org")
        client.post(
            address(User, "change", boss.pk),
            self.form(username="boss", email="boss@example.org", new_password="taken over"),
        )
        client.post(address(User, "delete", boss.pk), {"post": "yes"})
        boss.refresh_from_db()
        assert boss.check_password(PASSWORD)

    def test_the_last_administrator_stays(self, admin):
        boss = User.objects.get(username="admin")
        answer = admin.post(address(User, "delete", boss.pk), {"post": "yes"}, follow=True)
        assert "last administrator" in answer.content.decode()
        assert User.objects.filter(username="admin").exists()

    def test_a_role_gets_and_loses_pairs(self, admin):
        read, edit = (permission(Pair(action, "Pools")) for action in ("can_read", "can_edit"))
        assert admin.post(address(Group, "add"), {"name": "r", "permissions": [read.pk]}).status_code == 302
        group = Group.objects.get(name="r")
        admin.post(address(Group, "change", group.pk), {"name": "s", "permissions": [edit.pk]})
        group.refresh_from_db()
        assert (group.name, list(group.permissions.all())) == ("s", [edit])

    def test_a_built_in_role_keeps_its_own(self, admin):
        viewer = Group.objects.get(name="Viewer")
        count = viewer.permissions.count()
        answer = admin.post(address(Group, "change", viewer.pk), {"name": "Viewer", "permissions": []}, follow=True)
        assert "is built in and keeps" in answer.content.decode()
        assert viewer.permissions.count() == count

    def test_a_grant_is_made_and_taken(self, admin):
        group = role("r")
        form = {"group": group.pk, "dag_id": "d1", "action": "can_read", "resource": "DAGs"}
        assert admin.post(address(DagGrant, "add"), form).status_code == 302
        row = DagGrant.objects.get()
        assert admin.post(address(DagGrant, "delete", row.pk), {"post": "yes"}).status_code == 302
        assert not DagGrant.objects.exists()
        for odd in ("DAGs", "~", "DAG Runs"):
            admin.post(address(DagGrant, "add"), {**form, "dag_id": odd})
        assert not DagGrant.objects.exists()

    def test_a_token_is_made_for_oneself_shown_once_and_revoked(self):
        user = person("Viewer")
        client = client_of(user)
        answer = client.post(address(PersonalAccessToken, "add"), {"name": "t", "scope": "read"}, follow=True)
        text = re.search(r"afs_[0-9a-f]{64}", answer.content.decode())
        assert text
        assert text[0] not in client.get(address(PersonalAccessToken)).content.decode()
        token = PersonalAccessToken.objects.get()
        assert (token.user, token.scope) == (user, "read")
        other = client_of(person("Op"))
        assert other.post(address(PersonalAccessToken, "delete", token.pk), {"post": "yes"}).status_code in {302, 404}
        assert PersonalAccessToken.objects.exists()
        assert client.post(address(PersonalAccessToken, "delete", token.pk), {"post": "yes"}).status_code == 302
        assert not PersonalAccessToken.objects.exists()


class TestDags:
    def test_they_are_paused_by_those_who_may_edit_them(self):
        DagFactory(dag_id="d1")
        DagFactory(dag_id="d2")
        client = client_of(restricted(also=[Pair("can_read", "Website")]))
        form = {"action": "pause", "_selected_action": ["d1", "d2"]}
        assert client.post(address(Dag), form).status_code == 302
        assert set(Dag.objects.filter(is_paused=True).values_list("dag_id", flat=True)) == {"d1"}

    def test_a_viewer_pauses_nothing(self):
        DagFactory(dag_id="d1")
        client_of(person("Viewer")).post(address(Dag), {"action": "pause", "_selected_action": ["d1"]})
        assert not Dag.objects.filter(is_paused=True).exists()


def test_xcoms_are_searched_by_key_dag_and_task_together(admin):
    world = World()
    table = address(models.XCom)
    for term, expected in (("d1", 1), ("d1 t", 1), ("d1 nothing", 0), ("plain", 0), ("d", 2)):
        assert admin.get(table, {"q": term}).context["cl"].result_count == expected, term
    XComFactory(task_instance=world.d1.runs.get().task_instances.get(), key="sales_key")
    assert admin.get(table, {"q": "sales d1"}).context["cl"].result_count == 1
    assert admin.get(table, {"q": "sales d2"}).context["cl"].result_count == 0
