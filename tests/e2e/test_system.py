"""The pages beside DAGs and their runs, in a browser, on a live system."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Desk
from tests.live import LiveSystem

pytestmark = [pytest.mark.browser, pytest.mark.processes, pytest.mark.timeout(300)]

ORDERS = "s3://shop/orders.csv"


def drawn(page: Page) -> None:
    """Wait until the graph is there."""
    page.wait_for_function("document.querySelectorAll('[data-network] canvas').length > 0")
    page.wait_for_timeout(400)


def test_a_dataset_is_found_an_event_made_and_the_dag_that_waits_runs(desk: Desk, live: LiveSystem) -> None:
    live.wait_for_dags("eater")
    page = desk.open("datasets/")
    expect(page.get_by_role("link", name="feeder")).to_be_visible()
    desk.look("datasets")
    page.get_by_role("link", name=ORDERS).click()
    expect(page.get_by_text("not yet written")).to_be_visible()
    page.get_by_role("button", name="Create event").click()
    dialog = page.get_by_role("dialog", name="Create an event")
    dialog.get_by_label("Extra").fill("{nonsense")
    dialog.get_by_role("button", name="Create event").click()
    expect(dialog.get_by_role("alert")).to_contain_text("no JSON")
    desk.look("dataset-event")
    dialog.get_by_label("Extra").fill('{"rows": 12}')
    dialog.get_by_role("button", name="Create event").click()
    expect(page.get_by_text('{"rows":12,"from_rest_api":true}')).to_be_visible()
    for _ in range(30):
        if page.get_by_role("table").last.get_by_role("link", name="eater").count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    expect(page.get_by_role("table").last.get_by_role("link", name="eater").first).to_be_visible()
    desk.look("dataset")
    desk.open("datasets/events/")
    expect(page.get_by_text("a person or a program")).to_be_visible()
    desk.look("dataset-events")


def test_graphs_of_datasets_and_dags_are_drawn_and_said_in_words(desk: Desk) -> None:
    page = desk.open("datasets/graph/")
    drawn(page)
    page.get_by_text("As a list").click()
    expect(page.get_by_role("row", name="feeder (DAG) s3://shop/orders.csv (dataset)")).to_be_visible()
    desk.look("dataset-graph")
    page = desk.open("dependencies/")
    drawn(page)
    page.get_by_text("As a list").click()
    expect(page.get_by_role("row", name="call (task that triggers) forms (DAG)")).to_be_visible()
    desk.look("dependencies")
    page.get_by_label("DAGs that stand alone").check()
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url(re.compile("alone=1"))
    drawn(page)


def test_cluster_activity_shows_health_and_a_chosen_period(desk: Desk) -> None:
    page = desk.open("cluster/")
    for name in ("Scheduler", "Triggerer", "DAG processor"):
        expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("cell", name="SchedulerJob")).to_be_visible()
    desk.look("cluster")
    page.get_by_role("link", name="Last 7 days").click()
    expect(page.get_by_role("heading", name="Runs that ended, by day")).to_be_visible()
    expect(page.get_by_role("link", name="shapes").first).to_be_visible()
    page.get_by_label("From (UTC)").fill("2001-01-01T00:00")
    page.get_by_label("to", exact=True).fill("2001-01-02T00:00")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_text("None in this period.").first).to_be_visible()


@pytest.mark.parametrize(
    "name",
    [
        "dagrun",
        "taskinstance",
        "job",
        "eventlog",
        "taskreschedule",
        "trigger",
        "slamiss",
        "dagimporterror",
        "dagwarning",
    ],
)
def test_each_list_opens_with_its_filters_by_keys(desk: Desk, name: str) -> None:
    page = desk.open(f"orchestration/{name}/")
    desk.look(f"list-{name}")
    filters = page.get_by_role("button", name="Filters")
    if filters.count():
        filters.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Apply Filters")).to_be_visible()
        page.wait_for_timeout(400)
        desk.look(f"filters-{name}")


def test_runs_are_filtered_and_lead_to_their_page(desk: Desk) -> None:
    page = desk.open("orchestration/dagrun/")
    page.get_by_role("button", name="Filters").press("Enter")
    page.get_by_label("By DAG").fill("shap")
    page.get_by_role("button", name="Apply Filters").click()
    page.wait_for_url(re.compile("dag=shap"))
    expect(page.get_by_role("link", name="shape-0")).to_be_visible()
    expect(page.get_by_role("link", name="feeder")).to_have_count(0)
    page.get_by_label("Time zone").select_option("Asia/Tokyo")
    expect(page.get_by_text("2024-02-01 15:00:00").first).to_be_visible()
    page.get_by_role("link", name="shape-0").click()
    page.wait_for_url(re.compile("/dags/shapes/runs/shape-0/"))


def test_a_list_brings_itself_up_to_date(desk: Desk, live: LiveSystem) -> None:
    page = desk.open("orchestration/dagrun/?dag=forms")
    expect(page.get_by_role("link", name="came-later")).to_have_count(0)
    live.trigger("forms", dag_run_id="came-later")
    expect(page.get_by_role("link", name="came-later")).to_be_visible(timeout=30_000)


def test_variables_are_imported_shown_masked_and_exported(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "variables.json"
    file.write_text(json.dumps({"greeting": "hello", "db_password": "S3CRET", "limits": {"rows": 3}}))
    page = desk.open("orchestration/variable/")
    page.get_by_role("link", name="Import", exact=True).click()
    desk.look("variables-import")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("3 variables imported.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("db_password"))).to_contain_text("***")
    desk.look("variables")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export all").click()
    exported = json.loads(Path(download.value.path()).read_text())
    assert exported == {"greeting": "hello", "db_password": "***", "limits": {"rows": 3}}
    desk.open("orchestration/variable/")
    page.get_by_role("link", name="greeting").click()
    page.get_by_label("Value").fill("good morning")
    desk.look("variable")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name=re.compile("greeting"))).to_contain_text("good morning")


def test_a_connection_s_form_follows_its_type_and_is_tried(desk: Desk) -> None:
    page = desk.open("orchestration/connection/add/")
    page.get_by_label("Connection id").fill("files")
    kind = page.get_by_label("Type")
    kind.fill("sqlite")
    expect(page.get_by_label("Port")).to_be_hidden()
    kind.fill("postgres")
    expect(page.get_by_label("Database")).to_be_visible()
    page.get_by_label("SSL mode").fill("require")
    page.get_by_label("SSL mode").blur()
    expect(page.get_by_label("Extra")).to_have_value('{"sslmode":"require"}')
    page.get_by_label("Host").fill("127.0.0.1")
    page.get_by_label("Password").fill("S3CRET")
    page.get_by_role("button", name="Test the connection").click()
    expect(page.get_by_text("Addresses of the server itself")).to_be_visible()
    desk.look("connection")
    page.get_by_role("button", name="Save", exact=True).click()
    page.locator("#result_list").get_by_role("link", name="files").click()
    expect(page.get_by_label("Password")).to_have_value("")
    assert "S3CRET" not in page.content()
    desk.open("orchestration/connection/")
    expect(page.get_by_text("PostgreSQL (postgres)")).to_be_visible()
    desk.look("connections")


def test_a_pool_is_made_and_shows_its_slots(desk: Desk) -> None:
    page = desk.open("orchestration/pool/add/")
    page.get_by_label("Name").fill("narrow")
    page.get_by_label("Slots").fill("2")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("row", name=re.compile("narrow"))).to_contain_text("2")
    desk.look("pools")


@pytest.mark.parametrize("path", ["config/", "plugins/", "providers/", "permissions/"])
def test_what_is_installed_and_allowed_is_shown(desk: Desk, path: str) -> None:
    page = desk.open(path)
    if path == "config/":
        expect(page.get_by_role("cell", name="dags_folder", exact=True)).to_be_visible()
        page.get_by_label("Search options").fill("broker_url")
        page.get_by_role("button", name="Search").click()
        expect(page.get_by_role("cell", name="hidden").first).to_be_visible()
    desk.look(path.strip("/"))


@pytest.mark.parametrize("path", ["auth/group/", "orchestration/user/", "orchestration/personalaccesstoken/"])
def test_people_are_listed_and_their_form_opens(desk: Desk, path: str) -> None:
    desk.open(path)
    desk.look(path.split("/")[1])
    desk.open(f"{path}add/")
    desk.look(f"{path.split('/')[1]}-form")


def test_a_token_is_made_shown_once_used_and_revoked(desk: Desk, live: LiveSystem) -> None:
    page = desk.open("profile/")
    page.get_by_label("Name", exact=True).fill("script")
    page.get_by_label("Allows").select_option("read")
    page.get_by_role("button", name="Create token").click()
    dialog = page.get_by_role("dialog", name="Your new token")
    expect(dialog).to_contain_text("afs_")
    token = dialog.locator("[data-token-text]").inner_text()
    desk.look("token")
    dialog.get_by_role("button", name="Done").click()
    page.wait_for_load_state("networkidle")
    assert token not in page.content()
    with live.api as api:
        api.auth = None
        headers = {"Authorization": f"Bearer {token}"}
        assert api.get("/pools", headers=headers).status_code == 200
        desk.look("profile")
        revoke = page.get_by_role("button", name="Revoke script")
        revoke.click()
        revoke.click()
        expect(page.get_by_text("You have no tokens.")).to_be_visible()
        assert api.get("/pools", headers=headers).status_code == 401


def test_names_are_saved_and_a_wrong_password_is_told(desk: Desk) -> None:
    page = desk.open("profile/")
    page.get_by_label("First name").fill("Ada")
    page.get_by_role("button", name="Save names").click()
    expect(page.get_by_text("Saved: Ada")).to_be_visible()
    page.get_by_label("Present password").fill("wrong")
    page.get_by_label("New password", exact=True).fill("a-long-new-Passw0rd")
    page.get_by_label("New password, again").fill("another")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_text("The two new passwords differ.")).to_be_visible()


def test_the_account_s_menu_opens_by_keys_and_leads_to_the_profile(desk: Desk) -> None:
    page = desk.open("cluster/")
    page.get_by_role("button", name=re.compile("admin@")).press("Enter")
    page.wait_for_timeout(400)
    desk.look("account-menu")
    page.get_by_role("navigation").get_by_role("link", name="Your profile").last.click()
    page.wait_for_url(re.compile("/profile/"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_the_palette_leads_to_a_dag_by_keys(desk: Desk) -> None:
    page = desk.open("cluster/")
    page.keyboard.press("Control+k")
    expect(page.locator("#search-input-command")).to_be_visible()
    page.keyboard.type("shap")
    expect(page.locator("#command-results-list").get_by_role("link", name="shapes")).to_be_visible()
    page.wait_for_timeout(300)
    desk.look("palette")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/dags/shapes/"))


def test_these_pages_are_readable_in_the_dark(desk: Desk) -> None:
    page = desk.open("")
    page.evaluate("localStorage.setItem('adminTheme', JSON.stringify('dark'))")
    paths = {
        "datasets": "datasets/",
        "dataset-graph": "datasets/graph/",
        "dependencies": "dependencies/",
        "cluster": "cluster/",
        "workers": "workers/",
        "automations": "orchestration/automation/",
        "automation": "orchestration/automation/add/",
        "channel": "orchestration/notificationchannel/add/",
        "deliveries": "orchestration/delivery/",
        "list-dagrun": "orchestration/dagrun/",
        "pools": "orchestration/pool/",
        "connection": "orchestration/connection/add/",
        "config": "config/",
        "permissions": "permissions/",
        "profile": "profile/",
    }
    for name, path in paths.items():
        desk.open(path)
        expect(page.locator("html")).to_have_class(re.compile("dark"))
        page.wait_for_timeout(300)
        desk.look(f"dark-{name}")
