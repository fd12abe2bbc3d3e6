"""A live system and a browser that has logged in; a page's errors fail its test."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.live import ROOT, LiveSystem
from tests.machine import need_program

AXE = (Path(__file__).parent / "axe.min.js").read_text()
SCREENSHOTS = ROOT / "build" / "screenshots"
#: What keeps Chromium from asking anything of the network by itself.
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-gpu",
]
_DAGS = {
    "forms": """
from airflow.decorators import dag, task
from airflow.models.param import Param
import pendulum

@dag(schedule=None, start_date=pendulum.datetime(2024, 1, 1, tz="UTC"), catchup=False, tags=["form"],
     doc_md="### Greets\\n\\nWhoever is named in the *form*.",
     params={"name": Param("world", type="string", minLength=1, description="Whom to greet."),
             "times": Param(2, type="integer", minimum=1, maximum=5),
             "loud": Param(False, type="boolean"),
             "language": Param("en", type="string", enum=["en", "de"]),
             "day": Param("2024-03-05", type="string", format="date")})
def forms():
    @task
    def greet(params=None):
        for number in range(params["times"]):
            print("hello", params["name"], number)
        return params["name"]
    greet()

forms()
""",
    "shapes": """
from datetime import timedelta
from airflow.decorators import dag, task, task_group
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.utils.edgemodifier import Label
import pendulum

@dag(schedule="0 6 * * *", start_date=pendulum.datetime(2024, 1, 1, tz="UTC"), catchup=False, tags=["shape", "daily"],
     default_args={"owner": "data-team"}, description="Groups, mapped tasks, a branch that fails")
def shapes():
    start = EmptyOperator(task_id="start")

    @task_group
    def load():
        @task
        def numbers():
            return [1, 2, 3]

        @task
        def double(n):
            return 2 * n

        return double.expand(n=numbers())

    check = BashOperator(task_id="check", bash_command="sleep 0.5; echo checked")
    fails = BashOperator(task_id="fails", bash_command="echo cannot go on >&2; exit 1")
    after = EmptyOperator(task_id="after")
    start >> Label("all files") >> load() >> check >> after
    check >> fails >> EmptyOperator(task_id="never")

shapes()
""",
    "sales": """
from datetime import timedelta
from airflow.datasets import Dataset
from airflow.decorators import dag, task, task_group
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.utils.edgemodifier import Label
import pendulum, time

@dag(schedule="@hourly", start_date=pendulum.datetime(2024, 1, 1, tz="Europe/Berlin"), catchup=False,
     tags=["sales", "hourly"], max_active_runs=4, description="Loads the orders of each shop and reports on them",
     default_args={"owner": "data-team", "retries": 1, "retry_delay": timedelta(seconds=1)},
     doc_md="Loads the **orders** of each shop.")
def sales():
    begin = EmptyOperator(task_id="begin")

    @task_group
    def extract():
        @task
        def shops():
            time.sleep(0.2)
            return ["berlin", "oslo", "tokyo", "lima"]

        @task
        def orders(shop, logical_date=None, ti=None):
            time.sleep(0.1 * len(shop))
            if shop == "lima" and (logical_date.hour % 5 == 3 or logical_date.hour % 5 == 1 and ti.try_number == 1):
                raise RuntimeError("The shop in Lima does not answer: no connection after 30 s")
            return len(shop)

        return orders.expand(shop=shops())

    @task_group
    def transform(rows):
        @task
        def clean(rows):
            time.sleep(0.3)
            return sum(rows)

        @task.branch
        def check(total):
            return "transform.small" if total < 100 else "transform.large"

        small, large = EmptyOperator(task_id="small"), EmptyOperator(task_id="large")
        checked = check(clean(rows))
        checked >> Label("few rows") >> small
        checked >> Label("many rows") >> large
        return small

    publish = BashOperator(task_id="publish", bash_command="sleep 0.3; echo published", outlets=[Dataset("s3://shop/report")])
    rows = extract()
    begin >> rows
    transform(rows) >> publish >> EmptyOperator(task_id="done")

sales()
""",
    "mend": """
from airflow.decorators import dag, task
from airflow.models.param import Param
import pendulum

@dag(schedule=None, start_date=pendulum.datetime(2024, 1, 1, tz="UTC"), catchup=False, is_paused_upon_creation=False,
     params={"rows": Param(3, type="integer", minimum=1, description="How many rows to load.")})
def mend():
    @task
    def load(params=None):
        return params["rows"]

    @task
    def divide(rows):
        print("dividing", 12, "by", rows)
        return 12 / (rows - rows)

    divide(load())

mend()
""",
    "sleeper": """
from airflow.decorators import dag
from airflow.operators.bash import BashOperator
import pendulum

@dag(schedule=None, start_date=pendulum.datetime(2024, 1, 1, tz="UTC"), catchup=False, is_paused_upon_creation=False)
def sleeper():
    BashOperator(task_id="rest", bash_command="sleep 240", queue="slow")

