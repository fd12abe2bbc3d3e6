"""Options, information, completion, keys and permissions; and how fast the program starts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from airflowsite import API_VERSION
from orchestration.access import roles
from orchestration.access.permissions import Pair, permission
from orchestration.conf import OPTIONS
from orchestration.models import Connection, ParseRequest, Variable
from tests.factories import ConnectionFactory, VariableFactory, make_dag

ROOT = Path(__file__).resolve().parents[2]


# options


def test_a_value_is_printed_and_an_unknown_option_is_a_1(run, monkeypatch):
    assert run("config", "get-value", "core", "executor").out == "LocalExecutor\n"
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    assert run("config", "get-value", "core", "executor").out == "CeleryExecutor\n"
    done = run("config", "get-value", "core", "nope")
    assert (done.status, done.err) == (1, "Section [core] has no option nope. `airflowsite config list` shows all.\n")


def test_a_value_that_cannot_be_read_is_told_as_what_it_is(run, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY_CMD", "false")
    done = run("config", "get-value", "core", "fernet_key")
    assert (done.status, done.err) == (
        1, "The command for [core] fernet_key ended with 1. Run it by hand to see why.\n",
    )  # fmt: skip


def test_sections_of_ones_own_are_listed_with_secrets_hidden(run, monkeypatch, tmp_path):
    from orchestration.conf import conf

    file = tmp_path / "airflow.cfg"
    file.write_text("[mine]\nopt = 5\npassword = S3CRET\n[core]\nother = 6\n")
    monkeypatch.setenv("AIRFLOW_CONFIG", str(file))
    conf.reload()
    try:
        done = run("config", "list", "--section", "mine", "-s")
        assert done.out.split("\n\n")[:2] == [
            "[mine]\n# Source: airflow.cfg\nopt = 5", "# Source: airflow.cfg\npassword = < hidden >",
        ]  # fmt: skip
        assert "\nother = 6\n" in run("config", "list", "--section", "core").out
        assert "mine" not in run("config", "list", "-a").out.split("[")
    finally:
        monkeypatch.undo()
        conf.reload()


def test_options_are_listed_as_a_file_with_secrets_hidden(run, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "S3CRET")
    out = run("config", "list").out
    assert "[core]\n" in out
    assert "fernet_key = < hidden >" in out
    assert "S3CRET" not in out
    assert "S3CRET" in run("config", "list", "--show-values").out
    assert all(f"{option.key} = " in out for option in OPTIONS)


def test_what_is_said_of_each_option(run, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__MAXIMUM_PAGE_LIMIT", "7")
    out = run("config", "list", "--section", "api", "-d", "-V", "-s", "-e").out
    assert "[core]" not in out
    assert "# Most rows one page of a list holds.\n" in out
    assert "# Source: env var\n# Variable: AIRFLOW__API__MAXIMUM_PAGE_LIMIT\nmaximum_page_limit = 7\n" in out
    assert "\n# maximum_page_limit = 7" in run("config", "list", "--section", "api", "-c").out
    defaults = run("config", "list", "--section", "api", "-a").out
    assert "# maximum_page_limit = 100" in defaults
    assert run("config", "list", "--section", "nope").status == 1
    assert "\x1b[" in run("config", "list", "--section", "api", "--color", "on").out


# information


def test_the_version_is_the_references(run):
    assert run("version").out == f"{API_VERSION}\n"


@pytest.mark.django_db
def test_information_hides_passwords_and_on_demand_names(run, monkeypatch):
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://me:S3CRET@h/db")
    parts = json.loads(run("info", "-o", "json").out)
    assert [next(iter(part)) for part in parts] == [
        "apache_airflow", "system_info", "tools_info", "paths_info", "providers_info",
    ]  # fmt: skip
    assert parts[0]["apache_airflow"]["sql_alchemy_conn"] == "postgresql://me:***@h/db"
    assert parts[0]["apache_airflow"]["version"] == API_VERSION
    assert "Apache airflow" in run("info").out
    assert str(Path.home()) not in run("info", "--anonymize", "-o", "json").out
    assert run("info", "--file-io").status == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("address", "shown", "anonymous"),
    [
        (
            "postgresql://me:S3/C:R@T@h:5432/db",
            "postgresql://me:***@h:5432/db",
            "postgresql://${LOGIN}@${HOST}:5432/db",
        ),
        ("postgresql://me@h/db?password=S3C&x=1", "postgresql://me@h/db?password=***&x=1", None),
        ("sqlite:////a/b:c@d.db", "sqlite:////a/b:c@d.db", None),
    ],
)
def test_an_address_is_shown_without_its_password(run, monkeypatch, address, shown, anonymous):
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", address)
    assert json.loads(run("info", "-o", "json").out)[0]["apache_airflow"]["sql_alchemy_conn"] == shown
    if anonymous:
        found = json.loads(run("info", "--anonymize", "-o", "json").out)
        assert found[0]["apache_airflow"]["sql_alchemy_conn"] == anonymous


def test_the_cheat_sheet_names_every_command(run):
    from orchestration.management.cli.tree import commands

    out = run("cheat-sheet").out
    for path, command in commands():
        assert (f"airflowsite {' '.join(path)} " in out) != command.is_hidden


@pytest.mark.django_db
def test_there_are_no_plugins(run):
    assert run("plugins").out == "No plugins loaded\n"


def test_the_plugins_of_the_folder_are_listed_as_in_the_reference(tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "p.py").write_text(
        "from airflow.plugins_manager import AirflowPlugin\n"
        "def shout(word): return word.upper()\n"
        "class Mine(AirflowPlugin):\n    name = 'mine'\n    macros = [shout]\n"
    )
    (folder / "broken.py").write_text("from airflow.plugins_manager import AirflowPlugin\nraise ValueError('no')\n")
    around = {"AIRFLOW_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "airflowsite.settings"}

    done = process("manage.py", "plugins", "-o", "json", **around)

    assert done.returncode == 0
    (row,) = json.loads(done.stdout)
    assert (row["name"], row["source"], row["macros"]) == ("mine", "$PLUGINS_FOLDER/p.py", ["p.shout"])
    assert row["listeners"] == []
    assert done.stderr == f"{folder}/broken.py cannot be loaded: no\n"
    table = process("manage.py", "plugins", **around).stdout
    assert "p.shout" in table
    assert "listeners" not in table


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("list", "package_name"),
        ("hooks", "connection_type"),
        ("triggers", "class"),
        ("executors", "executor_names"),
        ("notifications", "notification_class_name"),
        ("auth", "api_auth_backend_module"),
        ("auth-managers", "auth_managers_module"),
        ("links", "extra_link_class_name"),
    ],
)
def test_what_providers_bring_is_listed(run, name, column):
    rows = json.loads(run("providers", name, "-o", "json").out)
    assert rows
    assert all(row[column] for row in rows)


@pytest.mark.parametrize("name", ["behaviours", "configs", "logging", "secrets", "widgets"])
def test_what_no_provider_brings_is_an_empty_list(run, name):
    assert run("providers", name, "-o", "json").out == "[]\n"
    assert run("providers", name).out == "No data found\n"


def test_one_provider(run):
    (first, *_) = json.loads(run("providers", "list", "-o", "json").out)
    name = first["package_name"]
    assert json.loads(run("providers", "get", name, "-o", "json").out)[0]["Provider"] == name
    assert json.loads(run("providers", "get", name, "-f", "-o", "json").out)[0]["package-name"] == name
    assert run("providers", "get", "nope").status == 1


def test_no_provider_is_loaded_before_a_dag_file_asks_for_it():
    words = [sys.executable, "manage.py", "providers", "lazy-loaded"]
    assert subprocess.run(words, cwd=ROOT, capture_output=True, check=False).returncode == 0


# completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_knows_commands_and_options(run, shell):
    out = run("completion", shell).out
    for word in ("dags", "list-import-errors", "treat-dag-id-as-regex", "variables"):
        assert word in out
    assert run("completion", "tcsh").status == 2


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (["airflowsite", "dag"], {"dags", "dag-processor"}),
        (["airflowsite", "dags", "tr"], {"trigger"}),
        (["airflowsite", "dags", "trigger", "--no-re"], {"--no-replace-microseconds"}),
        (["airflowsite", "completion", "f"], {"fish"}),
    ],
)
def test_bash_completes(run, line, words):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = run("completion", "bash").out
    quoted = " ".join(f"'{word}'" for word in line)
    asked = f"COMP_WORDS=({quoted}); COMP_CWORD={len(line) - 1}; _airflowsite; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run([bash, "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == words


# keys and permissions


@pytest.mark.django_db
def test_secrets_are_encrypted_anew_with_the_newest_key(run, monkeypatch):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", old)
    VariableFactory(key="k", val="secret")
    ConnectionFactory(conn_id="c", password="hidden", extra='{"a": 1}')
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", f"{new},{old}")
    assert run("rotate-fernet-key").out == "2 rows were encrypted anew.\n"
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", new)
    assert Variable.objects.get().val == "secret"
    found = Connection.objects.get()
    assert (found.password, found.extra) == ("hidden", '{"a": 1}')


@pytest.mark.django_db
def test_built_in_roles_are_made_whole(run):
    from django.contrib.auth.models import Group

    roles.ensure_built_in()
    lost = permission(Pair("can_read", "Pools"))
    Group.objects.get(name="Viewer").permissions.remove(lost)
    assert run("sync-perm").status == 0
    assert lost in Group.objects.get(name="Viewer").permissions.all()
    make_dag(dag_id="d1")
    run("sync-perm", "--include-dags")
    assert ParseRequest.objects.count() == 1


# Kerberos


def test_a_ticket_needs_kinit(run, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    done = run("kerberos", "-o")
    assert (done.status, "krb5-user" in done.err) == (1, True)


@pytest.mark.kerberos
def test_a_ticket_is_got_from_a_keytab(run, monkeypatch, tmp_path):
    kdc = pytest.importorskip("tests.api_experimental.kdc").Kdc("HOME.TEST")
    try:
        kdc.start()
        kdc.add_service("airflow/host")
        for name, value in kdc.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AIRFLOW__KERBEROS__CCACHE", str(tmp_path / "ccache"))
        monkeypatch.setenv("AIRFLOW__KERBEROS__KEYTAB", str(kdc.keytab))
        assert run("kerberos", "airflow/host", "-o").status == 0
        assert (tmp_path / "ccache").exists()
        assert run("kerberos", "nobody/host", "-o").status == 1
    finally:
        kdc.stop()


# errors and start-up


@pytest.mark.django_db
def test_a_database_that_fails_is_a_sentence_and_no_trace(run, monkeypatch):
    from django.db import OperationalError

    def fail(*_: object) -> None:
        raise OperationalError("no such table: orchestration_pool")

    monkeypatch.setattr("orchestration.clients.local.LocalClient.pools", fail)
    done = run("pools", "list")
    assert done.status == 1
    assert done.err == (
        "The database lacks tables (no such table: orchestration_pool). Make them with: airflowsite db migrate\n"
    )


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["variables", "import", ""], "No file is named. - reads standard input.\n"),
        (["variables", "import", "/"], "/ is a folder. Name a file.\n"),
        (
            ["variables", "import", "/no/such/file"],
            "There is no file /no/such/file. Name another, or - for standard input.\n",
        ),
        (["pools", "export", ""], "No file is named. - writes to standard output.\n"),
        (["roles", "export", "/"], "/ cannot be written: Is a directory.\n"),
    ],
)
def test_a_file_that_is_none_is_told_as_what_it_is(run, words, said):
    done = run(*words)
    assert (done.status, done.out, done.err) == (1, "", said)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["x", "[]", "http://h", "{"])
def test_a_connection_in_json_is_an_object(run, text):
    done = run("connections", "add", "c", "--conn-json", text)
    assert (done.status, "--conn-json takes a JSON object" in done.err) == (1, True)
    assert not Connection.objects.exists()


@pytest.mark.django_db
def test_an_extra_that_is_no_json_is_told_in_a_line(run, tmp_path, caplog):
    ConnectionFactory(conn_id="c", extra="not json")
    done = run("connections", "export", str(tmp_path / "c.env"))
    assert done.status == 0
    assert "__extra__=not+json" in (tmp_path / "c.env").read_text()
    assert [record.exc_info for record in caplog.records if "is no JSON" in record.message] == [None]


def test_an_unknown_client_is_a_sentence(run, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CLI__API_CLIENT", "my.client")
    done = run("pools", "list")
    assert (done.status, "my.client" in done.err) == (1, True)


def process(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_version_is_answered_without_loading_anything():
    done = process("-X", "importtime", "-m", "airflowsite", "version")
    assert done.stdout == f"{API_VERSION}\n"
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert not {name for name in loaded if name.split(".")[0] in {"django", "orchestration", "argparse"}}


@pytest.mark.parametrize("words", [["--help"], ["dags", "--help"], ["dags", "list", "--nope"], ["config", "list"]])
def test_help_usage_errors_and_options_do_not_load_django(words):
    done = process("-X", "importtime", "-m", "airflowsite", *words)
    assert done.returncode in {0, 2}
    assert "| django" not in done.stderr.replace("|   ", "| ")
    assert " django.db" not in done.stderr


def test_commands_that_read_tables_load_only_the_apps_with_tables():
    script = (
        "from orchestration.management.cli.main import boot; from orchestration.management.cli.tree import Needs;"
        "boot(Needs.TABLES); import sys; from django.apps import apps;"
        "print('django.contrib.admin' in sys.modules, apps.is_installed('orchestration'))"
    )
    done = process("-c", script, DJANGO_SETTINGS_MODULE="airflowsite.settings")
    assert done.stdout == "False True\n", done.stderr


def test_manage_py_and_the_module_are_one_program():
    assert process("manage.py", "version").stdout == process("-m", "airflowsite", "version").stdout
    assert process("-m", "airflowsite", "--version").stdout.startswith("airflowsite ")
    assert process("manage.py", "nope").returncode == 2


@pytest.mark.django_db
def test_commands_are_djangos_too(capsys):
    import io

    from django.core.management import call_command

    out = io.StringIO()
    call_command("variables", "set", "k", "v", stdout=out)
    assert out.getvalue() == "Set the variable k\n"
    with pytest.raises(SystemExit) as end:
        call_command("variables", "get", "nope")
    assert end.value.code == 1


def test_everything_about_a_provider_has_the_references_members(run):
    (found,) = json.loads(run("providers", "get", "apache-airflow-providers-http", "--full", "-o", "json").out)
    assert list(found) == [
        "package-name", "name", "description", "state", "versions", "integrations", "operators", "sensors", "hooks",
        "triggers", "connection-types",
    ]  # fmt: skip
    assert found["name"] == "Hypertext Transfer Protocol (HTTP)"
    assert found["integrations"][0]["external-doc-url"] == "https://www.w3.org/Protocols/"
    assert found["operators"] == [
        {"integration-name": found["name"], "python-modules": ["airflow.providers.http.operators.http"]}
    ]
    assert found["connection-types"][0] == {
        "hook-class-name": "airflow.providers.http.hooks.http.HttpHook", "connection-type": "http",
    }  # fmt: skip
    (mail,) = json.loads(run("providers", "get", "apache-airflow-providers-smtp", "-f", "-o", "json").out)
    assert mail["notifications"] == ["airflow.providers.smtp.notifications.smtp.SmtpNotifier"]
