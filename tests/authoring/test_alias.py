from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import pytest

from orchestration.authoring import alias
from orchestration.authoring.alias_passed_on import HOMES, PASSED_ON
from orchestration.authoring.alias_table import ADVICE, DEPRECATED_NAMES, LIBRARIES, MOVED, NOT_IN_STAR, TABLE

alias.install()
NAMES = [line for line in Path(__file__).with_name("test_alias_names.txt").read_text().splitlines() if line[0] != "#"]


def run(code: str, *paths: Path, **environment: str) -> str:
    """What a fresh interpreter prints that runs the code after ``alias.install()``."""
    script = f"from orchestration.authoring import alias\nalias.install()\n{textwrap.dedent(code)}"
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join([root, *map(str, paths)]), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("name", NAMES)
def test_what_dag_files_import_is_there(name):
    if name.startswith("import "):
        exec(name, {})
    else:
        module, _, attribute = name.rpartition(".")
        exec(f"from {module} import {attribute}", {})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("module", [*TABLE, *MOVED])
def test_every_row_of_the_table_leads_somewhere(module):
    imported = importlib.import_module(module)
    for name in imported.__all__:
        assert getattr(imported, name) is not None or name in {"NEW_SESSION", "engine", "NONE"}
    exec(f"from {module} import *", {})


def test_the_tables_speak_of_each_other_only():
    assert set(MOVED).isdisjoint(TABLE) or set(MOVED) & set(TABLE) == {"airflow.operators.branch_operator"}
    assert set(MOVED.values()) <= set(TABLE)
    for path in DEPRECATED_NAMES:
        module, _, name = path.rpartition(".")
        assert name in alias.offered(module), path
    for module, names in NOT_IN_STAR.items():
        assert set(names.split()) <= set(alias.offered(module))
    assert all(not path.startswith("airflow.") for path in LIBRARIES)
    assert all(path.startswith("airflow.") for path in ADVICE)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("module", PASSED_ON)
def test_a_name_that_is_passed_on_is_the_one_of_its_home(module):
    homes = {name: home for home, names in HOMES.items() for name in names.split()}
    imported = importlib.import_module(module)
    for name in PASSED_ON[module].split():
        home = homes[name]
        assert getattr(imported, name) is (getattr(importlib.import_module(home), name) if home else sys.modules[name])
        assert name not in alias.offered(module), "one table holds a name"
    assert set(PASSED_ON[module].split()).isdisjoint(imported.__all__)


def test_a_name_that_airflow_does_not_pass_on_is_not_there():
    assert (
        run("""
            import airflow.operators.weekday as w
            print(hasattr(w, "WeekDay"), hasattr(w, "Dataset"))
            """)
        == "True False"
    )


def test_airflow_says_its_version():
    import airflow
    import airflow.version

    assert airflow.__version__ == airflow.version.version == "2.10.5"


def test_importing_airflow_alone_imports_nothing_of_it():
    assert (
        run("import airflow, sys; print('pendulum' in sys.modules, 'orchestration.authoring.dag' in sys.modules)")
        == "False False"
    )


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("import airflow; print(airflow.utils.dates.cron_presets['@daily'])", "0 0 * * *"),
        ("import airflow.utils.dates as d; print(d.cron_presets['@daily'])", "0 0 * * *"),
        ("from airflow.utils import dates; print(dates.cron_presets['@daily'])", "0 0 * * *"),
        ("from airflow.operators import bash; print(bash.BashOperator.__name__)", "BashOperator"),
        (
            "from airflow.models import *; print(DAG.__name__, Variable.__name__, ImportError.__name__)",
            "DAG Variable ImportError",
        ),
        ("from airflow import models; print(models.DAG.__name__)", "DAG"),
        ("import airflow as af; print(af.DAG is af.models.dag.DAG)", "True"),
        (
            "import airflow.models; print(hasattr(airflow.models, 'Nothing'), getattr(airflow.models, 'Nothing', 5))",
            "False 5",
        ),
        ("import airflow.operators.python as p; print('PythonOperator' in dir(p))", "True"),
        (
            "import importlib; print(importlib.import_module('airflow.sensors.base').PokeReturnValue(True).is_done)",
            "True",
        ),
        (
            "import importlib.util as u; print(bool(u.find_spec('airflow')), bool(u.find_spec('airflow.models.dag')))",
            "True True",
        ),
        ("from airflow.sdk import Asset, Dataset; print(Asset is Dataset)", "True"),
        (
            "from airflow.models.baseoperator import chain; from airflow.sdk import chain as c; print(chain is c)",
            "True",
        ),
        ("from airflow.utils.dates import datetime, timedelta; print(timedelta(1).days)", "1"),
        ("from airflow.utils.timezone import utc; print(utc)", "UTC"),
        ("from airflow.settings import AIRFLOW_HOME; print(AIRFLOW_HOME)", "/h"),
        ("from airflow.configuration import conf; print(conf.get('core', 'dags_folder'))", "/h/dags"),
    ],
)
def test_the_ways_of_writing_an_import(code, shown):
    assert run(code, AIRFLOW_HOME="/h") == shown


