"""The settings of the tests: a home of their own, and a database made for them.

The database is the one of ``TEST_DATABASE_URL``, else of ``AIRFLOW__DATABASE__SQL_ALCHEMY_CONN``, with ``test_`` before
its name; without either a SQLite file. Other options of the caller's environment are left out. It is a settings module
and no fixture because the options are read before any fixture runs.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_url = os.environ.get("TEST_DATABASE_URL") or os.environ.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
for _name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[_name]

#: Everything the tests write lies below.
HOME = Path(tempfile.mkdtemp(prefix="airflowsite-tests-"))
os.environ["AIRFLOW_HOME"] = str(HOME)
os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = _url or f"sqlite:///{HOME}/airflowsite.db"
for _folder in ("dags", "logs", "plugins"):
    (HOME / _folder).mkdir()


def _remove(owner: int = os.getpid()) -> None:
    if os.getpid() == owner:  # not in a process forked by a test
        shutil.rmtree(HOME, ignore_errors=True)


atexit.register(_remove)

from airflowsite.settings import *  # noqa: E402, F403 the environment had to be set first
from airflowsite.settings import DATABASES  # noqa: E402

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: processes that a test starts see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": str(HOME / "test.db")}
