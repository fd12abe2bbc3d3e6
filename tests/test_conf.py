"""Options: where a value is looked for, and what is refused."""

from __future__ import annotations

import stat
import warnings
from pathlib import Path

import pytest

from orchestration.authoring.compat.configuration import OTHER_DEFAULTS
from orchestration.conf import OPTIONS, RENAMED, TABLE, ConfigError, Configuration, _warn


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path))
    monkeypatch.delenv("AIRFLOW_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def conf(home: Path, monkeypatch: pytest.MonkeyPatch) -> Configuration:
    monkeypatch.delenv("AIRFLOW__CORE__PARALLELISM", raising=False)
    return Configuration()


def test_an_option_falls_back_to_its_default(conf: Configuration, home: Path):
    assert conf.getint("core", "parallelism") == 32
    assert conf.path("logging", "base_log_folder") == home / "logs"


def test_the_file_wins_over_the_default_and_the_environment_over_the_file(conf, home, monkeypatch):
    (home / "airflow.cfg").write_text("[core]\nparallelism = 7\n")
    assert conf.getint("core", "parallelism") == 7
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "9")
    assert conf.getint("core", "parallelism") == 9


def test_former_names_are_those_of_options_there_are():
    assert set(RENAMED.values()) <= {*TABLE, *OTHER_DEFAULTS}
    assert not set(RENAMED) & {*TABLE, *OTHER_DEFAULTS}


@pytest.mark.parametrize(("before", "now"), RENAMED.items(), ids=".".join)
def test_an_option_is_found_under_the_name_it_had_before(conf, home, monkeypatch, before, now):
    monkeypatch.delenv(f"AIRFLOW__{now[0]}__{now[1]}".upper(), raising=False)
    section, key = before
    (home / "airflow.cfg").write_text(f"[{section}]\n{key} = 7\n")
    assert conf.raw(*now) == ("7", "airflow.cfg")
    assert before not in list(conf.keys()), "what is shown has one name"
    monkeypatch.setenv(f"AIRFLOW__{section}__{key}".upper(), "8")
    assert conf.raw(*now) == ("8", "env var")


def test_the_environment_wins_over_the_file_whichever_name_is_used_and_the_name_of_now_over_the_former_one(
    conf, home, monkeypatch
):
    monkeypatch.delenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", raising=False)
    (home / "airflow.cfg").write_text(
        "[database]\nsql_alchemy_conn = sqlite:////now\n[core]\nsql_alchemy_conn = sqlite:////was\n"
    )
    assert conf.get("database", "sql_alchemy_conn") == "sqlite:////now"
    monkeypatch.setenv("AIRFLOW__CORE__SQL_ALCHEMY_CONN", "sqlite:////old-variable")
    assert conf.get("database", "sql_alchemy_conn") == "sqlite:////old-variable"
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "sqlite:////variable")
    assert conf.get("database", "sql_alchemy_conn") == "sqlite:////variable"


def test_a_command_for_the_former_name_of_a_sensitive_option_is_run(conf, monkeypatch):
    monkeypatch.delenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", raising=False)
    monkeypatch.setenv("AIRFLOW__CORE__SQL_ALCHEMY_CONN_CMD", "echo sqlite:////said")
    assert conf.raw("database", "sql_alchemy_conn") == ("sqlite:////said", "cmd")


def test_a_former_name_is_told_of_with_the_name_of_now(conf, monkeypatch):
    monkeypatch.delenv("AIRFLOW__SCHEDULER__PARSING_PROCESSES", raising=False)
    monkeypatch.setenv("AIRFLOW__SCHEDULER__MAX_THREADS", "3")
    _warn.cache_clear()
    with pytest.warns(FutureWarning, match="AIRFLOW__SCHEDULER__PARSING_PROCESSES"):
        assert conf.getint("scheduler", "parsing_processes") == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        conf.getint("scheduler", "parsing_processes")


def test_options_outside_the_table_are_found_in_file_and_environment(conf, home, monkeypatch):
    (home / "airflow.cfg").write_text("[mine]\ncolour = blue\n")
    monkeypatch.setenv("AIRFLOW__MINE__SHAPE", "round")
    assert conf.get("mine", "colour") == "blue"
    assert conf.get("mine", "shape") == "round"
    assert ("mine", "colour") in set(conf.keys())


def test_an_unknown_option_says_which_variable_sets_it(conf):
    with pytest.raises(ConfigError, match="AIRFLOW__MINE__SIZE"):
        conf.get("mine", "size")
    assert conf.get("mine", "size", "small") == "small"
    assert not conf.has_option("mine", "size")


def test_a_percent_sign_in_the_file_is_text(conf, home):
    (home / "airflow.cfg").write_text("[logging]\nlog_format = %(message)s 100%\n")
    assert conf.get("logging", "log_format") == "%(message)s 100%"


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("t", True), ("1", True), ("f", False), ("0", False), ("FALSE # no", False)]
)
def test_truth_values_are_read_as_airflow_reads_them(conf, monkeypatch, text, value):
    monkeypatch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", text)
    assert conf.getboolean("core", "load_examples") is value


@pytest.mark.parametrize("getter", ["getint", "getfloat", "getboolean"])
def test_a_value_of_another_type_is_refused_with_its_name(conf, monkeypatch, getter):
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "many")
    with pytest.raises(ConfigError, match=r"\[core\] parallelism"):
        getattr(conf, getter)("core", "parallelism")


def test_a_secret_may_come_from_a_command(conf, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY_CMD", "printf of-a-command")
    assert conf.raw("core", "fernet_key") == ("of-a-command", "cmd")


def test_a_failing_command_is_an_error_without_its_output(conf, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY_CMD", "sh -c 'echo canary; exit 3'")
    with pytest.raises(ConfigError, match="ended with 3") as error:
        conf.get("core", "fernet_key")
    assert "canary" not in str(error.value)


def test_a_command_is_not_run_for_an_option_that_is_no_secret(conf, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM_CMD", "printf 5")
    assert conf.getint("core", "parallelism") == 32


def test_a_broken_file_is_named(conf, home):
    (home / "airflow.cfg").write_text("parallelism = 1\n")
    with pytest.raises(ConfigError, match=r"airflow\.cfg"):
        conf.get("core", "parallelism")


def test_a_kept_key_is_made_once_and_readable_by_its_owner_only(conf, home):
    first = conf.kept_key("a.key", lambda: b"one")
    assert (first, conf.kept_key("a.key", lambda: b"two")) == ("one", "one")
    assert stat.S_IMODE((home / "a.key").stat().st_mode) == 0o600
    assert [path.name for path in home.iterdir()] == ["a.key"]


def test_every_option_is_listed_once_has_a_meaning_and_a_default_of_its_type():
    assert len(TABLE) == len(OPTIONS)
    for option in OPTIONS:
        assert option.meaning.endswith("."), option
        if option.type == "integer":
            int(option.default)
        elif option.type == "float":
            float(option.default)
        elif option.type == "boolean":
            assert option.default in {"True", "False"}, option
