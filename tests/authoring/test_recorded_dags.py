"""DAG files against what Airflow 2.10.5 made of them: tasks, edges, groups, rules, weights, schedules, or the error.

Each case is a small file; ``facts`` says what is compared.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from orchestration.authoring import alias
from orchestration.authoring.loading import load_dag_file
from orchestration.serialization.decode import decode_dag
from orchestration.serialization.encode import encode_dag
from tests.authoring import facts

RECORDED = json.loads((Path(__file__).parent / "recorded" / "dags.json").read_text())
CASES = RECORDED["cases"]


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    alias.install()
    folder = tmp_path_factory.mktemp("recorded")

    def load_case(name):
        path = folder / f"{name}.py"
        path.write_text(f"{RECORDED['preamble']}\n{CASES[name]['source']}\n")
        return load_dag_file(str(path))

    return load_case


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_a_file_means_what_it_means_to_airflow(load, name):
    loaded = load(name)
    errors = [text.strip().splitlines()[-1] for text in loaded.errors.values()]
    kinds = [re.split(r"[:(]", line)[0].rpartition(".")[2] for line in errors]
    assert kinds == ([CASES[name]["error"]] if "error" in CASES[name] else []), errors
    found = {dag_id: facts.dag_facts(dag) for dag_id, dag in loaded.dags.items()}
    assert json.loads(json.dumps(found)) == CASES[name].get("dags", {})


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name, case in CASES.items() if "dags" in case])
def test_its_document_holds_the_same_graph(load, name):
    for dag_id, dag in load(name).dags.items():
        document = json.loads(json.dumps(encode_dag(dag)))
        read = decode_dag(document)
        recorded = CASES[name]["dags"][dag_id]["tasks"]
        assert {t.task_id: sorted(t.upstream_task_ids) for t in read.tasks.values()} == {
            task_id: task.get("up", []) for task_id, task in recorded.items()
        }
        assert {t.task_id: t.priority_weight_total for t in read.tasks.values()} == {
            task_id: task.get("weight", 1) for task_id, task in recorded.items()
        }
        seen: set[str] = set()
        for task in read.tasks.values():
            assert task.upstream_task_ids <= seen, "topological order"
            seen.add(task.task_id)