def test_a_function_stays_itself_when_the_module_of_its_name_is_imported():
    code = """
    import airflow.decorators.task_group
    from airflow.decorators import task_group
    from airflow.decorators.task_group import task_group as same
    print(callable(task_group) and task_group is same)
    """
    assert run(code) == "True"


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        ("from airflow.providers.amazon.aws.hooks.s3 import S3Hook", ModuleNotFoundError, "boto3"),
        (
            "from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator",
            ModuleNotFoundError,
            "library kubernetes",
        ),
        ("import airflow.providers.nobody.knows", ModuleNotFoundError, "airflow.providers.nobody"),
        (
            "from airflow.operators.bash import SmashOperator",
            ImportError,
            "airflow.operators.bash.SmashOperator is not provided",
        ),
        ("from airflow.operators.docker_operator import DockerOperator", ModuleNotFoundError, "call their library"),
        ("from airflow.models import Nothing", ImportError, "airflow.models.Nothing is not provided"),
        ("import airflow.nothing", ModuleNotFoundError, "airflow.nothing is not provided"),
        ("from airflow import Nothing", ImportError, "airflow.Nothing is not provided"),
        ("from airflow.jobs import BaseJob", ImportError, "remove the import"),
        ("from airflow.example_dags.libs.helper import print_stuff", ModuleNotFoundError, "set dags_folder"),
    ],
)
def test_what_is_not_provided_says_so_and_what_to_do(code, error, words):
    with pytest.raises(error, match=words) as raised:
        exec(code, {})
    assert "not provided by this system" in str(raised.value)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import airflow.operators.bash_operator", "Use airflow.operators.bash"),
        ("from airflow.operators.dummy import DummyOperator", "Use airflow.operators.empty.EmptyOperator"),
        ("from airflow.contrib.sensors.file_sensor import FileSensor", "Use airflow.sensors.filesystem"),
        ("from airflow import AirflowException", "Use airflow.exceptions.AirflowException"),
    ],
)
def test_deprecated_paths_and_names_warn(code, words):
    shown = run(f"""
    import warnings
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec({code!r}, {{}})
    for warning in caught:
        print(warning.category.__name__, warning.message)
    """)
    assert f"DeprecationWarning {code.split()[1].split('.')[0]}" in shown
    assert words in shown


def test_a_users_module_with_a_similar_name_is_his(tmp_path):
    (tmp_path / "airflow_plugins.py").write_text("x = 1")
    assert run("import airflow_plugins; print(airflow_plugins.x)", tmp_path) == "1"


@pytest.fixture
def real_airflow(tmp_path):
    """A folder like that of an installed Airflow with a provider."""
    package = tmp_path / "airflow"
    (package / "providers" / "acme" / "hooks").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('the real one')")
    (package / "providers" / "acme" / "hooks" / "acme.py").write_text(
        "from airflow.hooks.base import BaseHook\nclass AcmeHook(BaseHook): pass\n"
    )
    (package / "providers" / "http").mkdir()
    (package / "providers" / "http" / "__init__.py").write_text("raise RuntimeError('the real one')")
    return tmp_path


def test_an_installed_airflow_is_put_aside(real_airflow):
    assert run("import airflow; print(airflow.__version__)", real_airflow) == "2.10.5"
    code = """
    import sys, types
    from airflow.providers.http.hooks.http import HttpHook
    print(HttpHook.__module__)
    """
    assert run(code, real_airflow) == "orchestration.authoring.hooks.http"


