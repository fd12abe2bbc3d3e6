"""An operator at the desk, in a browser, on a live system."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Desk

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]

RUN = "dags/shapes/runs/shape-0/"


def test_home_shows_health_activity_and_import_errors(desk: Desk) -> None:
    page = desk.open("")
    expect(page.get_by_role("heading", name="Scheduler")).to_be_visible()
    expect(page.get_by_text("Import error in")).to_be_visible()
    expect(page.locator("b", has_text="broken")).to_have_count(0)
    desk.look("home")


def test_the_list_shows_dags_filters_them_and_switches_one(desk: Desk) -> None:
    page = desk.open("dags/")
    expect(page.get_by_role("link", name="shapes", exact=True)).to_be_visible()
    desk.look("dags")
    switch = page.get_by_role("switch", name="Active: shapes")
    expect(switch).to_be_checked()
    switch.uncheck()
    page.wait_for_load_state("networkidle")
    page.reload()
    expect(page.get_by_role("switch", name="Active: shapes")).not_to_be_checked()
    page.get_by_role("switch", name="Active: shapes").check()
    page.wait_for_load_state("networkidle")
    desk.open("dags/?tag=form")
    expect(page.get_by_role("link", name="shapes", exact=True)).to_have_count(0)


@pytest.mark.parametrize("tab", ["grid", "graph", "gantt", "calendar", "durations", "runs", "code", "details", "docs"])
def test_each_tab_of_a_dag_opens(desk: Desk, tab: str) -> None:
    dag_id = "forms" if tab == "docs" else "shapes"
    page = desk.open(f"dags/{dag_id}/view/{tab}/" + ("?year=2024" if tab == "calendar" else ""))
    if tab == "grid":
        expect(page.get_by_role("link", name="shape-3: failed")).to_be_visible()
        page.get_by_role("button", name="load").click()
        page.get_by_role("button", name=re.compile("double")).click()
        expect(page.get_by_role("rowheader", name="[2]")).to_be_visible()
    if tab == "graph":
        page.wait_for_function("document.querySelectorAll('[data-graph] canvas').length > 0")
        page.wait_for_timeout(500)
    if tab == "code":
        expect(page.locator(".code .k").first).to_be_visible()
    desk.look(f"dag-{tab}")


def test_the_grid_and_the_graph_are_readable_in_the_dark(desk: Desk) -> None:
    page = desk.open("dags/")
    page.evaluate("localStorage.setItem('adminTheme', JSON.stringify('dark'))")
    for name, path in (
        ("home", ""),
        ("dags", "dags/"),
        ("grid", "dags/sales/"),
        ("graph", "dags/sales/view/graph/"),
        ("code", "dags/shapes/view/code/"),
        ("task", RUN + "tasks/fails/"),
        ("trigger", "dags/forms/trigger/"),
    ):
        desk.open(path)
        expect(page.locator("html")).to_have_class(re.compile("dark"))
        page.wait_for_timeout(300)
        desk.look(f"dark-{name}")


def test_a_run_is_triggered_by_the_form_and_ends(desk: Desk) -> None:
    page = desk.open("dags/forms/trigger/")
    desk.look("trigger")
    page.get_by_label("name").fill("operators")
    page.get_by_label("times").fill("3")
    page.get_by_label("language").select_option("de")
    expect(page.get_by_label("Configuration (JSON)")).to_have_value(re.compile('"name": "operators"'))
    page.get_by_label("Run id").fill("by-form")
    page.get_by_role("button", name="Trigger").click()
    page.wait_for_url(re.compile("/runs/by-form/"))
    expect(page.locator("[data-run-state]")).to_have_text("success", timeout=60_000)
    desk.look("run")
    page.get_by_role("link", name="greet").first.click()
    expect(page.locator("[data-log-lines]")).to_contain_text("hello operators 2")
    desk.look("task")


def test_a_failure_is_found_read_and_run_again(desk: Desk) -> None:
    page = desk.open(RUN)
    page.get_by_role("link", name="fails", exact=True).first.click()
    expect(page.locator("[data-log-lines]")).to_contain_text("cannot go on")
    page.get_by_label("Search the log").fill("cannot")
    expect(page.locator("[data-log-lines] mark").first).to_have_text("cannot")
    page.get_by_role("button", name="Clear").click()
    dialog = page.get_by_role("dialog", name="Clear")
    expect(dialog).to_contain_text("2 task instances would be changed")
    desk.look("clear")
    dialog.get_by_role("button", name="Clear").click()
    expect(page.get_by_role("link", name="Try 2")).to_be_visible(timeout=60_000)
    expect(page.locator("[data-task-state]")).to_have_text("failed", timeout=60_000)
    page.get_by_role("button", name="Mark success").click()
    page.get_by_role("dialog").get_by_role("button", name="Mark as success").click()
    expect(page.locator("[data-task-state]")).to_have_text("success", timeout=60_000)


def test_the_zone_is_chosen_and_keys_lead_on(desk: Desk) -> None:
    page = desk.open("dags/shapes/view/runs/")
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    expect(page.get_by_text("2024-02-01 15:00:00")).to_be_visible()
    page.keyboard.press("r")
    page.wait_for_url(re.compile("/view/graph/"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
