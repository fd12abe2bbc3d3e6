from __future__ import annotations

import email
from email.errors import HeaderParseError
from email.header import decode_header, make_header

import pytest

from orchestration.authoring.dag import DAG
from orchestration.authoring.email import build_mime_message, get_email_address_list, send_email
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.hooks.smtp import SmtpHook
from orchestration.authoring.notifications.smtp import SmtpNotifier
from orchestration.authoring.operators.email import EmailOperator
from orchestration.authoring.operators.smtp import EmailOperator as SmtpEmailOperator
from tests.authoring.hooks.servers import smtp_server
from tests.authoring.operators.support import connection_value, execute, make_dag

PLAIN = '"disable_ssl": true, "disable_tls": true'


@pytest.fixture
def mails(memory, monkeypatch):
    with smtp_server() as (port, kept):
        monkeypatch.setenv("AIRFLOW__SMTP__SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("AIRFLOW__SMTP__SMTP_PORT", str(port))
        monkeypatch.setenv("AIRFLOW__SMTP__SMTP_STARTTLS", "False")
        memory.connections["mail"] = connection_value(
            "mail", "smtp", host="127.0.0.1", port=port, extra=f'{{{PLAIN}, "from_email": "me@x.y"}}'
        )
        yield kept


def content(mail):
    message = email.message_from_string(mail["text"])
    parts = [part for part in message.walk() if not part.is_multipart()]
    return message, parts


def test_a_mail_goes_to_all_its_addresses(mails):
    send_email("a@x.y; b@x.y", "Grüße", "<b>hi</b>", cc="c@x.y", bcc=["d@x.y"], custom_headers={"X-Mine": "1"})
    (mail,) = mails
    message, (text,) = content(mail)
    assert mail["to"] == ["a@x.y", "b@x.y", "c@x.y", "d@x.y"]
    assert mail["from"] == "airflow@example.com"
    assert (message["To"], message["CC"], message["X-Mine"]) == ("a@x.y, b@x.y", "c@x.y", "1")
    assert "d@x.y" not in mail["text"]
    assert str(make_header(decode_header(message["Subject"]))) == "Grüße"
    assert text.get_payload(decode=True).decode().strip() == "<b>hi</b>"


def test_files_are_attached(mails, tmp_path):
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")
    send_email("a@x.y", "s", "c", files=[str(tmp_path / "a.bin")])
    _, (_, attached) = content(mails[0])
    assert (attached.get_filename(), attached.get_payload(decode=True)) == ("a.bin", b"\x00\x01")


def test_a_dry_run_sends_nothing(mails):
    send_email("a@x.y", "s", "c", dryrun=True)
    assert mails == []


def test_user_and_password_come_from_the_connection(mails, memory):
    memory.connections["smtp_default"] = connection_value("smtp_default", "email", login="ann", password="s")
    send_email("a@x.y", "s", "c")
    assert mails[0]["auth"].startswith("AUTH PLAIN")


def test_a_header_cannot_be_smuggled_in():
    message, _ = build_mime_message("me@x.y", "a@x.y", "line\r\nBcc: evil@x.y", "c")
    with pytest.raises(HeaderParseError):
        message.as_string()


@pytest.mark.parametrize(
    ("given", "expected"),
    [("a@x", ["a@x"]), ("a@x, b@x;c@x", ["a@x", "b@x", "c@x"]), (("a@x", "b@x"), ["a@x", "b@x"]), ([], [])],
)
def test_addresses_come_in_several_forms(given, expected):
    assert get_email_address_list(given) == expected


@pytest.mark.parametrize("given", [5, ["a@x", 5]])
def test_what_is_no_address_is_refused(given):
    with pytest.raises(TypeError):
        get_email_address_list(given)


def test_the_operator_sends_rendered_fields(mails):
    with make_dag():
        task = EmailOperator(task_id="t", to="a@x.y", subject="day {{ ds }}", html_content="run {{ run_id }}")
    execute(task)
    message, (text,) = content(mails[0])
    assert message["Subject"] == "day 2024-03-05"
    assert b"run run_1" in text.get_payload(decode=True)


def test_the_hook_tries_again_when_the_server_hangs_up(memory):
    with smtp_server(hang_up=2) as (port, kept):
        memory.connections["mail"] = connection_value(
            "mail", "smtp", host="127.0.0.1", port=port, extra=f'{{{PLAIN}, "retry_limit": 3}}'
        )
        with SmtpHook("mail") as smtp:
            smtp.send_email_smtp(to="a@x.y", subject="s", html_content="c", from_email="me@x.y")
        assert len(kept) == 1


def test_the_hook_gives_up(memory):
    with smtp_server(hang_up=9) as (port, _):
        memory.connections["mail"] = connection_value(
            "mail", "smtp", host="127.0.0.1", port=port, extra=f'{{{PLAIN}, "retry_limit": 2}}'
        )
        with pytest.raises(AirflowException, match="hung up 2 times"):
            SmtpHook("mail").get_conn()


def test_the_hook_without_a_connection_says_so(memory):
    with pytest.raises(AirflowException, match="There is no connection"):
        SmtpHook("mail").get_conn()
    with pytest.raises(AirflowException, match="not called yet"):
        SmtpHook("mail").send_email_smtp(to="a@x.y")


def test_a_connection_can_be_tested(mails):
    assert SmtpHook("mail").test_connection() == (True, "Connection successfully tested")


def test_the_providers_operator_takes_templates_from_the_connection(mails, memory, tmp_path):
    (tmp_path / "subject").write_text("about {{ ds }}")
    (tmp_path / "body").write_text("<p>{{ run_id }}</p>")
    memory.connections["mail"]["extra"] = (
        f'{{{PLAIN}, "from_email": "{{{{ run_id }}}}@x.y", "subject_template": "{tmp_path}/subject", '
        f'"html_content_template": "{tmp_path}/body"}}'
    )
    with make_dag():
        task = SmtpEmailOperator(task_id="t", to="a@x.y", conn_id="mail")
    execute(task)
    message, (text,) = content(mails[0])
    assert (message["Subject"], message["From"]) == ("about 2024-03-05", "run_1@x.y")
    assert text.get_payload(decode=True).strip() == b"<p>run_1</p>"


def test_the_providers_operator_says_what_is_missing(mails):
    with make_dag():
        task = SmtpEmailOperator(task_id="t", to="a@x.y", conn_id="mail")
    with pytest.raises(AirflowException, match="has no subject"):
        execute(task)


def notified(notifier):
    dag = DAG("d", schedule=None)
    notifier({"dag": dag, "run_id": "r1", "logical_date": "L", "exception": "<oh>"})


def test_a_notifier_has_texts_of_its_own(mails):
    notified(SmtpNotifier(to="a@x.y", smtp_conn_id="mail"))
    message, (text,) = content(mails[0])
    assert message["Subject"] == "d, r1"
    assert message["From"] == "me@x.y"
    body = text.get_payload(decode=True).decode()
    assert "r1" in body and "&lt;oh&gt;" in body


def test_a_notifier_renders_what_it_was_given(mails):
    notified(SmtpNotifier(to="{{ run_id }}@x.y", smtp_conn_id="mail", subject="{{ run_id }} failed", html_content="x"))
    assert mails[0]["to"] == ["r1@x.y"]
    assert content(mails[0])[0]["Subject"] == "r1 failed"
