"""A mail server named by a connection. Mirrors ``airflow.providers.smtp.hooks.smtp``."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from orchestration.authoring.email import Addresses, build_mime_message
from orchestration.authoring.exceptions import AirflowException, AirflowNotFoundException
from orchestration.authoring.hooks_base import BaseHook

if TYPE_CHECKING:
    from orchestration.authoring.connection import Connection


class SmtpHook(BaseHook):
    """Sends mails; used as ``with SmtpHook("smtp_default") as smtp: smtp.send_email_smtp(…)``.

    The connection's extra may hold ``from_email``, ``timeout`` (seconds), ``retry_limit``, ``disable_tls``,
    ``disable_ssl``, ``ssl_context`` (``default`` or ``none``), and paths as ``subject_template`` and
    ``html_content_template``.
    """

    conn_type, hook_name = "smtp", "SMTP"
    conn_name_attr, default_conn_name = "smtp_conn_id", "smtp_default"

    def __init__(self, smtp_conn_id: str = default_conn_name, auth_type: str = "basic") -> None:
        super().__init__()
        self.smtp_conn_id = smtp_conn_id
        self.auth_type = auth_type
        self.smtp_connection: Connection | None = None
        self.smtp_client: smtplib.SMTP | None = None

    def __enter__(self) -> SmtpHook:
        return self.get_conn()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.smtp_client is not None:
            self.smtp_client.close()
            self.smtp_client = None

    def get_conn(self) -> SmtpHook:
        """This hook, logged in; AirflowException where there is no connection or no server."""
        if self.smtp_client is not None:
            return self
        try:
            self.smtp_connection = self.get_connection(self.smtp_conn_id)
        except AirflowNotFoundException:
            raise AirflowException(f"There is no connection {self.smtp_conn_id!r} to a mail server") from None
        for _ in range(self.smtp_retry_limit):
            with contextlib.suppress(smtplib.SMTPServerDisconnected):
                self.smtp_client = self._logged_in()
                return self
        raise AirflowException(f"The mail server {self.host} hung up {self.smtp_retry_limit} times: look at its log")

    def _logged_in(self) -> smtplib.SMTP:
        client = self._build_client()
        if self.smtp_starttls:
            client.starttls(context=self._tls())
        if self.smtp_user and self.smtp_password:
            client.login(self.smtp_user, self.smtp_password)
        return client

    def _build_client(self) -> smtplib.SMTP:
        arguments: dict[str, Any] = {"host": self.host or "localhost", "timeout": self.timeout}
        if self.port:
            arguments["port"] = self.port
        if self.use_ssl:
            return smtplib.SMTP_SSL(context=self._tls(), **arguments)
        return smtplib.SMTP(**arguments)

    def _tls(self) -> ssl.SSLContext | None:
        if self.ssl_context in (None, "default"):
            return ssl.create_default_context()
        if self.ssl_context == "none":
            return None
        raise RuntimeError(
            f"The connection's extra `ssl_context` must be 'default' or 'none', not {self.ssl_context!r}."
        )

    def test_connection(self) -> tuple[bool, str]:
        """Whether the server answers, and a sentence."""
        try:
            client = self.get_conn().smtp_client
            code = 0 if client is None else client.noop()[0]
        except Exception as error:
            return False, str(error)
        if code == 250:
            return True, "Connection successfully tested"
        return False, f"The mail server {self.host} answered NOOP with {code}"

    def send_email_smtp(
        self,
        *,
        to: Addresses,
        subject: str | None = None,
        html_content: str | None = None,
        from_email: str | None = None,
        files: list[str] | None = None,
        dryrun: bool = False,
        cc: Addresses | None = None,
        bcc: Addresses | None = None,
        mime_subtype: str = "mixed",
        mime_charset: str = "utf-8",
        custom_headers: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Send a mail; sender, subject and content default to what the connection's extra names."""
        if self.smtp_client is None:
            raise AirflowException(f"The mail server is not called yet: send within `with SmtpHook(…)` of {self!r}")
        sender = from_email or self.from_email
        if not sender:
            raise AirflowException(
                f"The mail has no sender: give from_email, or put it into the extra of {self.smtp_conn_id!r}"
            )
        subject = subject or self._template("subject", self.subject_template)
        content = html_content or self._template("html_content", self.html_content_template)
        message, recipients = build_mime_message(
            sender, to, subject, content, files, cc, bcc, mime_subtype, mime_charset, custom_headers
        )
        if dryrun:
            return
        for attempt in range(1, self.smtp_retry_limit + 1):
            try:
                self.smtp_client.sendmail(from_addr=sender, to_addrs=recipients, msg=message.as_string())
            except smtplib.SMTPServerDisconnected:
                if attempt == self.smtp_retry_limit:
                    raise
            else:
                return

    def _template(self, argument: str, path: str | None) -> str:
        if path is not None:
            return Path(path).read_text(encoding="utf-8")
        raise AirflowException(
            f"The mail has no {argument}: give it, or put {argument}_template into the extra of {self.smtp_conn_id!r}"
        )

    @property
    def conn(self) -> Connection:
        """The connection; AirflowException before ``get_conn``."""
        if self.smtp_connection is None:
            raise AirflowException("The connection is looked up by get_conn(): call that first")
        return self.smtp_connection

    @property
    def _extra(self) -> dict[str, Any]:
        extra: dict[str, Any] = self.conn.extra_dejson
        return extra

    @property
    def smtp_retry_limit(self) -> int:
        """How often a call is tried where the server hangs up."""
        return int(self._extra.get("retry_limit", 5))

    @property
    def from_email(self) -> str | None:
        """The sender that the connection names."""
        return self._extra.get("from_email")

    @property
    def smtp_user(self) -> str | None:
        """The connection's login."""
        return self.conn.login

    @property
    def smtp_password(self) -> str | None:
        """The connection's password."""
        return self.conn.password

    @property
    def smtp_starttls(self) -> bool:
        """Whether STARTTLS is used."""
        return not self._extra.get("disable_tls", False)

    @property
    def host(self) -> str | None:
        """The connection's host."""
        return self.conn.host

    @property
    def port(self) -> int | None:
        """The connection's port."""
        return self.conn.port

    @property
    def timeout(self) -> int:
        """Seconds to wait for the server."""
        return int(self._extra.get("timeout", 30))

    @property
    def use_ssl(self) -> bool:
        """Whether TLS is used from the start."""
        return not self._extra.get("disable_ssl", False)

    @property
    def subject_template(self) -> str | None:
        """The path of a template for subjects."""
        return self._extra.get("subject_template")

    @property
    def html_content_template(self) -> str | None:
        """The path of a template for contents."""
        return self._extra.get("html_content_template")

    @property
    def ssl_context(self) -> str | None:
        """``default`` (certificates are checked) or ``none``."""
        return self._extra.get("ssl_context")
