"""What a browser must never do with the desk's pages: run what data holds, leave the site, change rows by reading.

The payloads and rows are those of the project's security list, section 4 (cross-site scripting, CSRF, redirects).
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from orchestration.admin.pages.base import Verb
from orchestration.admin.pages.dag import TAB_PAGES
from orchestration.admin.urls import pages
from orchestration.execution import logs
from orchestration.models import Dag, DagRun, EventLog, RenderedFields, TaskInstance, User, Variable
from tests.factories import (
    DagImportErrorFactory,
    DagOwnerLinkFactory,
    DagSourceFactory,
    DagTagFactory,
    DagWarningFactory,
    DatasetEventFactory,
    DatasetFactory,
    PoolFactory,
    TaskInstanceHistoryFactory,
    XComFactory,
    make_dag,
    make_run,
    serialized,
)
from tests.people import person

pytestmark = pytest.mark.django_db

STORED = "\"'><script>alert(1)</script><svg/onload=alert(2)><img src=x onerror=alert(3)>{{7*7}}%s{0.__class__}${x}"
MARKDOWN = (
    f"{STORED}\n\n[a](javascript:alert(4)) [b](JaVaScRiPt:alert(5)) [c](data:text/html,x) "
    "<a href='vbscript:x' onclick='y'>d</a> <iframe src='//evil.example'></iframe> ![e](http://evil.example/pixel)"
)
REFLECTED = ['"><svg/onload=1>', "javascript:alert(1)", "{{7*7}}%s{0.__class__}${x}", "'\"`<!--", "\x00\ud7ff￿"]
#: Query parameters that any page of the desk or of the admin reads, and what links of old used to carry.
PARAMETERS = [
    "search", "owner", "tag", "status", "order", "page", "run_id", "base", "state", "run_type", "size", "year",
    "version", "measure", "who", "before", "conf", "try", "map_index", "hours", "until", "mapped", "q", "o", "p", "at",
    "origin", "next", "e", "level", "s", "dag_id", "uri", "kind",
]  # fmt: skip
VALUES = {"dag_id": "d1", "run_id": "r1", "task_id": "a", "kind": "runs"}


class Seen(HTMLParser):
    """What in a page could run or lead away."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "script" and values.get("type") != "application/json":
            source = values.get("src") or ""
            if not source.startswith((settings.STATIC_URL, reverse("admin:jsi18n"))):
                self.problems.append(f"script {attrs}")
        if tag in ("iframe", "object", "embed", "base", "applet"):
            self.problems.append(f"{tag} {attrs}")
        if tag == "img" and not (values.get("src") or "").startswith(("/", "data:image/")):
            self.problems.append(f"img {attrs}")
        for name, value in attrs:
            if name.startswith("on"):
                self.problems.append(f"{tag} {name}={value}")
            if name in ("href", "src", "action", "formaction"):
                self.links.append(value or "")
                self._lead(tag, value or "")

    def _lead(self, tag: str, value: str) -> None:
        written = re.sub(r"[\s\x00-\x20]", "", value)
        parts = urlsplit(written)
        if parts.scheme not in ("", "http", "https", "mailto") and not written.startswith("data:image/"):
            self.problems.append(f"{tag} leads to {value}")
        if tag != "a" and parts.netloc:
            self.problems.append(f"{tag} asks another host: {value}")


def looked_at(page: bytes) -> Seen:
    seen = Seen()
    seen.feed(page.decode())
    return seen


@pytest.mark.parametrize(
    "markup",
    ["<script>x</script>", "<p onclick=x>", "<iframe src=/x>", "<a href='java\tscript:x'>", "<img src=//evil/x>"],
)
def test_the_look_at_pages_sees_what_it_is_for(markup):
    assert looked_at(markup.encode()).problems


