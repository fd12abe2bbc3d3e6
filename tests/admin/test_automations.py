"""The pages of channels, automations and deliveries: forms, the test, sending again, and whose they are."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from orchestration.models import Automation, Delivery, EventLog, NotificationChannel
from orchestration.services import automations
from orchestration.services import notification_channels as channels
from tests.admin.conftest import client_of
from tests.authoring.hooks.servers import http_server
from tests.factories import make_dag
from tests.people import person

pytestmark = pytest.mark.django_db

KEY = "a-key-of-sixteen-or-more"
HOSTILE = "<script>alert(1)</script>"


def address(name: str, page: str = "changelist", *arguments: object) -> str:
    return reverse(f"admin:orchestration_{name}_{page}", args=arguments)


def webhook(url: str = "https://hooks.example/T0K3N", **fields) -> NotificationChannel:
    return channels.create(actor=None, **{"name": "ops", "kind": "webhook", "url": url, "secret": KEY, **fields})


def delivery(**fields) -> Delivery:
    return Delivery.objects.create(
        **{
            "automation_name": "r",
            "subject": "s",
            "event": "run_failed",
            "action": "notify",
            "state": "failed",
            **fields,
        }
    )


class TestChannels:
    FORM = {"name": "ops", "kind": "webhook", "url": "https://hooks.example/T0K3N", "secret": KEY, "is_enabled": "on"}

    def test_one_is_made_by_the_service_and_its_secrets_are_never_shown(self, desk):
        assert desk.post(address("notificationchannel", "add"), self.FORM).status_code == 302
        made = NotificationChannel.objects.get()
        assert (made.url, made.secret) == (self.FORM["url"], KEY)
        assert EventLog.objects.get(event="notification_channel.create").owner == "boss"
        for page in (
            address("notificationchannel"),
            address("notificationchannel", "change", made.pk),
            address("notificationchannel", "history", made.pk),
            address("eventlog"),
        ):
            text = desk.get(page).content.decode()
            assert "T0K3N" not in text
            assert KEY not in text

    def test_what_is_not_typed_stays(self, desk):
        made = webhook()
        form = {**self.FORM, "url": "", "secret": "", "description": "new"}
        assert desk.post(address("notificationchannel", "change", made.pk), form).status_code == 302
        made.refresh_from_db()
        assert (made.url, made.secret, made.description) == ("https://hooks.example/T0K3N", KEY, "new")

    def test_what_the_service_refuses_is_told(self, desk):
        form = {**self.FORM, "secret": "short"}
        page = desk.post(address("notificationchannel", "add"), form, follow=True).content.decode()
        assert "16 characters" in page
        assert not NotificationChannel.objects.exists()

    def test_a_test_is_sent_and_its_answer_told(self, desk, monkeypatch):
        monkeypatch.setenv("AIRFLOW__NOTIFICATIONS__ALLOW_PRIVATE_TARGETS", "True")
        with http_server({"/in": [(200, {}, ""), (500, {}, "")]}) as (port, calls):
            made = webhook(f"http://127.0.0.1:{port}/in")
            button = reverse("admin:desk_channel_test", args=(made.pk,))
            assert button in desk.get(address("notificationchannel", "change", made.pk)).content.decode()
            answers = [desk.post(button, {}, content_type="application/json").json() for _ in range(2)]
        assert answers == [{"is_good": True, "message": "answered 200"}, {"is_good": False, "message": "answered 500"}]
        assert len(calls) == 2
        assert EventLog.objects.filter(event="notification_channel.test", owner="boss").count() == 2

    def test_a_channel_that_is_gone_has_no_test(self, desk):
        page = reverse("admin:desk_channel_test", args=(99,))
        assert desk.post(page, {}, content_type="application/json").status_code == 404

    @pytest.mark.parametrize("name", ["Viewer", "User", "Op"])
    def test_only_administrators_have_these_pages(self, name):
        made, client = webhook(), client_of(person(name))
        for table in ("notificationchannel", "automation", "delivery"):
            assert client.get(address(table)).status_code == 403
        assert client.get(address("notificationchannel", "change", made.pk)).status_code == 403
        test = reverse("admin:desk_channel_test", args=(made.pk,))
        assert client.post(test, {}, content_type="application/json").status_code == 403
        assert "Automations" not in client.get(reverse("admin:desk_dags")).content.decode()


class TestAutomations:
    def form(self, **fields):
        return {"name": "r", "is_enabled": "on", "event": "run_failed", "minutes": 60, "dag_pattern": "*"} | fields

    def test_one_is_made_changed_and_deleted_by_the_service(self, desk):
        channel = webhook()
        add = address("automation", "add")
        assert desk.post(add, self.form(action="notify", channel=channel.pk)).status_code == 302
        made = Automation.objects.get()
        page = address("automation", "change", made.pk)
        assert desk.post(page, self.form(action="pause", channel=channel.pk)).status_code == 302
        made.refresh_from_db()
        assert made.action == "pause"
        assert desk.post(address("automation", "delete", made.pk), {"post": "yes"}).status_code == 302
        events = EventLog.objects.filter(event__startswith="automation.").values_list("event", "owner")
        assert list(events) == [(f"automation.{verb}", "boss") for verb in ("create", "edit", "delete")]

    def test_a_configuration_is_an_object(self, desk):
        make_dag("a", dag_id="d1")
        form = self.form(action="trigger", target_dag_id="d1", dag_pattern="x", target_conf="[1]")
        assert "Give a JSON object" in desk.post(address("automation", "add"), form).content.decode()
        form["target_conf"] = '{"n": 1}'
        assert desk.post(address("automation", "add"), form).status_code == 302
        made = Automation.objects.get()
        assert made.target_conf == {"n": 1}
        page = desk.get(address("automation", "change", made.pk)).content.decode()
        assert "{&quot;n&quot;: 1}" in page

    def test_what_the_service_refuses_is_told(self, desk):
        page = desk.post(address("automation", "add"), self.form(action="notify"), follow=True).content.decode()
        assert "Choose the channel to notify" in page

    def test_the_list_says_what_each_does(self, desk):
        automations.create(
            actor=None, name=HOSTILE, event="run_long", minutes=5, tag="daily", action="notify", channel=webhook()
        )
        page = desk.get(address("automation")).content.decode()
        assert "runs for longer than 5 min" in page
        assert "tag daily" in page
        assert "notify a channel: ops" in page
        assert HOSTILE not in page


class TestDeliveries:
    def test_they_are_listed_filtered_and_sent_again(self, desk):
        told = {"summary": f"d1 failed {HOSTILE}"}
        row, done = (
            delivery(last_answer=HOSTILE, payload=told),
            delivery(state="delivered", action="pause", subject="t"),
        )
        page = desk.get(address("delivery")).content.decode()
        assert "given up" in page
        assert "d1 failed &lt;script&gt;" in page
        assert HOSTILE not in page
        assert desk.get(address("delivery", "change", row.pk)).status_code == 200
        assert desk.get(address("delivery"), {"state__exact": "failed"}).context["cl"].result_count == 1
        form = {"action": "resend", "_selected_action": [row.pk, done.pk]}
        page = desk.post(address("delivery"), form, follow=True).content.decode()
        assert "1 will be sent again" in page
        assert "only messages are sent again" in page
        row.refresh_from_db()
        assert (row.state, row.attempts) == ("pending", 0)
        assert row.next_try_at <= timezone.now()
        assert EventLog.objects.get(event="delivery.resend").owner == "boss"

    def test_those_of_one_automation_are_shown(self, desk):
        rule = automations.create(actor=None, name="r", action="pause")
        delivery(automation=rule)
        delivery(subject="other")
        shown = desk.get(address("delivery"), {"automation__id__exact": rule.pk})
        assert shown.context["cl"].result_count == 1


@pytest.mark.parametrize("rows", [1, 12])
@pytest.mark.parametrize("table", ["notificationchannel", "automation", "delivery"])
def test_a_list_costs_the_same_for_few_and_many(desk, table, rows, django_assert_max_num_queries):
    for number in range(rows):
        channel = webhook(name=f"c{number}")
        rule = automations.create(actor=None, name=f"r{number}", channel=channel)
        delivery(automation=rule, channel=channel)
    desk.get(address(table))
    with django_assert_max_num_queries(10):
        assert desk.get(address(table)).status_code == 200
