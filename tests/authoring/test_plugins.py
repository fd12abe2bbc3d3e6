"""Plugins: what of the plugins folder is loaded, and what tasks and DAG files find of it."""

from __future__ import annotations

import pytest

from tests.authoring.test_alias import run

GOOD = """
from airflow.plugins_manager import AirflowPlugin
from helper import loudly

def shout(text):
    return loudly(text)

class Good(AirflowPlugin):
    name = "good"
    macros = [shout]
"""

#: How the processes begin in which tasks, triggers and callbacks run, and DAG files are parsed.
BEGINNINGS = [
    "from orchestration.execution.warm import prepare_imports; prepare_imports()",
    "from orchestration.dagfiles import warm; warm.preload.load(*warm.PRELOADED); warm.preload.load_airflow(); "
    "warm.plugins_manager.integrate_macros_plugins()",
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "helper.py").write_text("def loudly(text): return text.upper()")
    return tmp_path


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_plugins_macro_is_there_in_templates_and_for_imports(folder, beginning):
    code = f"""
    {beginning}
    from types import SimpleNamespace
    from airflow.models.baseoperator import BaseOperator
    from airflow.macros.good import shout
    from orchestration.authoring.context import _macros

    class Op(BaseOperator):
        template_fields = ("field",)
        def __init__(self, field, **kwargs):
            super().__init__(**kwargs)
            self.field = field

    op = Op(task_id="t", field="{{{{ macros.good.shout(ds) }}}} {{{{ macros.ds_add(ds, 1) }}}}")
    op.render_template_fields({{"ds": "2024-01-31", "macros": _macros()}})
    print(op.field, shout("a"))
    """
    environment = {"AIRFLOW_HOME": str(folder / "home"), "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder)}
    assert run(code, **environment).splitlines()[-1] == "2024-01-31 2024-02-01 A"


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_a_plugin_that_ends_the_interpreter_is_left_out(folder, beginning):
    (folder / "bad.py").write_text("import sys\nclass Plugin: sys.exit(3)")
    code = f"""
    {beginning}
    from airflow import macros, plugins_manager
    print(macros.good.shout("a"), *(path.rpartition("/")[2] for path in plugins_manager.import_errors))
    """
    environment = {"AIRFLOW_HOME": str(folder / "home"), "AIRFLOW__CORE__PLUGINS_FOLDER": str(folder)}
    assert run(code, **environment).splitlines()[-1] == "A bad.py"


def test_files_without_a_plugin_are_not_run(folder):
    (folder / "other.py").write_text("raise SystemExit('it was run')")
    code = "from airflow import plugins_manager as p; p.ensure_plugins_loaded(); print(p.import_errors)"
    assert run(code, AIRFLOW__CORE__PLUGINS_FOLDER=str(folder)) == "{}"
