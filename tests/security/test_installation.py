"""What an installation is like before anybody configures it, and what it is made of (SECURITY 3, 4, 5, 7)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.hashers import get_hashers
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from orchestration.conf import TABLE, ConfigError, Configuration
from orchestration.models import User
from orchestration.services import users
from tests.people import Api, person

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted((ROOT / "orchestration" / "sample_dags").rglob("*.py"))
PROGRAM = [
    path
    for package in ("airflowsite", "api_experimental", "api_v1", "orchestration")
    for path in (ROOT / package).rglob("*.py")
]
BAD_MODULES = {"pickle", "marshal", "shelve", "dill", "xmlrpc"}
BAD_CALLS = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen"}
#: Where the program runs what a DAG author wrote, or reads what Airflow wrote, on purpose.
RUNS_USER_CODE = ("orchestration/authoring/", "orchestration/sample_dags/", "orchestration/execution/")


def test_nothing_is_open_that_an_operator_did_not_open():
    closed = {
        ("api", "enable_experimental_api"): "False",
        ("api", "access_control_allow_origins"): "",
        ("api", "enable_xcom_deserialize_support"): "False",
        ("core", "load_examples"): "False",
        ("core", "test_connection"): "Disabled",
        ("webserver", "enable_proxy_fix"): "False",
        ("webserver", "expose_config"): "False",
    }
    assert {name: TABLE[name].default for name in closed} == closed


@pytest.mark.django_db
def test_there_is_no_account_by_default():
    assert not User.objects.exists()


def test_a_configuration_file_that_everybody_may_change_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "airflow.cfg"
    file.write_text("[core]\nparallelism = 3\n")
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    file.chmod(0o640)
    assert Configuration().getint("core", "parallelism") == 3
    file.chmod(0o666)
    with pytest.raises(ConfigError, match="chmod o-w"):
        Configuration().getint("core", "parallelism")


def test_no_sample_puts_a_run_s_values_into_a_command():
    """A run's id, conf and params reach a shell in its environment only, where it does not read them as a command."""
    templated = []
    for path in SAMPLES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg in {"bash_command", "sql", "command"}:
                templated += [path.name] if "{{" in ast.unparse(node.value) else []
    assert templated == []
    assert any("bash_command" in path.read_text() for path in SAMPLES)


def test_no_line_of_the_program_reads_code_out_of_data():
    assert len(PROGRAM) > 300
    found = {
        (str(path.relative_to(ROOT)), what)
        for path in PROGRAM
        if not str(path.relative_to(ROOT)).startswith(RUNS_USER_CODE)
        for what in _dangers(ast.parse(path.read_text()))
    }
    assert found == {("orchestration/management/moving/values.py", "pickle")}  # without any class: see its reader


def _dangers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from {each.name.partition(".")[0] for each in names} & BAD_MODULES
            case ast.ImportFrom(module=str(module)):
                yield from {module.partition(".")[0]} & BAD_MODULES
            case ast.Call(func=function, keywords=keywords):
                yield from {ast.unparse(function)} & BAD_CALLS
                yield from {"shell" for each in keywords if each.arg == "shell" and ast.unparse(each.value) == "True"}


def test_the_pins_are_exact_and_django_is_a_supported_release():
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if line and not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[A-Za-z0-9._-]+(\[[\w,]+\])?==[\w.+!-]+( ?;.*)?", pin)] == []
    assert tuple(int(part) for part in version("django").split(".")[:2]) >= (5, 2)


def test_passwords_are_hashed_slowly_and_hashed_anew_where_they_are_not():
    shipped = [hasher for hasher in get_hashers() if "MD5" not in type(hasher).__name__]  # that one is the tests'
    assert (shipped[0].algorithm, shipped[0].memory_cost >= 19_456, shipped[0].time_cost >= 2) == ("argon2", True, True)


class TestPasswordRules:
    @pytest.fixture(autouse=True)
    def _twelve(self, settings):
        name = "django.contrib.auth.password_validation"
        settings.AUTH_PASSWORD_VALIDATORS = [
            {"NAME": f"{name}.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
            {"NAME": f"{name}.CommonPasswordValidator"},
        ]

    @pytest.mark.django_db
    @pytest.mark.parametrize("password", ["too-small", "elevenchars", "password1234", "qwertyuiop123"])
    def test_what_is_short_or_common_is_refused_on_every_road(self, password):
        with pytest.raises(ValidationError):
            validate_password(password)
        api = Api(person("Admin"))
        body = {"username": "new", "email": "new@example.org", "password": password}
        answer = api.post("/users", body)
        assert answer.status_code == 400
        assert password not in answer.content.decode()
        assert api.patch(f"/users/{person('Viewer').username}", {"password": password}).status_code == 400
        assert not User.objects.filter(username="new").exists()

    @pytest.mark.django_db
    def test_a_long_password_counts_to_its_last_letter(self):
        long = "x" * 200 + "ä" * 28
        user = users.create(actor=None, username="new", email="new@example.org", password=long)
        assert user.check_password(long)
        assert not user.check_password(long[:-1])
        assert not user.check_password(long[:72])


def test_the_options_set_the_rules():
    assert ("webserver", "password_minimum_length") in TABLE
    assert ("webserver", "password_refuse_common") in TABLE
    names = [rule["NAME"] for rule in settings.AUTH_PASSWORD_VALIDATORS]
    assert names[-1] == "orchestration.access.passwords.EndAccessOnChange"