def test_an_airflow_that_was_imported_is_replaced():
    code = """
    import sys, types
    sys.meta_path = [finder for finder in sys.meta_path if not isinstance(finder, alias.AirflowFinder)]
    sys.modules["airflow"] = types.ModuleType("airflow"); sys.modules["airflow.old"] = types.ModuleType("airflow.old")
    sys.modules["airflow_mine"] = types.ModuleType("airflow_mine")
    alias.install(); alias.install()
    import airflow, airflow_mine
    finders = [finder for finder in sys.meta_path if isinstance(finder, alias.AirflowFinder)]
    print(airflow.__version__, "airflow.old" in sys.modules, len(finders))
    """
    assert run(code) == "2.10.5 False 1"


def test_a_providers_own_files_are_found_on_the_path(real_airflow):
    code = "from airflow.providers.acme.hooks.acme import AcmeHook; print(AcmeHook.__mro__[1].__module__)"
    assert run(code, real_airflow) == "orchestration.authoring.hooks_base"


def test_airflows_examples_are_found_where_they_are_parsed(tmp_path):
    folder = tmp_path / "example_dags"
    (folder / "libs").mkdir(parents=True)
    (folder / "libs" / "helper.py").write_text("def print_stuff(): return 'stuff'")
    code = "from airflow.example_dags.libs.helper import print_stuff; print(print_stuff())"
    assert run(code, AIRFLOW__CORE__DAGS_FOLDER=str(folder)) == "stuff"
    assert run(code, folder) == "stuff"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("operators.bash.BashOperator", "airflow.operators.bash"),
        ("operators.callables.PythonOperator", "airflow.operators.python"),
        ("operators.virtualenv.ExternalPythonOperator", "airflow.operators.python"),
        ("operators.empty.EmptyOperator", "airflow.operators.empty"),
        ("operators.sql.SQLExecuteQueryOperator", "airflow.providers.common.sql.operators.sql"),
        ("operators.smtp.EmailOperator", "airflow.providers.smtp.operators.smtp"),
        ("operators.email.EmailOperator", "airflow.operators.email"),
        ("sensors.filesystem.FileSensor", "airflow.sensors.filesystem"),
        ("sensors.external_task.ExternalTaskMarker", "airflow.sensors.external_task"),
        ("timetables.interval.CronDataIntervalTimetable", "airflow.timetables.interval"),
        ("dag.DAG", "airflow.models.dag"),
        ("baseoperator.BaseOperator", "airflow.models.baseoperator"),
    ],
)
def test_a_class_is_shown_with_airflows_path(path, shown):
    module, _, name = path.rpartition(".")
    cls = getattr(importlib.import_module(f"orchestration.authoring.{module}"), name)
    assert alias.airflow_module(cls) == shown

    assert alias.airflow_module(type("Mine", (cls,), {"__module__": __name__})) == __name__


def test_every_operator_and_sensor_has_a_path_of_airflows():
    folder = Path(alias.__file__).parent
    from orchestration.authoring.baseoperator import BaseOperator

    for path in [*folder.glob("operators/*.py"), *folder.glob("sensors/*.py")]:
        module = importlib.import_module(f"orchestration.authoring.{path.parent.name}.{path.stem}")
        for cls in vars(module).values():
            is_operator = isinstance(cls, type) and issubclass(cls, BaseOperator) and cls.__module__ == module.__name__
            if is_operator and not cls.__name__.startswith(("_", "BasePythonVirtualenv")):
                assert alias.airflow_module(cls).startswith("airflow."), cls


def test_names_of_the_tables_can_be_used_when_a_file_is_parsed():
    from airflow.models import DagModel, Log, SlaMiss
    from airflow.settings import Session
    from airflow.utils.session import create_session, provide_session

    from orchestration.authoring.exceptions import AirflowException

    assert repr(Log.dttm < 5) == "Log.dttm < 5"
    assert {"model": SlaMiss, "column": SlaMiss.execution_date.desc()}
    assert DagModel.last_scheduled_run is not None

    @provide_session
    def count(dag_id, session=None):
        return session.query(Log).count()

    with pytest.raises(AirflowException, match=r"session.query is not there.*REST API"):
        count("d")
    with create_session() as session, pytest.raises(AirflowException, match="no access to the tables"):
        session.execute("select 1")
    Session().close()


