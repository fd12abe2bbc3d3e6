"""The sample DAGs: they load cleanly, are documented, and what others choose never becomes code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import orchestration
from orchestration.authoring import alias
from orchestration.authoring.dag import DAG
from orchestration.authoring.loading import load_dag_file
from orchestration.authoring.operators.bash import BashOperator
from orchestration.authoring.operators.sql import BaseSQLOperator
from orchestration.authoring.sensors.bash import BashSensor
from orchestration.serialization.decode import decode_dag
from orchestration.serialization.encode import encode_dag
from tests.authoring.operators.support import execute

alias.install()
FILES = sorted(Path(orchestration.__file__).parent.joinpath("sample_dags").glob("*.py"))
#: What callers of the API choose: none of it may be in the text of a command or statement.
CHOSEN = re.compile(r"dag_run|params|conf|run_id|xcom|\bti\b|var\.|task_instance")


def dags():
    found: dict[str, DAG] = {}
    for file in FILES:
        loaded = load_dag_file(str(file))
        assert not loaded.errors and not loaded.warnings, (file, loaded)
        found |= loaded.dags
    return found


def test_every_sample_loads_without_errors_or_warnings_and_is_documented():
    found = dags()
    assert len(found) >= 16
    for dag in found.values():
        assert dag.doc_md and dag.description and "sample" in dag.tags
        assert dag.dag_id.startswith("sample_")
        assert dag.catchup is False
        assert decode_dag(json.loads(json.dumps(encode_dag(dag)))).tasks


def test_together_they_show_every_feature():
    documents = [encode_dag(dag) for dag in dags().values()]
    text = json.dumps(documents)
    for word in (
        "@task.branch", "@task.sensor", "ShortCircuitOperator", "TriggerDagRunOperator", "ExternalTaskSensor",
        "ExternalTaskMarker", "DateTimeSensorAsync", "BranchDayOfWeekOperator", "LatestOnlyOperator", "SqlSensor",
        "SQLColumnCheckOperator", "is_setup", "is_teardown", "expansion", "dataset_alias", '"all"', '"any"',
        "map_index_template",
        "retry_exponential_backoff", "priority_weight", "pool_slots", "has_on_failure_callback", "label", "one_failed",
    ):  # fmt: skip
        assert word in text, word


def commands():
    for dag in dags().values():
        for task in dag.tasks:
            if isinstance(task, (BashOperator, BashSensor)):
                yield task, task.bash_command
            elif isinstance(task, BaseSQLOperator):
                for name in ("sql", "sql1", "sql2"):
                    if hasattr(task, name):
                        yield task, str(getattr(task, name))


def test_no_text_of_a_command_or_statement_is_chosen_by_callers():
    seen = 0
    for task, text in commands():
        seen += 1
        for template in re.findall(r"\{[{%].*?[%}]\}", text, re.DOTALL):
            assert not CHOSEN.search(template), (task, template)
    assert seen >= 8


@pytest.mark.parametrize(
    "evil", ["$(touch x)", ";touch x", "`touch x`", "\"; touch x; '", "\n touch x\n", "${IFS}|touch x"]
)
def test_commands_run_nothing_that_a_caller_sends(memory, tmp_path, monkeypatch, evil):
    monkeypatch.chdir(tmp_path)
    found = dags()
    greet = found["sample_bash"].get_task("greet")
    greet.cwd = str(tmp_path)
    assert execute(greet, conf={"name": evil}).result is not None
    echo = found["sample_params"].get_task("echo")
    echo.cwd = str(tmp_path)
    execute(echo, conf={"name": evil})
    assert list(tmp_path.iterdir()) == []
