"""Database URLs."""

from __future__ import annotations

import pytest

from airflowsite.databases import database
from orchestration.conf import ConfigError


def test_sqlite_takes_the_path_and_writes_ahead():
    settings = database("sqlite:////var/data/a%20b.db")
    assert settings["NAME"] == "/var/data/a b.db"
    assert settings["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in settings["OPTIONS"]["init_command"]


@pytest.mark.parametrize("scheme", ["postgresql+psycopg2", "postgresql", "postgres"])
def test_postgres_is_read_in_all_its_spellings(scheme):
    settings = database(f"{scheme}://us%40er:p%2Fw@db.example:6543/name?sslmode=require")
    assert settings["ENGINE"].endswith("postgresql")
    assert [settings[k] for k in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
        "us@er",
        "p/w",
        "db.example",
        "6543",
        "name",
    ]
    assert settings["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize("url", ["mysql://h/n", "nonsense", ""])
def test_other_databases_are_refused_with_what_to_write(url):
    with pytest.raises(ConfigError, match="postgresql://"):
        database(url)
