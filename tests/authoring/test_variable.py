"""Variables: the environment first, then the store."""

from __future__ import annotations

import json

import pytest

from orchestration.authoring import secrets, store
from orchestration.authoring.variable import Variable


def test_a_text_or_what_its_json_means(port):
    port.variables = {"a": "text", "j": '{"k": [1]}'}
    assert Variable.get("a") == "text"
    assert Variable.get("j", deserialize_json=True) == {"k": [1]}
    assert Variable.get("j") == '{"k": [1]}'


def test_the_environment_comes_first(port, monkeypatch, caplog):
    port.variables = {"key": "store"}
    monkeypatch.setenv("AIRFLOW_VAR_KEY", "environment")
    assert Variable.get("key") == "environment"
    Variable.set("key", "new")
    assert "AIRFLOW_VAR_KEY is set and read first" in caplog.text
    assert Variable.get("key") == "environment"


def test_a_missing_variable_is_an_error_unless_there_is_a_default(port):
    with pytest.raises(KeyError, match="There is no variable 'no'"):
        Variable.get("no")
    assert Variable.get("no", "default") == "default"
    assert Variable.get("no", default_var=None) is None
    assert Variable.get("no", default=5) == 5
    with pytest.raises(TypeError, match="nonsense"):
        Variable.get("no", nonsense=1)


def test_json_that_is_broken_is_an_error(port):
    port.variables = {"j": "{"}
    with pytest.raises(json.JSONDecodeError):
        Variable.get("j", default_var=1, deserialize_json=True)


def test_setting_updating_and_deleting(port):
    Variable.set("n", 5)
    assert port.variables["n"] == "5"
    Variable.set("j", {"a": 1}, serialize_json=True)
    assert Variable.get("j", deserialize_json=True) == {"a": 1}
    Variable.update("n", 6)
    assert Variable.get("n") == "6"
    with pytest.raises(KeyError):
        Variable.update("absent", 1)
    assert Variable.delete("n") == 1
    assert Variable.delete("n") == 0


def test_a_default_is_stored_once(port):
    assert Variable.setdefault("k", {"a": 1}, deserialize_json=True) == {"a": 1}
    assert Variable.setdefault("k", {"b": 2}, deserialize_json=True) == {"a": 1}
    with pytest.raises(ValueError, match="give another default"):
        Variable.setdefault("other", None)


def test_values_under_secret_names_are_hidden(port):
    port.variables = {"my_password": "hunter-22", "conf": '{"db": {"token": "tok-33"}, "x": "seen"}', "name": "shown"}
    for key in port.variables:
        Variable.get(key)
    assert secrets.redact("hunter-22 tok-33 seen shown") == "*** *** seen shown"
    assert "hunter" not in repr(Variable("my_password", "hunter-22"))


def test_a_bare_script_knows_the_environment_only(monkeypatch):
    monkeypatch.setattr(store, "_store", store.EnvironmentStore())
    monkeypatch.setenv("AIRFLOW_VAR_HERE", "yes")
    assert Variable.get("here") == "yes"
    assert Variable.get("absent", None) is None
    with pytest.raises(store.StoreError, match="needs a running system"):
        Variable.set("a", "b")
