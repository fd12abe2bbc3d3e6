"""Variables as files, pools' use, typed connections and their test, configuration, permissions."""

from __future__ import annotations

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from orchestration.access.permissions import Pair
from orchestration.models import Connection, EventLog, TaskInstance, Variable
from orchestration.services import connection_tests
from tests.admin.conftest import client_of
from tests.factories import ConnectionFactory, PoolFactory, VariableFactory, make_dag, make_run
from tests.people import person, role

pytestmark = pytest.mark.django_db

IMPORT, EXPORT = "admin:desk_variables_import", "admin:desk_variables_export"


def send_file(client, text, existing="overwrite"):
    data = text if isinstance(text, bytes) else text.encode()
    return client.post(reverse(IMPORT), {"file": SimpleUploadedFile("v.json", data), "existing": existing}, follow=True)


class TestVariableFiles:
    def test_an_export_is_the_reference_s_json_with_masked_secrets(self, desk):
        VariableFactory(key="plain", val="text")
        VariableFactory(key="settings", val='{"rows": 3}')
        VariableFactory(key="db_password", val="S3CRET")
        answer = desk.get(reverse(EXPORT))
        assert answer.json() == {"plain": "text", "settings": {"rows": 3}, "db_password": "***"}
        assert answer["Content-Disposition"] == 'attachment; filename="variables.json"'

    def test_selected_variables_are_exported(self, desk):
        wanted, _ = VariableFactory(key="a"), VariableFactory(key="b")
        form = {"action": "export", "_selected_action": [wanted.pk]}
        assert desk.post(reverse("admin:orchestration_variable_changelist"), form).json() == {"a": "value"}

    def test_what_was_exported_is_imported_again_and_keeps_hidden_values(self, desk):
        VariableFactory(key="db_password", val="S3CRET")
        VariableFactory(key="gone", val='{"a": 1}', description="kept")
        text = desk.get(reverse(EXPORT)).content.decode()
        Variable.objects.filter(key="gone").update(val="other")
        assert "2 variables imported" in send_file(desk, text).content.decode()
        assert Variable.objects.get(key="db_password").val == "S3CRET"
        gone = Variable.objects.get(key="gone")
        assert (json.loads(gone.val), gone.description) == ({"a": 1}, "kept")
        assert EventLog.objects.filter(event="variable.create", owner="boss").count() == 2

    @pytest.mark.parametrize(("existing", "value"), [("overwrite", "new"), ("skip", "value"), ("fail", "value")])
    def test_keys_that_are_there_are_overwritten_left_or_refused(self, desk, existing, value):
        VariableFactory(key="a")
        page = send_file(desk, '{"a": "new", "b": "x"}', existing).content.decode()
        assert Variable.objects.get(key="a").val == value
        assert Variable.objects.filter(key="b").exists() is (existing != "fail")
        assert ("are there already" in page) is (existing == "fail")

    @pytest.mark.parametrize(
        "text",
        [
            "[1]",
            "{",
            "nope",
            b"\xff\xfe",
            '"a"',
            "[" * 5000,
            '{"": "x"}',
            '{"a": "x\\u0000y"}',
            f'{{"{"k" * 300}": 1}}',
        ],
    )
    def test_other_files_are_refused_and_change_nothing(self, desk, text):
        answer = send_file(desk, text)
        assert answer.status_code == 200
        assert 'role="alert"' in answer.content.decode()
        assert not Variable.objects.exists()

    def test_all_is_imported_or_nothing(self, desk):
        send_file(desk, json.dumps({"good": 1, "k" * 300: 1}))
        assert not Variable.objects.exists()

    def test_a_form_without_a_file_says_so(self, desk):
        assert "Choose a file first" in desk.post(reverse(IMPORT), {}).content.decode()

    @pytest.mark.parametrize("name", ["Viewer", "User"])
    def test_those_who_may_not_do_not(self, name):
        client = client_of(person(name))
        assert send_file(client, '{"a": "b"}').status_code == 403
        assert client.get(reverse(EXPORT)).status_code == 403
        assert not Variable.objects.exists()

    def test_one_who_may_make_but_not_change_overwrites_nothing(self):
        VariableFactory(key="a")
        pairs = [Pair("can_create", "Variables"), Pair("can_read", "Variables"), Pair("can_read", "Website")]
        role("maker", pairs)
        page = send_file(client_of(person("maker")), '{"b": "x", "a": "new"}').content.decode()
        assert "may not change variables" in page
        assert list(Variable.objects.values_list("key", "val")) == [("a", "value")]


def test_pools_show_their_use_and_lead_to_it(desk):
    pool = PoolFactory(name="p", slots=4)
    run = make_run(
        make_dag("a, b, c, d", dag_id="d1"), dict.fromkeys("ab", "running") | {"c": "queued", "d": "scheduled"}
    )
    TaskInstance.objects.filter(run=run).update(pool="p")
    page = desk.get(reverse("admin:orchestration_pool_changelist"))
    (row,) = [row for row in page.context["cl"].result_list if row.name == "p"]
    assert (row.usage.running, row.usage.queued, row.usage.scheduled, row.usage.open(pool)) == (2, 1, 1, 1)
    assert "?pool=p&amp;state__exact=running" in page.content.decode()
    linked = desk.get(reverse("admin:orchestration_taskinstance_changelist"), {"pool": "p", "state__exact": "running"})
    assert linked.context["cl"].result_count == 2


