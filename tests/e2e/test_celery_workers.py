"""Celery workers on the desk, in a browser, on a live system whose tasks run on one."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import Desk
from tests.execution.test_celery import BROKERS, need
from tests.live import LiveSystem

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.redis, pytest.mark.timeout(300)]

_SLEEPER = """
from airflow.decorators import dag
from airflow.operators.bash import BashOperator
import pendulum

@dag(schedule=None, start_date=pendulum.datetime(2024, 1, 1, tz="UTC"), catchup=False, is_paused_upon_creation=False)
def sleeper():
    for number in range(2):
        BashOperator(task_id=f"rest_{number}", bash_command="sleep 240", queue="QUEUE")

sleeper()
"""


@pytest.fixture
def queue() -> str:
    """A queue that no other system on the broker knows."""
    return f"q-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def celery_live(tmp_path, queue) -> Iterator[LiveSystem]:
    """``manage.py standalone`` with the Celery executor; no worker yet."""
    url, port = BROKERS["redis"]
    need("redis", port)
    (tmp_path / "sleeper.py").write_text(_SLEEPER.replace("QUEUE", queue))
    options = {
        ("core", "executor"): "CeleryExecutor",
        ("core", "killed_task_cleanup_time"): 2,
        ("celery", "broker_url"): url,
        ("celery", "celery_app_name"): queue,
    }
    with LiveSystem(dags=tmp_path, options=options) as system:
        yield system


@pytest.fixture
def celery_desk(browser: Browser, celery_live: LiveSystem) -> Iterator[Desk]:
    """A page in which the system's administrator has logged in; what went wrong on it fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="UTC")
    context.set_default_timeout(20_000)
    page = context.new_page()
    page.goto(f"{celery_live.url}/admin/login/")
    for field, text in zip(("username", "password"), celery_live.credentials, strict=True):
        page.fill(f"input[name={field}]", text)
    page.click("button[type=submit]")
    page.wait_for_url(re.compile(r"/admin/$"))
    opened = Desk(page, celery_live)
    yield opened
    context.close()
    assert not opened.problems, "\n".join(opened.problems)


def changed(page: Page, what: str, label: str, value: str | None, told: str) -> None:
    page.get_by_role("button", name="Change …").click()
    page.get_by_label("What").select_option(label=what)
    if value is not None:
        page.get_by_label(label).fill(value)
    expect(page.locator("[data-celery-told]")).to_contain_text(told)
    page.get_by_role("button", name="Do it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_celery_worker_is_seen_idle_grown_limited_and_shut_down(
    celery_desk: Desk, celery_live: LiveSystem, queue: str
) -> None:
    page = celery_desk.open("workers/")
    expect(page.get_by_text("No worker answers.")).to_be_visible()
    worker = celery_live.start("celery", "worker", "-q", queue, "-c", "1", "-H", f"{queue}@%h", "-s")
    row = page.get_by_role("row", name=re.compile(f"^{queue}@"))
    expect(row).to_contain_text("as they come", timeout=60_000)  # by itself, without a reload
    cells = row.get_by_role("cell")
    expect(cells.nth(2)).to_have_text("0")
    expect(cells.nth(3)).to_have_text("1")
    expect(cells.nth(4)).to_have_text(queue)
    celery_desk.look("celery-workers-idle")
    page.evaluate("localStorage.setItem('adminTheme', JSON.stringify('dark'))")
    celery_desk.open("workers/")
    expect(cells.nth(3)).to_have_text("1")
    page.get_by_role("button", name="Change …").click()
    expect(page.locator("[data-celery-told]")).to_be_visible()
    page.wait_for_timeout(300)
    celery_desk.look("dark-celery-workers")
    page.get_by_role("button", name="Cancel").click()
    page.evaluate("localStorage.setItem('adminTheme', JSON.stringify('light'))")
    celery_desk.open("workers/")

    celery_live.wait_for_dags("sleeper")
    celery_live.trigger("sleeper", dag_run_id="held")
    expect(cells.nth(2)).to_have_text("1", timeout=60_000)
    page.get_by_role("button", name="Change …").click()
    expect(page.locator("[data-celery-told]")).to_contain_text("Say what it shall be.")
    expect(page.get_by_role("button", name="Do it")).to_be_disabled()
    page.get_by_label("Tries at once").fill("0")
    expect(page.get_by_role("alert")).to_contain_text("whole number from 1")
    celery_desk.expect_problem("400")
    page.get_by_label("Tries at once").fill("2")
    expect(page.locator("[data-celery-told]")).to_contain_text("it will run 2.")
    celery_desk.look("celery-worker-change")
    page.get_by_role("button", name="Do it").click()
    expect(cells.nth(3)).to_have_text("2")
    expect(cells.nth(2)).to_have_text("2", timeout=60_000)  # the second task runs beside the first
    celery_desk.look("celery-workers-busy")

    changed(page, "Take tries from one more queue", "Queue", f"{queue}-b", "A queue that is not there is made.")
    expect(cells.nth(4)).to_contain_text(f"{queue}-b")
    changed(page, "Begin only so many tries a minute", "Tries a minute (0: as they come)", "30", "30 a minute")
    expect(cells.nth(5)).to_have_text("30 a minute")
    changed(page, "End tries that take too long", "Seconds a try (0: never)", "3", "SIGTERM")
    expect(cells.nth(2)).to_have_text("0", timeout=60_000)
    assert celery_live.wait_for_run("sleeper", "held", seconds=60)["state"] == "failed"
    changed(page, "Shut down when its tries have ended", "", None, "nothing runs on it")
    assert worker.wait(30) == 0
    expect(page.get_by_text("No worker answers.")).to_be_visible(timeout=30_000)
    celery_desk.open("orchestration/eventlog/?q=change_celery_worker")
    expect(page.get_by_role("link", name="change_celery_worker").first).to_be_visible()
