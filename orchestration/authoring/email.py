"""Mails over SMTP. Mirrors ``airflow.utils.email``.

The server comes from the options ``[smtp]``, user and password from the connection ``email.email_conn_id`` if it
exists and from the options otherwise.
"""

from __future__ import annotations

import logging
import re
import smtplib
import ssl
from collections.abc import Iterable, Mapping
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate
from pathlib import Path
from typing import Any

from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.hooks_base import BaseHook
from orchestration.conf import conf

#: One address, several in a text parted by commas or semicolons, or several texts.
Addresses = str | Iterable[str]

#: The backend that this system has; another one is imported by its path.
OWN_BACKEND = "airflow.utils.email.send_email_smtp"

log = logging.getLogger(__name__)


def send_email(
    to: Addresses,
    subject: str,
    html_content: str,
    files: list[str] | None = None,
    dryrun: bool = False,
    cc: Addresses | None = None,
    bcc: Addresses | None = None,
    mime_subtype: str = "mixed",
    mime_charset: str = "utf-8",
    conn_id: str | None = None,
    custom_headers: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> None:
    """Send a mail by the function that ``email.email_backend`` names; ``dryrun`` does all but send.

    ``files`` are paths to attach, ``conn_id`` the connection with user and password.
    """
    path = conf.get("email", "email_backend")
    if path == OWN_BACKEND:
        backend: Any = send_email_smtp
    else:
        from orchestration.authoring.compat.module_loading import import_string

        backend = import_string(path)
    backend(
        ", ".join(get_email_address_list(to)),
        subject,
        html_content,
        from_email=conf.get("email", "from_email") or None,
        cc=cc,
        bcc=bcc,
        custom_headers=custom_headers,
        files=files,
        mime_charset=mime_charset,
        mime_subtype=mime_subtype,
        conn_id=conn_id or conf.get("email", "email_conn_id"),
        dryrun=dryrun,
        **kwargs,
    )


def send_email_smtp(
    to: Addresses,
    subject: str,
    html_content: str,
    files: list[str] | None = None,
    dryrun: bool = False,
    cc: Addresses | None = None,
    bcc: Addresses | None = None,
    mime_subtype: str = "mixed",
    mime_charset: str = "utf-8",
    conn_id: str = "smtp_default",
    from_email: str | None = None,
    custom_headers: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> None:
    """Send a mail through the server of ``[smtp]``; the sender is ``smtp.smtp_mail_from``, else ``from_email``."""
    sender = conf.get("smtp", "smtp_mail_from") or from_email
    if not sender:
        raise ValueError("The mail has no sender: set the option smtp.smtp_mail_from, or give from_email")
    message, recipients = build_mime_message(
        sender, to, subject, html_content, files, cc, bcc, mime_subtype, mime_charset, custom_headers
    )
    send_mime_email(e_from=sender, e_to=recipients, mime_msg=message, conn_id=conn_id, dryrun=dryrun)


def build_mime_message(
    mail_from: str | None,
    to: Addresses,
    subject: str,
    html_content: str,
    files: list[str] | None = None,
    cc: Addresses | None = None,
    bcc: Addresses | None = None,
    mime_subtype: str = "mixed",
    mime_charset: str = "utf-8",
    custom_headers: Mapping[str, Any] | None = None,
) -> tuple[MIMEMultipart, list[str]]:
    """The message, and all addresses it goes to; those of ``bcc`` are not in its headers."""
    shown, copied, hidden = (get_email_address_list(addresses or []) for addresses in (to, cc, bcc))
    message = MIMEMultipart(mime_subtype)
    message["Subject"] = subject
    if mail_from:
        message["From"] = mail_from
    message["To"] = ", ".join(shown)
    if copied:
        message["CC"] = ", ".join(copied)
    message["Date"] = formatdate(localtime=True)
    message.attach(MIMEText(html_content, "html", mime_charset))
    for path in map(Path, files or []):
        part = MIMEApplication(path.read_bytes(), Name=path.name)
        part.add_header("Content-Disposition", "attachment", filename=path.name)
        part["Content-ID"] = f"<{path.name}>"
        message.attach(part)
    for name, value in (custom_headers or {}).items():
        message[name] = value
    return message, [*shown, *copied, *hidden]


def send_mime_email(
    e_from: str, e_to: str | list[str], mime_msg: MIMEMultipart, conn_id: str = "smtp_default", dryrun: bool = False
) -> None:
    """Hand a message to the server of ``[smtp]``, tried ``smtp_retry_limit`` times where it hangs up."""
    user, password = _credentials(conn_id)
    if dryrun:
        return
    limit = conf.getint("smtp", "smtp_retry_limit")
    for attempt in range(1, limit + 1):
        log.debug("Mail to %s, try %d of %d", e_to, attempt, limit)
        try:
            with _connect() as server:
                if conf.getboolean("smtp", "smtp_starttls"):
                    server.starttls(context=_tls())
                if user and password:
                    server.login(user, password)
                server.sendmail(e_from, e_to, mime_msg.as_string())
        except smtplib.SMTPServerDisconnected:
            if attempt == limit:
                raise
        else:
            log.info("A mail went to %s", e_to)
            return


def get_email_address_list(addresses: Addresses) -> list[str]:
    """The single addresses; TypeError for anything but text or texts."""
    if isinstance(addresses, str):
        return [address for address in re.split(r"\s*[,;]\s*", addresses.strip()) if address]
    if not isinstance(addresses, Iterable):
        raise TypeError(f"Addresses are a text or texts, not {addresses!r}")
    found = list(addresses)
    if wrong := [address for address in found if not isinstance(address, str)]:
        raise TypeError(f"An address is a text, not {wrong[0]!r}")
    return found


def _credentials(conn_id: str | None) -> tuple[str | None, str | None]:
    if conn_id:
        try:
            connection = BaseHook.get_connection(conn_id)
        except AirflowException:
            log.debug("There is no connection %s; user and password come from the options", conn_id)
        else:
            if connection.login and connection.password:
                return connection.login, connection.password
    return conf.get("smtp", "smtp_user") or None, conf.get("smtp", "smtp_password") or None


def _connect() -> smtplib.SMTP:
    host, port = conf.get("smtp", "smtp_host"), conf.getint("smtp", "smtp_port")
    timeout = conf.getint("smtp", "smtp_timeout")
    if not conf.getboolean("smtp", "smtp_ssl"):
        return smtplib.SMTP(host=host, port=port, timeout=timeout)
    return smtplib.SMTP_SSL(host=host, port=port, timeout=timeout, context=_tls())


def _tls() -> ssl.SSLContext | None:
    """What ``email.ssl_context`` says: ``default`` checks the server's certificate, ``none`` does not."""
    choice = conf.get("email", "ssl_context", "default")
    if choice not in {"default", "none"}:
        raise RuntimeError(f"The option email.ssl_context must be 'default' or 'none', not {choice!r}.")
    return ssl.create_default_context() if choice == "default" else None
