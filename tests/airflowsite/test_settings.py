"""What the options make of Django's security settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def check(home: Path, **options: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    place = {"AIRFLOW_HOME": str(home), "DJANGO_SETTINGS_MODULE": "airflowsite.settings"}
    env = {**os.environ, **place, **{f"AIRFLOW__WEBSERVER__{k}": v for k, v in options.items()}}
    return subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_behind_a_proxy_with_https_nothing_is_left_to_harden(tmp_path):
    done = check(tmp_path, BASE_URL="https://airflow.example.org", ENABLE_PROXY_FIX="True")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("base_url", ["http://localhost:8080", "http://airflow.example.org"])
def test_without_https_the_check_says_what_is_missing(tmp_path, base_url):
    done = check(tmp_path, BASE_URL=base_url)
    assert done.returncode == 1
    assert "SESSION_COOKIE_SECURE" in done.stderr
