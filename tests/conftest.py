"""What all tests share: the database's address for child processes, and a clean slate between tests."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings

from orchestration.authoring import secrets
from orchestration.conf import conf
from tests.factories import DagRunFactory

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell lets what it starts in the background ignore Ctrl-C, and so would each process that a test interrupts.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Also point the processes that tests start to the tests' database."""
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = _database_url()


def _database_url() -> str:
    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        return f"sqlite:///{database['NAME']}"
    login = f"{database['USER']}:{database['PASSWORD']}" if database["PASSWORD"] else database["USER"]
    return f"postgresql://{login}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


@pytest.fixture
def airflow_home() -> Path:
    """``AIRFLOW_HOME`` of the tests and of the processes they start."""
    return conf.home


@pytest.fixture
def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


@pytest.fixture(autouse=True)
def _runs_are_dated_from_the_start() -> None:
    """Runs of a test begin at the factory's first day: dates that went on from test to test would reach the future."""
    DagRunFactory.reset_sequence()


@pytest.fixture(autouse=True)
def _options_are_read_anew() -> Iterator[None]:
    yield
    conf.reload()


@pytest.fixture(autouse=True)
def _secrets_are_forgotten() -> Iterator[None]:
    """What one test took for a secret is not masked in the texts of another."""
    yield
    secrets.reset()
