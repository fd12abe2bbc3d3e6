"""Everything on one machine: web server, scheduler, DAG processor and triggerer under one parent.

The parent loads Django once and forks the parts, which so share its memory; before, it has forked a nursery, in which
there is no Django, for what runs user code. A part that ends is started again, later and later if it keeps ending.
SIGINT or SIGTERM ends all of them, and then the parent.
"""

from __future__ import annotations

import gc
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from types import FrameType

import setproctitle
from django.core.management import call_command
from django.db import connections, transaction
from django.utils import timezone

from airflowsite.webserver import WebOptions, load_application
from orchestration.conf import conf
from orchestration.management.cli.files import unwritable
from orchestration.processes import kernel, programs

log = logging.getLogger(__name__)

#: Seconds that parts have to end by themselves.
GRACE_SECONDS = 30.0
#: A part that lived so long starts again at once when it ends.
STABLE_SECONDS = 60.0
LONGEST_PAUSE_SECONDS = 60.0


@dataclass
class Part:
    """One process of the system: how to run it, and how it fares."""

    name: str
    run: Callable[[], None]
    pid: int | None = None
    started_at: float = 0.0
    failures: int = 0
    start_at: float = field(default=0.0)

    def start(self) -> None:
        """Fork and run; returns in the parent only."""
        sys.stdout.flush()
        sys.stderr.flush()
        connections.close_all()
        try:
            pid = os.fork()
        except OSError as error:
            pause = self._plan_start(0.0)
            log.error("%s cannot start (%s); next try in %.0f s. More processes: ulimit -u", self.name, error, pause)
            return
        if pid:
            self.pid, self.started_at = pid, time.monotonic()
            return
        status = 1
        try:
            os.setsid()
            kernel.end_with_parent(signal.SIGTERM)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            setproctitle.setproctitle(f"airflowsite {self.name}")
            self.run()
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else (0 if end.code is None else 1)
        except KeyboardInterrupt:
            status = 130
        except BaseException:
            log.exception("%s ended with an error", self.name)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def ended(self, status: int) -> None:
        """Plan the next start."""
        lived = time.monotonic() - self.started_at
        self.pid = None
        pause = self._plan_start(lived)
        log.error("%s ended with status %s after %.0f s; it starts again in %.0f s", self.name, status, lived, pause)

    def _plan_start(self, lived: float) -> float:
        """Start later, the later the more often it did not live for long; in how many seconds."""
        self.failures = 0 if lived > STABLE_SECONDS else self.failures + 1
        pause = 0.0 if self.failures == 0 else min(LONGEST_PAUSE_SECONDS, 2.0 ** (self.failures - 1))
        self.start_at = time.monotonic() + pause
        return pause


class Standalone:
    """The parent of all parts."""

    def __init__(self, parts: Mapping[str, Callable[[], None]]) -> None:
        self.parts = [Part(name, run) for name, run in parts.items()]
        self.is_stopping = False

    def run(self) -> None:
        """Start the parts and keep them until a signal comes."""
        signal.signal(signal.SIGINT, self._stop)
        signal.signal(signal.SIGTERM, self._stop)
        _load_all()
        gc.collect()
        gc.freeze()  # what is loaded stays shared: the collector does not touch its pages in the parts
        while not self.is_stopping:
            for part in self.parts:
                if part.pid is None and not self.is_stopping and time.monotonic() >= part.start_at:
                    part.start()
            self._reap()
            time.sleep(0.2)
        self._end_all()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self.is_stopping = True

    def _reap(self) -> None:
        for part in self.parts:
            if part.pid is None:
                continue
            pid, status = os.waitpid(part.pid, os.WNOHANG)
            if pid:
                part.ended(os.waitstatus_to_exitcode(status))
        nursery = programs.nursery
        if nursery is not None and os.waitpid(nursery.pid, os.WNOHANG)[0]:
            log.error("The nursery ended; from now on fresh interpreters take its place")
            nursery.close()
            programs.nursery = None

    def _end_all(self) -> None:
        print("Stopping …", flush=True)
        self._signal_all(signal.SIGTERM)
        limit = time.monotonic() + GRACE_SECONDS
        while any(part.pid for part in self.parts) and time.monotonic() < limit:
            self._forget_ended()
            time.sleep(0.05)
        self._signal_all(signal.SIGKILL)
        for part in self.parts:
            if part.pid is not None:
                log.error("%s did not end in %.0f s and was killed", part.name, GRACE_SECONDS)
                os.waitpid(part.pid, 0)
        if programs.nursery is not None:
            programs.nursery.close()
            os.kill(programs.nursery.pid, signal.SIGKILL)  # what it forked has ended with the parts
            os.waitpid(programs.nursery.pid, 0)
        print("Stopped.", flush=True)

    def _forget_ended(self) -> None:
        for part in self.parts:
            if part.pid is not None and os.waitpid(part.pid, os.WNOHANG)[0]:
                part.pid = None

    def _signal_all(self, number: signal.Signals) -> None:
        for part in self.parts:
            if part.pid is not None:
                os.kill(part.pid, number)