def test_options_are_read_with_airflows_errors(monkeypatch):
    from airflow.configuration import conf
    from airflow.configuration import get_airflow_home as airflow_home
    from airflow.exceptions import AirflowConfigException

    monkeypatch.setenv("AIRFLOW__MINE__NUMBERS", "[1, 2]")
    assert conf.getjson("mine", "numbers") == [1, 2]
    assert conf.get("mine", "absent", fallback=None) is None
    assert conf.getint("mine", "absent", fallback=7) == 7
    assert conf.getboolean("core", "unit_test_mode") is False
    assert conf.get("CORE", "DAGS_FOLDER") == conf.get_mandatory_value("core", "dags_folder")
    assert conf.getlist("mine", "absent", fallback="a, b") == ["a", "b"]
    assert conf.get("core", "BASE_LOG_FOLDER") == conf.get("logging", "base_log_folder")
    assert conf.get("kubernetes", "NAMESPACE") == "default"
    assert conf.has_option("core", "sql_alchemy_conn") and not conf.has_option("core", "sql_alchemy")
    assert conf.get("scheduler", "child_process_log_directory") == f"{airflow_home()}/logs/scheduler"
    monkeypatch.setenv("AIRFLOW__CORE__REMOTE_LOGGING", "an old name that is set")
    assert conf.get("core", "remote_logging") == "an old name that is set"
    assert conf.has_section("core") and not conf.has_section("nonsense")
    assert conf.getsection("smtp")["smtp_port"] == 25
    assert conf.as_dict()["core"]["fernet_key"] == "< hidden >"
    for call in (
        lambda: conf.get("mine", "absent"),
        lambda: conf.getint("mine", "numbers"),
        lambda: conf.getimport("mine", "numbers"),
        lambda: conf.getjson("core", "dags_folder"),
    ):
        with pytest.raises(AirflowConfigException):
            call()


def test_a_decorator_is_taken_off_a_source():
    from airflow.utils.decorators import remove_task_decorator

    source = '@task.virtualenv(\n    requirements=["a(b)"],\n)\n@other\ndef f(): pass\n'
    assert remove_task_decorator(source, "@task.virtualenv") == "@other\ndef f(): pass\n"
    assert remove_task_decorator(source, "@task") == source
    assert remove_task_decorator("@task\ndef f(): pass\n", "@task") == "def f(): pass\n"


def test_plugins_are_loaded_once_and_their_macros_put_in_place(tmp_path):
    (tmp_path / "good.py").write_text(
        "from airflow.plugins_manager import AirflowPlugin\n"
        "def shout(text): return text.upper()\n"
        "class Good(AirflowPlugin):\n    name = 'good'\n    macros = [shout]\n"
        "    @classmethod\n    def on_load(cls): print('loaded')\n"
    )
    (tmp_path / "bad.py").write_text("class Plugin: 1 / 0")
    (tmp_path / "nameless.py").write_text(
        "from airflow.plugins_manager import AirflowPlugin\nclass N(AirflowPlugin): pass\n"
    )
    code = """
    import logging; logging.disable(logging.CRITICAL)
    from airflow import plugins_manager as p, macros
    p.integrate_macros_plugins(); p.ensure_plugins_loaded()
    import airflow.macros
    files = sorted(path.rsplit("/", 1)[1] for path in p.import_errors)
    print(macros.good.shout("hi"), files, p.get_plugin_info()[0]["macros"])
    """
    assert run(code, tmp_path, AIRFLOW__CORE__PLUGINS_FOLDER=str(tmp_path)).splitlines() == [
        "loaded",
        "HI ['bad.py', 'nameless.py'] ['good.shout']",
    ]


def test_a_run_is_triggered_by_the_old_functions():
    from airflow.api.client.local_client import Client
    from airflow.api.common.trigger_dag import trigger_dag

    from orchestration.authoring import store
    from tests.authoring.operators.support import MemoryStore

    mine: Any = MemoryStore()
    before = store.install(mine)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run_ = trigger_dag("d", run_id="r", conf='{"a": 1}', execution_date="2024-03-05T10:00:00+00:00")
            assert (run_.run_id, mine.runs[0]["conf"]) == ("r", {"a": 1})
            assert Client(None).trigger_dag("d", "q")["dag_run_id"] == "q"
    finally:
        store.install(before)
