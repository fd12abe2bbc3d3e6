"""The configuration as callers may see it."""

from __future__ import annotations

import pytest

from orchestration.conf import OPTIONS
from orchestration.errors import Forbidden, NotFound
from orchestration.services import configuration

SENSITIVE = [(option.section, option.key) for option in OPTIONS if option.sensitive]


@pytest.fixture
def exposed(monkeypatch):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG", "True")


@pytest.mark.parametrize(
    ("word", "is_exposed"),
    [("False", False), ("0", False), ("True", True), ("non-sensitive-only", True), ("Non-Sensitive-Only", True)],
)
def test_the_option_exposes_it(monkeypatch, word, is_exposed):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG", word)
    if is_exposed:
        assert configuration.sections()["core"]["parallelism"] == "32"
    else:
        for read in (configuration.sections, lambda: configuration.option("core", "parallelism")):
            with pytest.raises(Forbidden):
                read()


def test_it_is_not_exposed_by_default():
    with pytest.raises(Forbidden):
        configuration.sections()


@pytest.mark.parametrize(("section", "key"), SENSITIVE)
@pytest.mark.parametrize("word", ["True", "non-sensitive-only"])
@pytest.mark.parametrize("source", ["env", "cmd", "file"])
def test_a_sensitive_value_is_never_shown(monkeypatch, airflow_home, section, key, word, source):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__EXPOSE_CONFIG", word)
    name = f"AIRFLOW__{section.upper()}__{key.upper()}"
    monkeypatch.delenv(name, raising=False)
    file = airflow_home / "airflow.cfg"
    match source:
        case "env":
            monkeypatch.setenv(name, "S3CRET-canary")
        case "cmd":
            monkeypatch.setenv(f"{name}_CMD", "echo S3CRET-canary")
        case "file":
            file.write_text(f"[{section}]\n{key} = S3CRET-canary\n")
    from orchestration.conf import conf

    conf.reload()
    try:
        assert conf.get(section, key) == "S3CRET-canary"
        shown = configuration.sections()
        one = configuration.sections(section)
        alone = [configuration.option(s, k) for s, k in ((section, key), (section.upper(), key.upper()))]
        assert "S3CRET" not in str([shown, one, *alone]) + configuration.as_text(shown)
        assert shown[section][key] == "< hidden >"
        assert alone[1] == {section.upper(): {key.upper(): "< hidden >"}}
    finally:
        file.unlink(missing_ok=True)


def test_an_option_of_the_file_or_the_environment_beyond_the_table_is_not_there(exposed, monkeypatch):
    monkeypatch.setenv("AIRFLOW__MINE__SECRET", "S3CRET")
    assert "mine" not in configuration.sections()
    with pytest.raises(NotFound):
        configuration.option("mine", "secret")


@pytest.mark.parametrize("section", ["nope", "CORE", ""])
def test_a_section_is_asked_for_by_its_exact_name(exposed, section):
    with pytest.raises(NotFound):
        configuration.sections(section)


def test_one_section_is_shown_alone(exposed):
    assert list(configuration.sections("smtp")) == ["smtp"]


def test_options_without_a_value_are_left_out(exposed):
    assert "smtp_user" not in configuration.sections("smtp")["smtp"]


def test_the_text_is_the_file_s(exposed, monkeypatch):
    shown = {"a": {"x": "1", "y": ""}, "b": {"z": "2"}}
    assert configuration.as_text(shown) == "[a]\nx = 1\ny = \n\n[b]\nz = 2\n"
