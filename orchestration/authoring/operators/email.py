"""Sending mails. Mirrors ``airflow.operators.email``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from orchestration.authoring.baseoperator import BaseOperator
from orchestration.authoring.context import Context
from orchestration.authoring.email import send_email


class EmailOperator(BaseOperator):
    """Sends a mail through the server of the options ``[smtp]``; ``conn_id`` is a connection with user and password."""

    template_fields: Sequence[str] = ("to", "subject", "html_content", "files")
    template_fields_renderers: ClassVar[dict[str, str]] = {"html_content": "html"}
    template_ext: Sequence[str] = (".html",)
    ui_color = "#e6faf9"

    def __init__(
        self,
        *,
        to: list[str] | str,
        subject: str,
        html_content: str,
        files: list[str] | None = None,
        cc: list[str] | str | None = None,
        bcc: list[str] | str | None = None,
        mime_subtype: str = "mixed",
        mime_charset: str = "utf-8",
        conn_id: str | None = None,
        custom_headers: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to, self.cc, self.bcc = to, cc, bcc
        self.subject, self.html_content, self.files = subject, html_content, files or []
        self.mime_charset, self.mime_subtype = mime_charset, mime_subtype
        self.custom_headers = custom_headers
        self.conn_id = conn_id

    def execute(self, context: Context) -> None:
        """Send the mail."""
        send_email(
            self.to,
            self.subject,
            self.html_content,
            cc=self.cc,
            bcc=self.bcc,
            files=self.files,
            custom_headers=self.custom_headers,
            mime_charset=self.mime_charset,
            mime_subtype=self.mime_subtype,
            conn_id=self.conn_id,
        )