sleeper()
""",
    "feeder": """
from airflow.datasets import Dataset
from airflow.decorators import dag, task
from airflow.operators.trigger_dagrun import TriggerDagRunOperator
import pendulum

ORDERS = Dataset("s3://shop/orders.csv", extra={"currency": "EUR"})
START = pendulum.datetime(2024, 1, 1, tz="UTC")

@dag(schedule=None, start_date=START, catchup=False, is_paused_upon_creation=False)
def feeder():
    @task(outlets=[ORDERS])
    def write():
        print("written")
    write() >> TriggerDagRunOperator(task_id="call", trigger_dag_id="forms")

@dag(schedule=[ORDERS], start_date=START, catchup=False, is_paused_upon_creation=False)
def eater():
    @task
    def read():
        print("read")
    read()

feeder(), eater()
""",
}
#: What the pages show or do only where an operator allows it.
_OPTIONS: Mapping[tuple[str, str], object] = {
    ("webserver", "expose_config"): "non-sensitive-only",
    ("core", "test_connection"): "Enabled",
    ("notifications", "allow_private_targets"): "True",
    ("webserver", "navbar_color"): "#7c2d12",
}


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSystem]:
    """``manage.py standalone`` with some DAGs, one of which has runs."""
    folder = tmp_path_factory.mktemp("dags")
    for name, text in _DAGS.items():
        (folder / f"{name}.py").write_text(text)
    (folder / "broken.py").write_text("from airflow import DAG\nraise ValueError('<b>broken</b> on purpose')\n")
    with LiveSystem(dags=folder, options=_OPTIONS) as system:
        system.wait_for_dags(*_DAGS)
        for number in range(4):
            run_id = f"shape-{number}"
            system.trigger("shapes", dag_run_id=run_id, logical_date=f"2024-02-0{number + 1}T06:00:00Z")
        for number in range(12):
            system.trigger("sales", dag_run_id=f"hour-{number:02}", logical_date=f"2024-02-01T{number:02}:00:00Z")
        for number in range(4):
            system.wait_for_run("shapes", f"shape-{number}", seconds=120)
        for number in range(12):
            system.wait_for_run("sales", f"hour-{number:02}", seconds=180)
        yield system


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. As long as it runs, no other test of this process can have an event loop of its own."""
    path = need_program("chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


def log_in(page: Page, live: LiveSystem) -> None:
    """Fill in the login form as the first administrator."""
    page.goto(f"{live.url}/admin/login/")
    name, password = live.credentials
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(re.compile(r"/admin/$"))


@pytest.fixture(scope="module")
def session_state(browser: Browser, live: LiveSystem) -> dict:
    """The cookies of someone who logged in by the form."""
    context = browser.new_context()
    log_in(context.new_page(), live)
    state = context.storage_state()
    context.close()
    return state


class Desk:
    """A page of the desk that keeps what went wrong."""

    def __init__(self, page: Page, live: LiveSystem) -> None:
        self.page, self.live = page, live
        self.problems: list[str] = []
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", lambda request: self._asked(request.url))

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.problems.append(f"console: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.live.url, "data:", "blob:")):
            self.problems.append(f"another host: {url}")

    def expect_problem(self, text: str) -> None:
        """Take one problem that the test asked for off the list; fails where there is none."""
        found = next((problem for problem in self.problems if text in problem), None)
        assert found is not None, f"no {text!r} among {self.problems}"
        self.problems.remove(found)

    def open(self, path: str) -> Page:
        """Go to an address below ``/admin/`` and wait until nothing is loaded any more."""
        answer = self.page.goto(f"{self.live.url}/admin/{path}")
        assert answer is not None
        assert answer.status == 200, path
        self.page.wait_for_load_state("networkidle")
        return self.page

    def look(self, name: str) -> None:
        """Write a screenshot, and ask axe for violations of WCAG 2 level A and AA."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")
        self.page.evaluate(AXE)
        found = self.page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'], resultTypes: ['violations']})"
        )
        for violation in found["violations"]:
            nodes = "; ".join(f"{node['target']} {node['html'][:160]}" for node in violation["nodes"][:4])
            self.problems.append(f"axe {name} {violation['id']}: {nodes}")


@pytest.fixture
def context(browser: Browser, session_state: dict) -> Iterator[BrowserContext]:
    """A window in which an administrator is logged in."""
    made = browser.new_context(
        storage_state=session_state, viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="UTC"
    )
    made.set_default_timeout(20_000)
    yield made
    made.close()


@pytest.fixture
def desk(context: BrowserContext, live: LiveSystem) -> Iterator[Desk]:
    """A page; what went wrong on it fails the test."""
    opened = Desk(context.new_page(), live)
    yield opened
    assert not opened.problems, "\n".join(opened.problems)
