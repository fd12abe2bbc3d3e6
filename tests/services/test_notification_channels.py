"""Channels: what they send, that their secrets stay theirs, and who may change them."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from django.db import connection

from orchestration.errors import Conflict, Forbidden, Invalid
from orchestration.models import EventLog, NotificationChannel
from orchestration.services import automations
from orchestration.services import notification_channels as channels
from tests.authoring.hooks.servers import http_server, smtp_server
from tests.people import person

pytestmark = pytest.mark.django_db

KEY = "a-key-of-sixteen-or-more"


@pytest.fixture(autouse=True)
def private(monkeypatch):
    """Servers of the tests are on this machine."""
    monkeypatch.setenv("AIRFLOW__NOTIFICATIONS__ALLOW_PRIVATE_TARGETS", "True")


def webhook(url="https://hooks.example/T0K3N", **fields):
    return channels.create(actor=None, **{"name": "ops", "kind": "webhook", "url": url, "secret": KEY, **fields})


def test_a_webhook_is_signed_over_its_time_and_body():
    with http_server({"/in": (200, {}, "ok")}) as (port, calls):
        answer = channels.send(webhook(f"http://127.0.0.1:{port}/in"), {"event": "x", "é": 1}, delivery_id="7")
    assert answer == channels.Answer(True, "answered 200")
    headers, body = calls[0]["headers"], calls[0]["body"]
    expected = hmac.new(KEY.encode(), f"{headers['X-Airflowsite-Timestamp']}.{body}".encode(), hashlib.sha256)
    assert headers["X-Airflowsite-Signature"] == f"sha256={expected.hexdigest()}"
    assert headers["X-Airflowsite-Delivery"] == "7"
    assert json.loads(body) == {"event": "x", "é": 1}


def test_a_chat_gets_a_text_in_which_nobody_is_mentioned():
    with http_server({"/in": (200, {}, "ok")}) as (port, calls):
        chat = webhook(f"http://127.0.0.1:{port}/in", kind="slack", secret=None)
        assert channels.send(chat, {"summary": "<!channel> & co", "url": "http://desk/"}, delivery_id="1").is_good
    assert json.loads(calls[0]["body"]) == {"text": "&lt;!channel&gt; &amp; co\nhttp://desk/"}
    assert "X-Airflowsite-Signature" not in calls[0]["headers"]


def test_a_mail_goes_through_the_server_of_the_options(monkeypatch):
    with smtp_server() as (port, mails):
        for key, value in {"HOST": "127.0.0.1", "PORT": port, "STARTTLS": False}.items():
            monkeypatch.setenv(f"AIRFLOW__SMTP__SMTP_{key}", str(value))
        mail = channels.create(actor=None, name="m", kind="email", recipients="a@example.com; b@example.com")
        answer = channels.send(mail, {"summary": "late\r\nBcc: x@example.com", "dag_id": "<b>d</b>"}, delivery_id="1")
    assert answer.is_good
    assert mails[0]["to"] == ["a@example.com", "b@example.com"]
    assert len(mails) == 1


@pytest.mark.parametrize("status", [301, 404, 500])
def test_other_answers_are_no_success_and_their_text_is_not_kept(status):
    with http_server({"/in": (status, {}, "S3CRET text")}) as (port, _):
        answer = channels.send(webhook(f"http://127.0.0.1:{port}/in"), {}, delivery_id="1")
    assert not answer.is_good
    assert str(status) in answer.text
    assert "S3CRET" not in answer.text


def test_this_machine_is_called_only_where_the_option_allows_it(monkeypatch):
    monkeypatch.setenv("AIRFLOW__NOTIFICATIONS__ALLOW_PRIVATE_TARGETS", "False")
    with http_server({"/in": (200, {}, "ok")}) as (port, calls):
        answer = channels.send(webhook(f"http://127.0.0.1:{port}/in"), {}, delivery_id="1")
    assert not answer.is_good
    assert "allow_private_targets" in answer.text
    assert not calls


def test_address_and_key_are_encrypted_and_neither_logged_nor_shown():
    channel = webhook()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT url, secret FROM {NotificationChannel._meta.db_table}")
        (row,) = cursor.fetchall()
    channels.update(channel, actor=None, description="new", url="https://hooks.example/0THER", secret=KEY + "2")
    logged = str(list(EventLog.objects.values_list("extra", flat=True)))
    for secret in ("T0K3N", "0THER", KEY):
        assert secret not in f"{row}{logged}{channel.shown_target}"
    assert channel.shown_target == "https://hooks.example/…"


def test_a_key_does_not_follow_to_another_address():
    channel = webhook()
    with pytest.raises(Invalid, match="signing key"):
        channels.update(channel, actor=None, url="https://evil.example/")
    channels.update(NotificationChannel.objects.get(), actor=None, description="same address")


@pytest.mark.parametrize(
    "fields",
    [
        {"url": "ftp://x/"},
        {"url": None},
        {"secret": "short"},
        {"secret": None},
        {"name": " "},
        {"kind": "email", "recipients": ""},
        {"kind": "email", "recipients": "nobody"},
    ],
)
def test_what_cannot_work_is_refused(fields):
    with pytest.raises(Invalid):
        webhook(**fields)
    assert not NotificationChannel.objects.exists()


def test_a_name_is_taken_once():
    webhook()
    with pytest.raises(Conflict):
        webhook()


def test_a_channel_in_use_is_not_deleted():
    channel = webhook()
    rule = automations.create(actor=None, name="r", channel=channel)
    with pytest.raises(Conflict, match="Automations notify"):
        channels.delete(channel, actor=None)
    automations.delete(rule, actor=None)
    channels.delete(channel, actor=None)
    assert not NotificationChannel.objects.exists()


@pytest.mark.parametrize("name", ["Viewer", "User", "Op"])
def test_only_administrators_may(name):
    actor, channel = person(name), webhook()
    with pytest.raises(Forbidden):
        channels.create(actor=actor, name="x", kind="webhook", url="https://x.example/", secret=KEY)
    with pytest.raises(Forbidden):
        channels.update(channel, actor=actor, description="x")
    with pytest.raises(Forbidden):
        channels.delete(channel, actor=actor)
    with pytest.raises(Forbidden):
        channels.test(channel, actor=actor)
    with pytest.raises(Forbidden):
        automations.create(actor=actor, name="r", channel=channel)


def test_a_test_is_sent_and_logged():
    with http_server({"/in": (200, {}, "ok")}) as (port, calls):
        answer = channels.test(webhook(f"http://127.0.0.1:{port}/in"), actor=person("Admin", username="boss"))
    assert answer.is_good
    assert json.loads(calls[0]["body"])["event"] == "test"
    assert EventLog.objects.get(event="notification_channel.test").owner == "boss"
