"""Hardships at the desk: the session ends, a run is deleted elsewhere, the screen is small, a log is for terminals."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import Desk, log_in
from tests.live import LiveSystem

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]

ENDED = "Your session has ended, and nothing was changed."
ANSI = """
from airflow.operators.bash import BashOperator
from airflow import DAG
import pendulum

with DAG("terminal", schedule=None, start_date=pendulum.datetime(2024, 1, 1, tz="UTC"), is_paused_upon_creation=False):
    BashOperator(task_id="paint", bash_command=
                 "printf 'so \\\\033[31mred\\\\033[0m it is\\\\033[2J\\\\n50%%\\\\r100%% done\\\\n'")
"""
MANY = """
from airflow.operators.empty import EmptyOperator
from airflow.utils.task_group import TaskGroup
from airflow import DAG
import pendulum

with DAG("many", schedule=None, start_date=pendulum.datetime(2024, 1, 1, tz="UTC"), is_paused_upon_creation=False):
    before = None
    for number in range(12):
        with TaskGroup(f"stage_{number}") as group:
            for step in range(10):
                EmptyOperator(task_id=f"step_{step}")
        if before:
            before >> group
        before = group
"""


def add_dag(live: LiveSystem, name: str, text: str) -> None:
    (live.dags / f"{name}.py").write_text(text)
    live.wait_for_dags(name)


def test_a_verb_after_the_session_ended_says_so_and_goes_on_after_a_new_login(desk: Desk, live: LiveSystem) -> None:
    page = desk.open("dags/shapes/runs/shape-1/")
    note = page.get_by_label("Note", exact=True)
    note.fill("looked at by the night shift")
    page.context.clear_cookies(name="session")
    page.get_by_role("button", name="Save note").click()
    expect(page.locator("[data-desk-status]")).to_contain_text(ENDED)
    expect(page.get_by_role("button", name="Saved")).to_have_count(0)
    page.get_by_role("button", name="Mark failed").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text(ENDED)
    desk.look("session-ended")
    page.keyboard.press("Escape")
    expect(note).to_have_value("looked at by the night shift")

    other = page.context.new_page()
    log_in(other, live)
    other.close()
    page.get_by_role("button", name="Save note").click()
    expect(page.get_by_role("button", name="Saved")).to_be_visible()
    page.reload()
    expect(note).to_have_value("looked at by the night shift")
    desk.expect_problem("403")  # the token of the first session, before the new one was fetched


def test_what_is_typed_and_clicked_before_the_scripts_came_is_done_once(desk: Desk, live: LiveSystem) -> None:
    page = desk.open("dags/forms/")
    held: list[Route] = []
    page.route("**/js/trigger*.js", lambda route: held.append(route))
    page.goto(f"{live.url}/admin/dags/forms/trigger/", wait_until="commit")
    page.get_by_label("name").fill("an early bird")
    page.get_by_label("loud").check()
    page.get_by_label("language").select_option(label="de")
    page.get_by_label("Run id").fill("early")
    for _ in range(2):
        page.get_by_role("button", name="Trigger", exact=True).click()
    expect(page).to_have_url(re.compile("/dags/forms/trigger/$"))
    assert len(held) == 1
    held[0].continue_()
    page.wait_for_url(re.compile("/dags/forms/runs/early/"))
    with live.api as api:
        run = api.get("/dags/forms/dagRuns/early").json()
    assert run["conf"] == {"name": "an early bird", "times": 2, "loud": True, "language": "de", "day": "2024-03-05"}


def test_a_form_keeps_what_was_filled_in_when_the_session_ended(desk: Desk, live: LiveSystem) -> None:
    page = desk.open("orchestration/variable/add/")
    page.get_by_role("textbox", name="Key").fill("night-shift")
    page.get_by_role("textbox", name="Val").fill("a long text")
    page.context.clear_cookies(name="session")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("[data-desk-status]")).to_contain_text(ENDED)
    expect(page.get_by_role("textbox", name="Key")).to_have_value("night-shift")

    other = page.context.new_page()
    log_in(other, live)
    other.close()
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_url(re.compile("/orchestration/variable/$"))
    with live.api as api:
        assert api.get("/variables/night-shift").json()["value"] == "a long text"
        assert api.delete("/variables/night-shift").status_code == 204  # other tests count what there is


def test_the_page_of_a_run_that_was_deleted_elsewhere_says_so(desk: Desk, live: LiveSystem) -> None:
    live.trigger("forms", dag_run_id="short-lived")
    page = desk.open("dags/forms/runs/short-lived/")
    other = page.context.new_page()
    other.goto(page.url)
    other.get_by_role("button", name="Delete").click()
    other.get_by_role("dialog").get_by_role("button", name="Delete the run").dblclick()
    other.wait_for_url(re.compile("/dags/forms/$"))
    other.go_back()
    expect(other.get_by_role("heading", name="There is no such page")).to_be_visible()
    expect(other.get_by_text("has no run 'short-lived'")).to_be_visible()
    other.close()
    expect(page.locator("[data-desk-status]")).to_contain_text("not there any more")
    page.get_by_role("button", name="Mark failed").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("has no run 'short-lived'")
    desk.expect_problem("404")  # the state of the run
    desk.expect_problem("404")  # the preview


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_the_head_is_whole_and_nothing_is_wider_than_the_screen(desk: Desk, theme: str) -> None:
    desk.page.set_viewport_size({"width": 390, "height": 844})
    page = desk.open("")
    page.evaluate(f"localStorage.setItem('adminTheme', JSON.stringify('{theme}'))")
    for path, title in (
        ("dags/", "DAGs"),
        ("dags/sales/", "sales"),
        ("dags/sales/view/gantt/", "sales"),
        ("timeline/", "Timeline"),
        ("cluster/", "Cluster activity"),
        ("permissions/", "Permissions"),
        ("orchestration/dagrun/", "DAG runs"),
        ("orchestration/variable/add/", "Add variable"),
        ("auth/group/add/", "Add role"),
    ):
        desk.open(path)
        expect(page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible()
        page.get_by_role("button", name="Show or hide the sidebar").first.click(trial=True)  # nothing lies over it
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
        desk.look(f"phone-{theme}-{title.lower().replace(' ', '-')}")


def test_a_log_shows_colours_and_what_a_carriage_return_left(desk: Desk, live: LiveSystem) -> None:
    add_dag(live, "terminal", ANSI)
    live.trigger("terminal", dag_run_id="one")
    live.wait_for_run("terminal", "one", seconds=60)
    page = desk.open("dags/terminal/runs/one/tasks/paint/")
    lines = page.locator("[data-log-lines]")
    expect(lines).to_contain_text("INFO - so red it is")
    expect(lines).to_contain_text("INFO - 100% done")
    expect(lines.get_by_text("red", exact=True)).to_have_css("color", "rgb(255, 157, 157)")
    assert not re.search(r"[\x00-\x08\x0d\x1b]", lines.text_content() or "")
    page.get_by_label("Search the log").fill("so red it")
    expect(lines.locator("mark")).to_have_text(["so ", "red", " it"])


def test_many_tasks_are_drawn_folded_and_found_all_the_same(desk: Desk, live: LiveSystem) -> None:
    add_dag(live, "many", MANY)
    page = desk.open("dags/many/view/graph/")
    place = page.locator("[data-graph]")
    expect(place).to_have_attribute("data-nodes", " ".join(f"stage_{number}" for number in range(12)))
    expect(page.get_by_role("button", name="Unfold groups")).to_be_visible()
    page.get_by_placeholder("Find a task").fill("stage_7.step_3")
    expect(place).to_have_attribute("data-nodes", re.compile("step_3"))