#: What the parts import when they run.
_LOADED = (
    "orchestration.dagfiles.manager",
    "orchestration.execution.executors.local",
    "orchestration.execution.supervisor",
    "orchestration.execution.triggerer",
    "orchestration.management.commands.dag_processor",
    "orchestration.management.commands.scheduler",
    "orchestration.management.commands.triggerer",
    "orchestration.management.commands.webserver",
    "orchestration.scheduling.loop",
)


def _load_all() -> None:
    """Do in the parent what the parts would all do: what is imported and made here is shared by them."""
    for module in _LOADED:
        import_module(module)
    load_application()
    _rehearse()


def _rehearse() -> None:
    """Write, change, join and delete a row once, and leave none: Django makes a good deal at the first use."""
    from orchestration.models import Job, TaskInstance

    now = timezone.now()
    with transaction.atomic():
        job = Job.objects.create(job_type="rehearsal", start_date=now, latest_heartbeat=now, pid=os.getpid())
        Job.objects.filter(pk=job.pk).update(end_date=now)
        list(TaskInstance.objects.filter(pk=0).select_related("run", "run__dag"))
        job.delete()
        transaction.set_rollback(True)
    connections.close_all()


def first_login() -> tuple[str, str] | None:
    """The first administrator and the password, made now; None when there are users already.

    The password is also kept in ``$AIRFLOW_HOME/standalone_admin_password.txt`` (mode 0600).
    """
    from django.contrib.auth.models import Group

    from orchestration.models import User

    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(12)
    user = User.objects.create_superuser("admin", "admin@example.com", password, first_name="Admin", last_name="User")
    user.groups.set(Group.objects.filter(name="Admin"))
    path = password_file()
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password + "\n")
    return user.username, password


def password_file() -> Path:
    """Where the first administrator's password is kept."""
    return conf.home / "standalone_admin_password.txt"


def parts() -> dict[str, Callable[[], None]]:
    """Each part's name and how to run it, in a process of its own."""
    return {name: partial(_command, name) for name in ("webserver", "scheduler", "dag_processor", "triggerer")}


def _command(name: str) -> None:
    call_command(name)


def run() -> None:
    """Migrate, make the first login, say where to go, and run everything until a signal comes."""
    folder = conf.path("core", "dags_folder")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    except OSError as error:
        raise unwritable(folder, error, "Make that folder, or name another in [core] dags_folder.") from None
    call_command("migrate", verbosity=0, interactive=False)
    login = first_login()
    options = WebOptions.configured()
    print(f"airflowsite is starting in {conf.home}", flush=True)
    print(f"  DAG files:   {folder}", flush=True)
    print(f"  Operators:   {options.address}/admin/", flush=True)
    print(f"  API:         {options.address}/api/v1/   (documents: {options.address}/api/v1/ui/)", flush=True)
    if login is not None:
        print(f"  First login: {login[0]} / {login[1]}   (kept in {password_file()})", flush=True)
    else:
        print(f"  Login:       as before (the first password is kept in {password_file()})", flush=True)
    Standalone(parts()).run()