class TestConnections:
    ADDRESS = "admin:desk_connection_test"

    @pytest.fixture
    def tried(self, monkeypatch):
        """What would be tried; nothing is."""
        seen: list[Connection] = []

        def run(connection, *, actor):
            seen.append(connection)
            return connection_tests.Result(True, "fine")

        monkeypatch.setattr(connection_tests, "is_enabled", lambda: True)
        monkeypatch.setattr(connection_tests, "run", run)
        return seen

    def send(self, client, **body):
        return client.post(reverse(self.ADDRESS), body, content_type="application/json")

    def test_the_form_knows_the_types_and_holds_no_secret(self, desk):
        row = ConnectionFactory(conn_type="postgres", password="S3CRET", extra='{"token": "S3CRET"}')
        answer = desk.get(reverse("admin:orchestration_connection_change", args=(row.pk,)))
        page = answer.content.decode()
        assert "S3CRET" not in page
        assert "SSL mode" in page
        assert answer.context["connection_types"]["postgres"]["has_hook"] is True

    def test_extra_that_is_no_json_is_told_and_not_stored(self, desk):
        form = {"conn_id": "c", "conn_type": "http", "extra": '{"a": '}
        page = desk.post(reverse("admin:orchestration_connection_add"), form).content.decode()
        assert "That is no JSON" in page
        assert not Connection.objects.exists()

    def test_it_is_not_tried_while_the_option_is_off(self, desk):
        answer = self.send(desk, conn_type="http", host="example.com")
        assert answer.status_code == 403
        assert "not Enabled" in answer.json()["detail"]

    def test_the_form_s_fields_are_tried_and_leave_no_row(self, desk, tried):
        answer = self.send(desk, conn_id="new", conn_type="http", host="example.com", password="typed", port=80)
        assert answer.json() == {"is_good": True, "message": "fine"}
        assert (tried[0].host, tried[0].password, tried[0].port) == ("example.com", "typed", 80)
        assert not Connection.objects.exists()
        assert "typed" not in str(list(EventLog.objects.values()))

    def test_the_stored_password_goes_to_the_stored_place_only(self, desk, tried):
        ConnectionFactory(conn_id="c", conn_type="http", host="here", password="S3CRET")
        assert self.send(desk, conn_id="c", conn_type="http", host="here").status_code == 200
        assert tried[0].password == "S3CRET"
        answer = self.send(desk, conn_id="c", conn_type="http", host="evil")
        assert answer.status_code == 400
        assert "only to the place" in answer.json()["detail"]
        assert len(tried) == 1

    def test_one_who_may_not_change_connections_sends_no_stored_password(self, tried):
        ConnectionFactory(conn_id="c", conn_type="http", host="here", password="S3CRET")
        role("maker", [Pair("can_create", "Connections"), Pair("can_read", "Website")])
        assert self.send(client_of(person("maker")), conn_id="c", conn_type="http", host="here").status_code == 200
        assert tried[0].password == ""

    @pytest.mark.parametrize("body", [{"port": "x"}, {"host": 3}, {"extra": {"a": 1}}])
    def test_other_kinds_of_values_are_refused(self, desk, tried, body):
        assert self.send(desk, conn_type="http", **body).status_code == 400
        assert not tried

    @pytest.mark.parametrize("name", ["Viewer", "User"])
    def test_those_who_may_not_do_not(self, tried, name):
        assert self.send(client_of(person(name)), conn_type="http", host="x").status_code == 403
        assert not tried


class TestConfiguration:
    def test_it_is_shown_as_the_option_allows_and_never_a_secret(self, desk, monkeypatch):
        monkeypatch.setenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG", "False")
        page = desk.get(reverse("admin:desk_config")).content.decode()
        assert "The configuration is not shown" in page
        assert "dags_folder" not in page
        monkeypatch.setenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG", "True")
        monkeypatch.setenv("AIRFLOW__SMTP__SMTP_PASSWORD", "S3CRET")
        monkeypatch.setenv("AIRFLOW__CELERY__BROKER_URL", "amqp://u:S3CRET@h/")
        page = desk.get(reverse("admin:desk_config")).content.decode()
        assert "dags_folder" in page
        assert "S3CRET" not in page

    def test_it_is_searched(self, desk, monkeypatch):
        monkeypatch.setenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG", "non-sensitive-only")
        sections = desk.get(reverse("admin:desk_config"), {"search": "dags_folder"}).context["sections"]
        assert "dags_folder" in {option.key for _, options in sections for option, _ in options}
        assert len(sections) < 5


def test_the_permissions_of_each_role_and_grants_on_dags_are_shown(desk):
    role("mine", [Pair("can_read", "Pools")], {"d1": ["can_edit"]})
    context = desk.get(reverse("admin:desk_permissions"), {"role": "mine"}).context
    assert [name for _, name in context["roles"]] == ["mine"]
    assert dict(context["table"])["Pools"] == [[("R", "can_read")]]
    assert [(grant.dag_id, grant.action) for grant in context["grants"]] == [("d1", "can_edit")]


def test_a_role_s_form_has_a_box_for_each_pair_and_no_other(desk):
    group = role("mine", [Pair("can_read", "Pools")])
    page = desk.get(reverse("admin:auth_group_change", args=(group.pk,))).content.decode()
    assert re.search(r'aria-label="can_read on Pools" checked>', page)
    assert re.search(r'aria-label="can_edit on Pools">', page)
    assert "can_edit on Datasets" not in page
