"""The members of each JSON answer, in their order, and the exit statuses for wrong input, as Airflow 2.10.5 gave them.

``airflow_answers_2_10_5.json`` was recorded from its commands run on DAGs and objects like those below.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.access import roles
from orchestration.services import pools
from tests.commands.conftest import Done
from tests.factories import make_dag, make_run, serialized

pytestmark = pytest.mark.django_db
Run = Callable[..., Done]

RECORDED: dict[str, Any] = json.loads((Path(__file__).parent / "airflow_answers_2_10_5.json").read_text())
DATE = datetime(2024, 1, 5, tzinfo=UTC)
#: How each command is called here; what is not named takes no arguments.
CALLS: dict[str, list[str]] = {
    "dags details": ["simple"],
    "dags unpause": ["simple"],
    "dags pause": ["other"],
    "dags trigger": ["simple", "-r", "new"],
    "dags list-runs": ["-d", "simple"],
    "tasks states-for-dag-run": ["simple", "r1"],
    "pools get": ["default_pool"],
    "providers get": ["apache-airflow-providers-http"],
    "connections get": ["c"],
}


@pytest.fixture(autouse=True)
def system(run: Run) -> None:
    """Two DAGs, a run, and one object of each kind."""
    roles.ensure_built_in()
    pools.ensure_default()
    dag = make_dag(serialized("a >> b", dag_id="simple"), is_paused=True)
    make_dag(serialized("a", dag_id="other"), is_paused=False)
    make_run(dag, {"a": "success"}, run_id="r1", logical_date=DATE, state="success", start_date=DATE, end_date=DATE)
    run("variables", "set", "v", "1")
    run("connections", "add", "c", "--conn-uri", "http://u:p@h:80/s?k=v")
    run("users", "create", "-u", "ada", "-e", "ada@x.org", "-r", "Admin", "-f", "A", "-l", "L", "--use-random-password")


@pytest.mark.parametrize("name", RECORDED["keys"])
def test_a_json_answer_has_the_members_of_the_reference(run: Run, name: str) -> None:
    words = name.split()
    done = run(*words[:2], *CALLS.get(name, []), *words[2:], "-o", "json")

    assert done.status == 0, done.err
    rows = json.loads(done.out)
    assert rows
    for row in rows:
        assert list(row) == RECORDED["keys"][name]
        assert all(value is None or isinstance(value, str | list | dict) for value in row.values())


@pytest.mark.parametrize("case", RECORDED["statuses"], ids=lambda case: " ".join(case["words"]))
def test_wrong_input_has_the_exit_status_of_the_reference(run: Run, case: dict[str, Any]) -> None:
    done = run(*case["words"])

    assert done.status == case["status"], done.err
    if done.status:
        assert done.err.strip()
