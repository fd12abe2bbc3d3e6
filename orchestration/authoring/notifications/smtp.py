"""A callback that sends a mail. Mirrors ``airflow.providers.smtp.notifications.smtp``."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from orchestration.authoring.email import Addresses
from orchestration.authoring.hooks.smtp import SmtpHook
from orchestration.authoring.notifier import BaseNotifier

DEFAULT_SUBJECT = "{% if ti is defined %}{{ ti.task_id }} {{ ti.state }}: {% endif %}{{ dag.dag_id }}, {{ run_id }}"
DEFAULT_CONTENT = """
<p>DAG <b>{{ dag.dag_id }}</b>, run <b>{{ run_id }}</b> of {{ logical_date }}</p>
{% if ti is defined %}<p>Task <b>{{ ti.task_id }}</b> is {{ ti.state }} at try {{ ti.try_number }};
<a href="{{ ti.log_url }}">read its log</a></p>{% endif %}
{% if exception is defined and exception %}<pre>{{ exception | e }}</pre>{% endif %}
"""


class SmtpNotifier(BaseNotifier):
    """Sends a mail when its callback is called.

    Subject and content default to the templates that the connection names, else to a short text about the task or run.
    """

    template_fields = (
        "from_email",
        "to",
        "subject",
        "html_content",
        "files",
        "cc",
        "bcc",
        "mime_subtype",
        "mime_charset",
        "custom_headers",
    )

    def __init__(
        self,
        to: Addresses,
        from_email: str | None = None,
        subject: str | None = None,
        html_content: str | None = None,
        files: list[str] | None = None,
        cc: Addresses | None = None,
        bcc: Addresses | None = None,
        mime_subtype: str = "mixed",
        mime_charset: str = "utf-8",
        custom_headers: dict[str, Any] | None = None,
        smtp_conn_id: str = SmtpHook.default_conn_name,
        *,
        template: str | None = None,
    ) -> None:
        super().__init__()
        self.smtp_conn_id = smtp_conn_id
        self.from_email, self.to, self.cc, self.bcc = from_email, to, cc, bcc
        self.subject, self.html_content, self.files = subject, html_content, files
        self.mime_charset, self.mime_subtype = mime_charset, mime_subtype
        self.custom_headers = custom_headers
        if html_content is None and template is not None:
            self.html_content = _read(template)

    @cached_property
    def hook(self) -> SmtpHook:
        """The mail server."""
        return SmtpHook(smtp_conn_id=self.smtp_conn_id)

    def notify(self, context: Any) -> None:
        """Send the mail; ValueError where neither the notifier nor the connection names a sender."""
        with self.hook as smtp:
            self._complete(smtp, context)
            smtp.send_email_smtp(**{name: getattr(self, name) for name in self.template_fields})

    def _complete(self, smtp: SmtpHook, context: Any) -> None:
        """Fill and render the fields that were not given."""
        added: list[str] = []
        if self.from_email is None:
            if smtp.from_email is None:
                raise ValueError(
                    f"The mail has no sender: give from_email, or put it into the extra of {self.smtp_conn_id!r}"
                )
            self.from_email = smtp.from_email
            added.append("from_email")
        if self.subject is None:
            self.subject = _read(smtp.subject_template) if smtp.subject_template else DEFAULT_SUBJECT
            added.append("subject")
        if self.html_content is None:
            self.html_content = _read(smtp.html_content_template) if smtp.html_content_template else DEFAULT_CONTENT
            added.append("html_content")
        if added:
            environment = self.get_template_env(dag=context["dag"])
            self._do_render_template_fields(self, added, context, environment, set())


def _read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8").replace("\n", "").strip()


send_smtp_notification = SmtpNotifier