@pytest.fixture
def hostile() -> DagRun:
    """A DAG, a run and all that hangs on them, with the payload in every text."""
    param = {"value": STORED, "description": STORED, "schema": {"type": "string", "title": STORED, "section": STORED}}
    shape = serialized(
        "a >> b",
        dag_id="d1",
        dag_display_name=STORED,
        description=STORED,
        doc_md=MARKDOWN,
        params={
            "p": param,
            STORED: {**param, "schema": {"type": "string", "enum": [STORED], "description_md": MARKDOWN}},
        },
        tags=(STORED,),
        tasks={
            "a": {"doc": STORED, "doc_md": MARKDOWN, "doc_rst": STORED, "task_display_name": STORED, "label": STORED}
        },
    )
    source = DagSourceFactory(text=f"# {STORED}\nx = '{STORED}'\n")
    dag = make_dag(
        shape,
        description=STORED,
        owners=STORED,
        dag_display_name=STORED,
        timetable_description=STORED,
        timetable_summary=STORED,
        put_aside_reason=STORED,
        source=source,
    )
    DagTagFactory(dag=dag, name=STORED[:100])
    DagOwnerLinkFactory(dag=dag, owner=STORED[:100], link="javascript:alert(6)")
    DagWarningFactory(dag=dag, message=STORED)
    DagImportErrorFactory(filename=STORED, stack_trace=STORED)
    PoolFactory(name=STORED, description=STORED)
    Variable.objects.create(key=STORED[:200], val=STORED, description=STORED)
    run = make_run(dag, {"a": "failed"}, run_id="r1", note=STORED, conf={STORED: STORED}, run_type="dataset_triggered")
    instance = run.task_instances.get(task_id="a")
    TaskInstance.objects.update(
        note=STORED, reason=STORED, hostname=STORED, unixname=STORED, operator=STORED, custom_operator_name=STORED,
        queue=STORED, rendered_map_index=STORED[:200], try_number=2,
    )  # fmt: skip
    TaskInstanceHistoryFactory(task_instance=instance, try_number=1, reason=STORED, hostname=STORED)
    XComFactory(task_instance=instance, key=STORED, value=STORED)
    RenderedFields.objects.create(task_instance=instance, fields={STORED: STORED})
    event = DatasetEventFactory(
        dataset=DatasetFactory(uri=f"s3://{STORED}"), source_dag_id="d1", source_run_id="r1", source_task_id="a"
    )
    event.created_dag_runs.add(run)
    for name in ("running", STORED[:60]):
        EventLog.record(
            name, dag_id="d1", run_id="r1", task_id="a", owner=STORED, extra=f'{{"{STORED[:3]}": 1}}{STORED}'
        )
    path = logs.log_path(dag_id="d1", run_id="r1", task_id="a", map_index=-1, try_number=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"[2024-01-01T00:00:00.000+0000] {{job.py:7}} INFO - {STORED}\n")
    return run


def addresses() -> list[str]:
    """Every page that can be read: the desk's own, and each table with a row of it."""
    found = [reverse("admin:index"), *(reverse("admin:desk_dag_tab", args=("d1", tab)) for tab in TAB_PAGES)]
    for pattern, name, page in pages():
        wanted = re.findall(r"<\w+:(\w+)>", pattern)
        if not issubclass(page, Verb) and set(wanted) <= set(VALUES):
            query = "?try=2&q=x" if "log" in name else ""
            found.append(reverse(f"admin:{name}", args=[VALUES[each] for each in wanted]) + query)
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        found.append(reverse(f"admin:{name}_changelist"))
        row = model._default_manager.order_by("-pk").first()
        if row is not None:
            found.append(reverse(f"admin:{name}_change", args=(row.pk,)))
    return found


def test_no_text_of_any_row_becomes_markup_or_leads_away(desk, hostile):
    problems = []
    for address in addresses():
        answer = desk.get(address)
        if answer.status_code in (302, 403):
            continue
        assert answer.status_code == 200, address
        assert answer["X-Content-Type-Options"] == "nosniff", address
        if not answer["Content-Type"].startswith(("text/html", "image/svg+xml")):
            assert answer["Content-Type"].split(";")[0] in ("application/json", "text/plain"), address
            continue
        assert (
            "script-src" in answer["Content-Security-Policy"]
            or "default-src 'none'" in answer["Content-Security-Policy"]
        ), address
        assert "'unsafe-inline'" not in answer["Content-Security-Policy"].partition("script-src")[2].partition(";")[0]
        seen = looked_at(answer.content)
        problems += [f"{address}: {problem}" for problem in seen.problems]
        assert b"{{7*7}}" in answer.content or b"49%s" not in answer.content, address
    assert not problems


def test_an_owner_s_link_of_a_bad_scheme_is_no_link(desk, hostile):
    for address in addresses():
        answer = desk.get(address)
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            assert not [link for link in looked_at(answer.content).links if "javascript" in link.lower()], address


