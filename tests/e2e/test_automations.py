"""Channels and automations, names in filters and the lineage of a dataset, in a browser, on a live system."""

from __future__ import annotations

import hashlib
import hmac
import json
import re

import pytest
from playwright.sync_api import Page, expect

from tests.authoring.hooks.servers import http_server
from tests.e2e.conftest import Desk
from tests.live import LiveSystem

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]

KEY = "a-key-of-sixteen-or-more"


def saved(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_load_state("networkidle")


def test_a_failed_run_is_told_by_a_signed_message_that_an_operator_set_up(desk: Desk, live: LiveSystem) -> None:
    with http_server({"/in": [(200, {}, ""), (500, {}, ""), (200, {}, "")]}) as (port, calls):
        page = desk.open("orchestration/notificationchannel/add/")
        page.get_by_label("Name").fill("pager")
        kind = page.get_by_label("Kind")
        kind.select_option("email")
        expect(page.get_by_label("Signing key")).to_be_hidden()
        kind.select_option("webhook")
        expect(page.get_by_label("Recipients")).to_be_hidden()
        page.get_by_label("Address").fill(f"http://127.0.0.1:{port}/in?token=T0K3N")
        page.get_by_label("Signing key").fill(KEY)
        desk.look("channel")
        saved(page)
        page.locator("#result_list").get_by_role("link", name="pager").click()
        assert "T0K3N" not in page.content()
        assert KEY not in page.content()
        page.get_by_role("button", name="Send a test").click()
        expect(page.get_by_text("It was sent: answered 200")).to_be_visible()
        desk.look("channel-tested")
        desk.open("orchestration/notificationchannel/")
        desk.look("channels")

        page = desk.open("orchestration/automation/add/")
        page.get_by_label("Name").fill("tell of shapes")
        page.get_by_label("DAG id").fill("shap")
        expect(page.locator("datalist option[value=shapes]")).to_have_count(1)
        page.get_by_label("DAG id").fill("shapes")
        expect(page.get_by_label("Minutes")).to_be_hidden()
        page.get_by_label("Channel").select_option(label="pager")
        desk.look("automation")
        saved(page)
        expect(page.get_by_text("notify a channel: pager")).to_be_visible()
        desk.look("automations")

        live.trigger("shapes", dag_run_id="told", logical_date="2024-03-01T06:00:00Z")
        live.wait_for_run("shapes", "told", seconds=120)
        desk.open("orchestration/delivery/")
        row = page.get_by_role("row", name=re.compile("tell of shapes"))
        # The first answer is an error: it waits for its next try.
        expect(row).to_contain_text("answered 500", timeout=60_000)
        desk.look("deliveries")
        expect(row).to_contain_text("answered 200", timeout=60_000)
        row.get_by_role("checkbox").check()
        page.get_by_label("Select action to run").select_option(label="Send again")
        page.get_by_role("button", name=re.compile("Run|Go")).first.click()
        expect(page.get_by_text("1 will be sent again.")).to_be_visible()
        page.locator("#result_list").get_by_role("link", name="tell of shapes").click()
        desk.look("delivery")
    told = json.loads(calls[2]["body"])
    assert (told["event"], told["dag_id"], told["dag_run_id"]) == ("run_failed", "shapes", "told")
    signed = f"{calls[2]['headers']['X-Airflowsite-Timestamp']}.{calls[2]['body']}".encode()
    expected = hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
    assert calls[2]["headers"]["X-Airflowsite-Signature"] == f"sha256={expected}"


def test_a_filter_s_box_completes_what_is_typed(desk: Desk) -> None:
    page = desk.open("orchestration/taskinstance/")
    page.get_by_role("button", name="Filters").press("Enter")
    page.get_by_label("By task id").press_sequentially("publ")
    expect(page.locator("datalist option[value=publish]")).to_have_count(1)
    page.get_by_label("By task id").fill("publish")
    desk.look("filter-names")
    page.get_by_role("button", name="Apply Filters").click()
    page.wait_for_url(re.compile("task_id=publish"))
    expect(page.get_by_role("link", name="publish").first).to_be_visible()
    expect(page.get_by_role("link", name="begin")).to_have_count(0)


def test_the_lineage_of_a_dataset_is_followed(desk: Desk) -> None:
    page = desk.open("datasets/")
    page.get_by_role("link", name="s3://shop/orders.csv").click()
    page.get_by_role("link", name="Lineage").click()
    page.wait_for_function("document.querySelectorAll('[data-network] canvas').length > 0")
    page.get_by_label("Steps").select_option("2")
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url(re.compile("hops=2"))
    page.wait_for_function("document.querySelectorAll('[data-network] canvas').length > 0")
    page.get_by_text("As a list").click()
    expect(page.get_by_role("row", name="feeder (DAG) s3://shop/orders.csv (dataset)")).to_be_visible()
    expect(page.get_by_role("row", name="s3://shop/orders.csv (dataset) eater (DAG)")).to_be_visible()
    desk.look("lineage")


def test_the_installation_s_label_stands_on_its_pages(desk: Desk) -> None:
    for path in ("", "dags/", "orchestration/pool/"):
        page = desk.open(path)
        expect(page.locator(".desk-label")).to_have_text("airflowsite")
        assert page.locator(".desk-label").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(124, 45, 18)"


def test_workers_and_queues_are_shown_and_tries_lead_to_their_stop(desk: Desk, live: LiveSystem) -> None:
    live.trigger("sleeper", dag_run_id="held")
    page = desk.open("workers/?queue=slow")
    expect(page.get_by_role("row", name=re.compile("running rest"))).to_be_visible(timeout=60_000)
    expect(page.get_by_role("heading", name="Hosts that run tasks")).to_be_visible()
    desk.look("workers")
    page.get_by_role("link", name="Stop or clear these …").click()
    page.wait_for_url(re.compile("/bulk/tasks/"))
    page.get_by_role("radio", name="Mark failed").check()
    page.get_by_role("button", name=re.compile("Mark failed: 1 task instance")).click()
    expect(page.locator("[data-bulk-told]")).to_contain_text("Done", timeout=60_000)
    live.wait_for_run("sleeper", "held", seconds=60)
    desk.open("workers/?queue=slow")
    expect(page.get_by_text("None.", exact=True)).to_be_visible(timeout=60_000)
