"""Mails about a task that failed or will be tried again. Mirrors ``TaskInstance.email_alert`` of Airflow 2.10.5."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

from orchestration.authoring.context import Context
from orchestration.authoring.email import send_email
from orchestration.authoring.templates import make_environment, render_to_text
from orchestration.conf import conf

SUBJECT = "Airflow alert: {{ ti }}"
BODY = (
    "<p>{{ ti }}: try {{ try_number }} of {{ max_tries + 1 }} on {{ ti.hostname }} ended with</p>"
    "<pre>{{ exception_html }}</pre>"
    '<p>Its <a href="{{ ti.log_url }}">log</a>; <a href="{{ ti.mark_success_url }}">mark it as done</a></p>'
)


def send_alert(ti: Any, context: Context, to: Any, error: BaseException) -> None:
    """Mail the task's addresses. Raises what sending raises."""
    names = context.copy()
    names.update(
        exception=error,
        exception_html=html.escape(str(error)).replace("\n", "<br>"),
        ti=ti,
        try_number=ti.try_number,
        max_tries=ti.max_tries,
    )
    environment = make_environment(autoescape=False)
    subject = render_to_text(environment.from_string(_template("subject_template", SUBJECT)), names)
    body = render_to_text(environment.from_string(_template("html_content_template", BODY)), names)
    send_email(to, " ".join(subject.splitlines()), body)


def _template(option: str, default: str) -> str:
    """The text of the file that the option names, or the default."""
    path = conf.get("email", option, "")
    return Path(path).read_text() if path else default