@pytest.mark.parametrize("payload", REFLECTED)
def test_nothing_of_an_address_s_query_becomes_markup(desk, hostile, payload):
    problems = []
    for address in addresses():
        answer = desk.get(address.partition("?")[0], dict.fromkeys(PARAMETERS, payload))
        assert answer.status_code in (200, 302, 304, 400, 403, 404), address
        if answer.status_code == 302:
            assert not urlsplit(answer["Location"]).netloc, address
        if answer["Content-Type"].startswith("text/html"):
            problems += [f"{address}: {problem}" for problem in looked_at(answer.content).problems]
    assert not problems


@pytest.mark.parametrize("payload", [payload for payload in REFLECTED if "/" not in payload and "\x00" not in payload])
def test_ids_of_the_path_that_are_not_there_are_shown_as_text(desk, hostile, payload):
    for pattern, name, page in pages():
        wanted = re.findall(r"<(\w+):(\w+)>", pattern)
        if not wanted or issubclass(page, Verb) or any(kind != "str" for kind, _ in wanted):
            continue
        answer = desk.get(reverse(f"admin:{name}", args=[payload] * len(wanted)))
        assert answer.status_code in (302, 403, 404), name
        if answer["Content-Type"].startswith("text/html"):
            assert not looked_at(answer.content).problems, name


def test_a_page_that_is_not_there_shows_its_address_as_text(desk):
    for path in ("/admin/<script>x", "/<script>alert(1)</script>", "/admin/dags/%3Csvg%20onload=1%3E/nothing/here"):
        answer = desk.get(path)
        assert answer.status_code in (301, 302, 404)
        assert b"<script>x" not in answer.content
        assert b"<svg onload" not in answer.content


def rows() -> dict[str, list]:
    """Everything stored but sessions."""
    models = [model for model in apps.get_models() if model._meta.managed and model is not Session]
    return {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in models}


def test_reading_changes_nothing(desk, hostile):
    before = rows()
    for address in addresses():
        desk.get(address)
        desk.head(address)
    assert rows() == before


def verbs() -> list[str]:
    found = []
    for pattern, name, page in pages():
        wanted = re.findall(r"<\w+:(\w+)>", pattern)
        if issubclass(page, Verb) and set(wanted) <= set(VALUES):
            found.append(reverse(f"admin:{name}", args=[VALUES[each] for each in wanted]))
    return found


@pytest.mark.parametrize(
    "headers", [{}, {"Origin": "https://evil.example"}, {"Referer": "https://evil.example/"}, {"Origin": "null"}]
)
def test_no_verb_works_without_the_page_s_own_token(hostile, headers):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("Admin", username="boss"), backend="orchestration.access.backends.RoleBackend")
    before = rows()
    found = verbs()
    assert len(found) > 15
    for address in found:
        for method in ("post", "put", "patch", "delete"):
            answer = getattr(client, method)(address, "{}", content_type="application/json", headers=headers)
            assert answer.status_code in (403, 405), (method, address)
    assert rows() == before


def test_verbs_are_not_done_by_reading_their_address(desk, hostile):
    before = rows()
    for address in verbs():
        assert desk.get(address).status_code == 405, address
        assert desk.get(address, {"_method": "POST"}, headers={"X-HTTP-Method-Override": "POST"}).status_code == 405
    assert rows() == before


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "/\\evil.example", "https:evil.example", "%2f%2fevil.example", "\r\nLocation: //evil", "///e"],
)
def test_login_and_lists_lead_nowhere_else(target):
    user: User = person("Admin", username="boss")
    client = Client()
    form = {"username": user.username, "password": "password", "next": target}
    answer = client.post(f"{reverse('admin:login')}?next={target}".replace("\r\n", "%0d%0a"), form)
    assert answer.status_code in (200, 302)
    if answer.status_code == 302:
        reached = urljoin("http://testserver/admin/login/", answer["Location"].replace("\\", "/"))
        assert urlsplit(reached).netloc == "testserver"
    ticked = {"action": "do_with_ticked", "_selected_action": [target], "select_across": "0"}
    desk = Client()
    desk.force_login(user, backend="orchestration.access.backends.RoleBackend")
    listed = desk.post(reverse("admin:orchestration_dagrun_changelist"), ticked)
    if listed.status_code == 302:
        assert not urlsplit(listed["Location"]).netloc


def test_markdown_keeps_good_links_and_drops_the_others(desk, hostile):
    Dag.objects.filter(pk="d1").update(description="x")
    page = desk.get(reverse("admin:desk_dag_tab", args=("d1", "docs"))).content.decode()
    body = page.partition("desk-prose")[2]
    assert "javascript:" not in body.lower()
    assert "vbscript:" not in body
    assert "evil.example/pixel" not in body
    assert "<iframe" not in body
