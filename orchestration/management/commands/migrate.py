"""``manage.py migrate``: Django's, by one process at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.core.management.commands import migrate
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

#: PostgreSQL's number of the lock: any that nobody else takes in this database.
_LOCK: Final = 7_206_481_135
_WAITING: Final = "Another process makes this database's tables; this one waits until it is done."


class Command(migrate.Command):
    """See the module. Several that are started together wait for each other; the later ones find nothing to do."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate while nobody else does. A process that is killed leaves no lock."""
        connection = connections[options["database"]]
        alone = _alone_on_postgresql if connection.vendor == "postgresql" else _alone_on_sqlite
        with alone(connection):
            super().handle(*args, **options)


@contextlib.contextmanager
def _alone_on_postgresql(connection: BaseDatabaseWrapper) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if cursor.fetchone() != (True,):
            print(_WAITING, file=sys.stderr, flush=True)
            cursor.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


@contextlib.contextmanager
def _alone_on_sqlite(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """The lock is on the file's folder: one on the file itself would take SQLite's own locks with it."""
    folder = Path(str(connection.settings_dict["NAME"])).absolute().parent
    if not folder.is_dir():  # what is wrong with it says who opens the file
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(_WAITING, file=sys.stderr, flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
