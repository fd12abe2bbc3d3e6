"""What operators do with runs and tasks beyond looking: many at once, by keys, in the log, from a failure on."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Desk
from tests.live import LiveSystem

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]

RUN = "dags/sales/runs/hour-03/"


def test_all_failed_runs_are_marked_at_once_after_a_preview(desk: Desk, live: LiveSystem) -> None:
    page = desk.open("dags/shapes/view/runs/?state=failed&run_type=manual")
    page.get_by_role("link", name="Do with all that match").click()
    expect(page.get_by_text("runs on all pages of the list")).to_be_visible()
    expect(page.locator("[data-bulk-preview]")).to_contain_text("would be changed")
    desk.look("bulk")
    page.get_by_role("radio", name="Mark success").check()
    page.get_by_role("button", name=re.compile("Mark success: [0-9]+ runs?")).click()
    expect(page.locator("[data-bulk-told]")).to_contain_text("Done", timeout=60_000)
    desk.look("bulk-done")
    with live.api as api:
        states = {run["state"] for run in api.get("/dags/shapes/dagRuns", params={"state": "failed"}).json()["dag_runs"]
                  if run["run_type"] == "manual"}  # fmt: skip
    assert states == set()


def test_rows_are_ticked_in_the_list_of_task_instances_and_cleared(desk: Desk) -> None:
    page = desk.open("orchestration/taskinstance/?state=failed&dag=sales")
    desk.look("task-instances")
    page.locator("#action-toggle").check()
    page.get_by_label("Select action to run").select_option(label="Clear, mark or delete …")
    page.get_by_role("button", name=re.compile("Run|Go")).first.click()
    expect(page.get_by_role("heading", name="What matches")).to_be_visible()
    page.get_by_role("switch", name="Downstream").check()
    expect(page.locator("[data-bulk-preview]")).to_contain_text("would be changed")
    desk.look("bulk-tasks")


def test_the_grid_is_walked_by_arrow_keys_and_tells_what_is_focused(desk: Desk) -> None:
    page = desk.open("dags/sales/")
    page.get_by_role("link", name="hour-02: success").focus()
    expect(page.locator("[data-grid-panel]")).to_contain_text("hour-02")
    page.keyboard.press("ArrowDown")
    expect(page.locator("[data-grid-panel]")).to_contain_text("begin")
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-grid-panel]")).to_contain_text("hour-03")
    page.get_by_role("button", name="Fold or unfold groups").click()
    expect(page.get_by_role("rowheader", name="orders")).to_be_visible()
    desk.look("grid-open")
    page.get_by_role("link", name=re.compile("^begin, hour-03")).focus()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/runs/hour-03/tasks/begin/"))


def test_the_graph_is_narrowed_to_what_comes_before_and_after_a_task(desk: Desk) -> None:
    page = desk.open("dags/sales/view/graph/?run_id=hour-03")
    page.wait_for_function("document.querySelector('[data-graph]').dataset.nodes?.includes('publish')")
    page.get_by_label("Find a task").fill("clean")
    page.get_by_label("Show", exact=True).select_option("down")
    page.wait_for_function("!document.querySelector('[data-graph]').dataset.nodes.includes('shops')")
    assert "publish" in (page.locator("[data-graph]").get_attribute("data-nodes") or "")
    page.get_by_label("Show", exact=True).select_option("up")
    page.wait_for_function("document.querySelector('[data-graph]').dataset.nodes.includes('shops')")
    assert "publish" not in (page.locator("[data-graph]").get_attribute("data-nodes") or "")
    page.get_by_label("Show", exact=True).select_option("all")
    page.get_by_label("Find a task").fill("")
    page.locator("[data-graph]").hover()
    for _ in range(4):
        page.mouse.wheel(0, -400)
        page.wait_for_timeout(100)
    expect(page.locator("[data-map]")).to_be_visible()
    desk.look("graph-map")


def test_gantt_durations_timeline_and_audit_log_tell_what_happened(desk: Desk) -> None:
    page = desk.open("dags/sales/view/gantt/?run_id=hour-01")
    row = page.get_by_role("row", name=re.compile(r"extract.orders\[3\]"))
    expect(row).to_contain_text("try 1: failed")
    expect(row).to_contain_text("try 2: success")
    desk.look("gantt")
    desk.open("dags/sales/view/durations/")
    for measure in ("Landing times", "Waits in the queue", "Tries"):
        page.get_by_role("navigation", name="Measure").get_by_role("link", name=measure).click()
        expect(page.get_by_role("heading", name=re.compile("^Runs:"))).to_be_visible()
        desk.look(f"durations-{measure.split()[0].lower()}")
    desk.open("timeline/")
    expect(page.get_by_role("link", name=re.compile("^sales hour-03: failed"))).to_be_visible()
    desk.look("timeline")
    desk.open("dags/sales/view/audit/?people=on")
    expect(page.get_by_role("cell", name="triggered the run").first).to_be_visible()
    desk.look("audit")
    desk.open("dags/sales/view/details/")
    expect(page.get_by_role("heading", name="Next runs")).to_be_visible()
    expect(page.get_by_text(re.compile(r"CES?T \(\+0[12]00\)")).first).to_be_visible()
    expect(page.get_by_alt_text("State of the DAG")).to_be_visible()


def test_a_log_is_filtered_by_level_and_source_and_searched_beyond_what_is_shown(desk: Desk, live: LiveSystem) -> None:
    path = live.home / "logs" / "dag_id=sales" / "run_id=hour-03" / "task_id=extract.orders" / "map_index=3"
    log = next(path.glob("attempt=*.log"))
    stamp = "[2024-02-01T03:00:00.000+0000] {shop.py:7} INFO -"
    log.write_text(
        f"{stamp} the needle\n" + "".join(f"{stamp} row {n} of many\n" for n in range(9000)) + log.read_text()
    )
    page = desk.open(f"{RUN}tasks/extract.orders/?map_index=3&try={log.stem.partition('=')[2]}")
    lines = page.locator("[data-log-lines]")
    expect(lines).to_contain_text("does not answer")
    page.get_by_label("Level").select_option("ERROR")
    expect(lines).not_to_contain_text("row 8999")
    expect(lines).to_contain_text("RuntimeError")
    page.get_by_label("Level").select_option("")
    page.get_by_label("Source").select_option("shop.py")
    expect(lines).not_to_contain_text("RuntimeError")
    page.get_by_label("Source").select_option("")
    page.get_by_label("Search the log").fill("needle")
    expect(lines).not_to_contain_text("the needle")
    page.get_by_role("button", name="Search all of it").click()
    expect(lines).to_contain_text("the needle")
    expect(page.locator("[data-log-about]")).to_contain_text("1 line found")
    page.get_by_label("Search the log").fill("")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert "the needle" in download.value.path().read_text()
    page.get_by_role("button", name="Full screen").click()
    page.wait_for_function("document.fullscreenElement !== null")
    page.get_by_role("button", name="Full screen").click()
    desk.look("log")


def test_a_run_that_waits_says_why_and_an_extra_link_leads_on(desk: Desk, live: LiveSystem) -> None:
    with live.api as api:
        api.patch("/dags/forms", json={"is_paused": True}).raise_for_status()
        api.post("/dags/forms/dagRuns", json={"dag_run_id": "waits"}).raise_for_status()
    page = desk.open("dags/forms/runs/waits/tasks/greet/")
    expect(page.get_by_text("Why it is not running yet")).to_be_visible()
    expect(page.locator(".desk-banner", has_text="Why it is not running yet")).to_contain_text("paused")
    desk.look("why-not-running")
    live.trigger("feeder", dag_run_id="calls")
    live.wait_for_run("feeder", "calls")
    desk.open("dags/feeder/runs/calls/tasks/call/")
    page.get_by_role("link", name="Triggered DAG").click()
    page.wait_for_url(re.compile("/dags/forms/runs/"))
    expect(page.get_by_text("Why it ran")).to_be_visible()


def test_a_form_refuses_what_breaks_the_params_and_offers_what_was_sent_before(desk: Desk, live: LiveSystem) -> None:
    live.trigger("forms", dag_run_id="before", conf={"name": "earlier", "times": 4})
    page = desk.open("dags/forms/trigger/")
    editor = page.get_by_label("Configuration (JSON)")
    page.get_by_label("Recent configurations").select_option(label="before")
    expect(page.get_by_label("name")).to_have_value("earlier")
    expect(editor).to_have_value(re.compile('"times": 4'))
    editor.fill('{"name": "", "times": 99}')
    page.get_by_label("times").fill("5")
    page.get_by_label("name").fill("x")
    editor.fill('{"name": "x", "times": 4, "language": "fr"}')
    page.get_by_label("language").evaluate("element => element.removeAttribute('required')")
    page.get_by_role("button", name="Trigger").click()
    expect(page.get_by_role("alert")).to_contain_text("param language")
    desk.expect_problem("400 (Bad Request)")  # the browser's own line for a refused request


def test_a_new_operator_triggers_finds_the_cause_mends_it_and_goes_on_from_the_failure(
    desk: Desk, live: LiveSystem
) -> None:
    """The five clicks of ``docs/ui.md``: two to trigger, one to the cause, two to run on."""
    clicks = 0

    def click(*, name: str, role: str = "button", within: Page | Locator) -> None:
        nonlocal clicks
        clicks += 1
        within.get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type]  # any role

    page = desk.open("dags/?search=mend")
    click(role="link", name="Trigger mend", within=page)
    page.get_by_label("rows").fill("4")
    click(name="Trigger", within=page)
    page.wait_for_url(re.compile("/dags/mend/runs/"))
    expect(page.locator("[data-run-state]")).to_have_text("failed", timeout=60_000)
    expect(page.locator(".desk-banner", has_text="Failed at")).to_contain_text("divide")
    desk.look("run-failed")
    click(role="link", name="divide", within=page)
    expect(page.locator("[data-log-lines]")).to_contain_text("ZeroDivisionError")
    file = live.dags / "mend.py"
    file.write_text(file.read_text().replace("12 / (rows - rows)", "12 / rows"))
    with live.api as api:
        token = api.get("/dags/mend").json()["file_token"]
        before = api.get("/dags/mend/details").json()["last_parsed"]
        api.put(f"/parseDagFile/{token}").raise_for_status()
        for _ in range(60):
            if api.get("/dags/mend/details").json()["last_parsed"] != before:
                break
            page.wait_for_timeout(500)
    click(name="Clear", within=page)
    click(name="Clear", within=page.get_by_role("dialog"))
    expect(page.locator("[data-task-state]")).to_have_text("success", timeout=60_000)
    expect(page.locator("[data-log-lines]")).to_contain_text("dividing 12 by 4")
    assert clicks == 5
    with live.api as api:
        run = api.get("/dags/mend/dagRuns").json()["dag_runs"][0]
        tries = api.get(f"/dags/mend/dagRuns/{run['dag_run_id']}/taskInstances").json()["task_instances"]
    assert {ti["task_id"]: ti["try_number"] for ti in tries} == {"load": 1, "divide": 2}
