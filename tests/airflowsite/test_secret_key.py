"""The signing key."""

from __future__ import annotations

import stat

import pytest

from airflowsite.secret_key import KNOWN_SAMPLES, secret_key
from orchestration.conf import ConfigError


def test_two_fresh_installations_have_different_keys(tmp_path, monkeypatch):
    monkeypatch.delenv("AIRFLOW__WEBSERVER__SECRET_KEY", raising=False)
    keys = []
    for name in ("one", "two"):
        monkeypatch.setenv("AIRFLOW_HOME", str(tmp_path / name))
        keys += [secret_key(), secret_key()]
        assert stat.S_IMODE((tmp_path / name / "secret.key").stat().st_mode) == 0o600
    assert keys[0] == keys[1] != keys[2] == keys[3]
    assert min(map(len, keys)) >= 48


@pytest.mark.parametrize("key", sorted(KNOWN_SAMPLES | {"short"}))
def test_a_known_or_short_key_is_refused(key, monkeypatch):
    monkeypatch.setenv("AIRFLOW__WEBSERVER__SECRET_KEY", key)
    with pytest.raises(ConfigError, match="token_urlsafe"):
        secret_key()
