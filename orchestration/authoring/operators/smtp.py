"""Sending mails through a connection. Mirrors ``airflow.providers.smtp.operators.smtp``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.hooks.smtp import SmtpHook

#: The arguments of a mail, which the hook takes under the same names.
_PARTS = (
    "to", "cc", "bcc", "from_email", "subject", "html_content", "files", "custom_headers", "mime_subtype",
    "mime_charset",
)  # fmt: skip


class EmailOperator(BaseOperator):
    """Sends a mail; sender, subject and content default to what the connection's extra names."""

    template_fields: Sequence[str] = ("to", "from_email", "subject", "html_content", "files", "cc", "bcc")
    template_fields_renderers: ClassVar[dict[str, str]] = {"html_content": "html"}
    template_ext: Sequence[str] = (".html",)
    ui_color = "#e6faf9"

    def __init__(
        self,
        *,
        to: list[str] | str,
        subject: str | None = None,
        html_content: str | None = None,
        from_email: str | None = None,
        files: list[str] | None = None,
        cc: list[str] | str | None = None,
        bcc: list[str] | str | None = None,
        mime_subtype: str = "mixed",
        mime_charset: str = "utf-8",
        conn_id: str = "smtp_default",
        custom_headers: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.from_email, self.to, self.cc, self.bcc = from_email, to, cc, bcc
        self.subject, self.html_content, self.files = subject, html_content, files or []
        self.mime_charset, self.mime_subtype = mime_charset, mime_subtype
        self.custom_headers = custom_headers
        self.conn_id = conn_id

    def execute(self, context: Context) -> None:
        """Send the mail."""
        with SmtpHook(smtp_conn_id=self.conn_id) as smtp:
            self._complete(smtp, context)
            smtp.send_email_smtp(**{name: getattr(self, name) for name in _PARTS})

    def _complete(self, smtp: SmtpHook, context: Context) -> None:
        """Fill and render the fields that were not given."""
        added: list[str] = []
        if self.from_email is None:
            if smtp.from_email is None:
                raise AirflowException(
                    f"The mail has no sender: give from_email, or put it into the extra of connection {self.conn_id!r}"
                )
            self.from_email = smtp.from_email
            added.append("from_email")
        for name in ("subject", "html_content"):
            if getattr(self, name) is None:
                path = getattr(smtp, f"{name}_template")
                if path is None:
                    raise AirflowException(
                        f"The mail has no {name}: give it, or put {name}_template into the extra of connection "
                        f"{self.conn_id!r}"
                    )
                setattr(self, name, Path(path).read_text(encoding="utf-8").replace("\n", "").strip())
                added.append(name)
        if added:
            self._do_render_template_fields(self, added, context, self.get_template_env(), set())
