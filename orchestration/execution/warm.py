"""Processes without Django from which tasks are forked.

One *zygote* per supervisor imports what every DAG file needs. It forks a *warm parent* for each DAG file, which imports
the file and forks one process for each try: a try costs a fork, not an interpreter's start nor the file's import.

The supervisor holds a datagram-like socket to the zygote and one to each warm parent. Messages are JSON:
to the zygote ``{"warm": n, "path": …}`` with two descriptors (the new parent's control socket, a store socket for the
import); to a parent ``{"try": n}`` with the try's socket, or ``{"retire": true}``. They answer ``{"pid": …}``,
``{"exit": [pid, wait status]}``, ``{"ready": {file: [mtime, size, inode]}}``, ``{"orphans": [pid, …]}``.
When a socket closes, the other side is gone: everything below ends.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from setproctitle import setproctitle

from orchestration.authoring import alias, preload, secrets, store
from orchestration.authoring.compat import plugins_manager
from orchestration.authoring.loading import LoadedFile, load_dag_file
from orchestration.conf import OPTIONS, conf
from orchestration.execution import ties
from orchestration.execution.store_client import SocketStore
from orchestration.processes import kernel

#: Loaded once by the zygote, beside what DAG files import.
PRELOADED = ("orchestration.execution.runner",)
_LONGEST_MESSAGE = 65536
#: Seconds that the zygote leaves its children to end by themselves.
_GRACE = 5.0

Fingerprint = dict[str, list[int]]


def main(descriptor: int, supervisor_pid: int) -> None:
    """The zygote: serve until the supervisor's end of the socket closes."""
    ties.die_with_parent(os.getppid())
    kernel.adopt_orphans()
    setproctitle(ties.zygote_title(supervisor_pid))
    prepare_imports()
    preload.load(*PRELOADED)
    preload.load_airflow()
    mask_options()
    _rehearse()
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=descriptor)

    def take(message: dict[str, Any], descriptors: list[int]) -> None:
        warm_socket, store_socket = (socket.socket(fileno=each) for each in descriptors)
        family.fork(message["warm"], lambda: _warm_parent(message["path"], warm_socket, store_socket))
        warm_socket.close()
        store_socket.close()

    family = _Family(control)
    _tell(control, {"started": True})
    family.serve(take)
    family.wait_for_all(_GRACE)


def prepare_imports() -> None:
    """The import path of DAG files, as in Airflow: the DAGs folder, the configuration's, the plugins'."""
    folders = [conf.path("core", "dags_folder"), conf.home / "config", conf.path("core", "plugins_folder")]
    sys.path.extend(str(folder) for folder in folders if str(folder) not in sys.path)
    alias.install()
    plugins_manager.integrate_macros_plugins()


def mask_options() -> None:
    """Keep the installation's own secrets out of logs of tasks that print their environment."""
    for option in OPTIONS:
        if option.sensitive and (value := conf.get(option.section, option.key)):
            secrets.mask_secret(value)
            if (password := value.partition("://")[2].rpartition("@")[0].partition(":")[2]) != "":
                secrets.mask_secret(password)


def _rehearse() -> None:
    """Run a task that does nothing, so that whatever is loaded or made at the first use is there before the forks."""
    from orchestration.authoring.dag import DAG
    from orchestration.authoring.operators.python import PythonOperator
    from orchestration.execution.runner import Run
    from orchestration.execution.task_log import TaskLog

    moment = datetime(2024, 1, 1, tzinfo=UTC)
    with DAG("rehearsal", schedule=None, start_date=moment) as dag:
        PythonOperator(task_id="task", python_callable=len, op_args=["{{ ds }}"])
    ids = {"dag_id": "rehearsal", "run_id": "rehearsal"}
    document = {
        "ti": {**ids, "task_id": "task", "map_index": -1, "try_number": 1, "start_date": moment.isoformat()},
        "run": {**ids, "id": 0, "run_type": "manual", "logical_date": moment.isoformat()},
        "dag": {"fileloc": ""},
    }
    variables = dict(os.environ)
    task_log = TaskLog(os.devnull)
    task_log.start()
    try:
        Run(document, LoadedFile({"rehearsal": dag}), _DeafStore()).run()
    finally:
        task_log.stop()
    os.environ.clear()
    os.environ.update(variables)


class _DeafStore:
    """Takes everything and has nothing."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: None


def _warm_parent(path: str, control: socket.socket, store_socket: socket.socket) -> None:
    """Import the file, then fork a process for each try until told to retire."""
    kernel.adopt_orphans()
    setproctitle(f"airflowsite warm parent {path}")
    _quiet()
    store.install(SocketStore(store_socket))
    from orchestration.execution import runner  # imported by the zygote

    before = stamp_of(archive_of(path))
    loaded = load_dag_file(archive_of(path), seconds=conf.getfloat("core", "dagbag_import_timeout"))
    store.install(store.EnvironmentStore())
    store_socket.close()
    stamps = fingerprint(path)
    if before is not None:
        stamps[archive_of(path)] = before  # a change during the import makes this parent stale
    if loaded.errors and not loaded.dags:
        stamps[archive_of(path)] = [0, 0, 0]  # no file is so: the next try imports it anew, with more memory perhaps
    _tell(control, {"ready": stamps})
    runner.prepare(loaded)
    gc.collect()
    gc.freeze()
    family = _Family(control)

    def take(message: dict[str, Any], descriptors: list[int]) -> None:
        if message.get("retire"):
            family.retire()
            return
        with socket.socket(fileno=descriptors[0]) as try_socket:
            family.fork(message["try"], lambda: _task(try_socket, loaded, control))

    family.serve(take)
    family.end_all()


def _task(sock: socket.socket, loaded: LoadedFile, control: socket.socket) -> None:
    """One try, in a session of its own."""
    from orchestration.execution.runner import run_try  # imported by the zygote

    control.close()
    os.setsid()
    os._exit(run_try(sock, loaded))


class _Family:
    """The children of this process: forks them for requests on a socket, and says when they end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: set[int] = set()
        self._orphans: set[int] = set()
        self._is_retiring = False
        self._wakeup_reader, self._wakeup_writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's, meant for the system's own processes
        signal.set_wakeup_fd(self._wakeup_writer, warn_on_full_buffer=False)

    def fork(self, number: int, child: Callable[[], None]) -> None:
        """Start ``child`` in a process of its own, which never comes back here."""
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            reason = f"No process could be started ({error}). Allow more processes: ulimit -u"
            _tell(self._control, {"number": number, "failed": reason})
            return
        if pid == 0:
            try:
                ties.die_with_parent(parent)
                self._leave()
                child()
            finally:
                os._exit(1)
        self._children.add(pid)
        _tell(self._control, {"number": number, "pid": pid})

    def _leave(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.close(self._wakeup_reader)
        os.close(self._wakeup_writer)

    def serve(self, take: Callable[[dict[str, Any], list[int]], None]) -> None:
        """Answer requests until the socket closes, or after retiring until the last child ended."""
        poller = select.poll()
        poller.register(self._control, select.POLLIN)
        poller.register(self._wakeup_reader, select.POLLIN)
        while not (self._is_retiring and not self._children):
            for descriptor, _ in poller.poll():
                if descriptor == self._wakeup_reader:
                    self._reap()
                    continue
                try:
                    data, descriptors, _, _ = socket.recv_fds(self._control, _LONGEST_MESSAGE, 4)
                except ConnectionResetError:
                    return
                if not data:
                    return
                take(orjson.loads(data), descriptors)

    def retire(self) -> None:
        """End when the last child has."""
        self._is_retiring = True

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakeup_reader, 4096)
        for pid, status in kernel.reaped():
            self._orphans.discard(pid)
            if pid in self._children:
                self._children.discard(pid)
                self._report_orphans()
                _tell(self._control, {"exit": [pid, status]})

    def _report_orphans(self) -> None:
        """Tell of children that were adopted: what tries left behind."""
        orphans = kernel.children() - self._children
        if orphans - self._orphans:
            _tell(self._control, {"orphans": sorted(orphans)})
        self._orphans = orphans

    def end_all(self) -> None:
        """Kill the children and their sessions, and what was adopted."""
        for pid in [*self._children, *kernel.children()]:
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(OSError):
                    kill(pid, signal.SIGKILL)

    def wait_for_all(self, seconds: float) -> None:
        """Leave the children some time to end."""
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        with contextlib.suppress(ChildProcessError):
            while True:
                os.waitpid(-1, 0)


def archive_of(path: str) -> str:
    """The file to import for a DAG's ``fileloc``: for ``archive.zip/module.py`` the archive."""
    if os.path.exists(path):  # noqa: PTH110 asked before each fork
        return path
    return next((str(parent) for parent in Path(path).parents if parent.is_file()), path)


def fingerprint(path: str) -> Fingerprint:
    """What must stay the same for the import to be fresh: the file, and the modules it took from beside it.

    Beside it is: below the folders of DAGs and plugins, and below the file's own.
    """
    folders = (conf.path("core", "dags_folder"), conf.path("core", "plugins_folder"), Path(archive_of(path)).parent)
    roots = tuple(f"{folder}{os.sep}" for folder in folders)
    files = {archive_of(path)}
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and file.startswith(roots):
            files.add(archive_of(file))
    return {file: stamp for file in sorted(files) if (stamp := stamp_of(file)) is not None}


def stamp_of(file: str) -> list[int] | None:
    """Modification time in nanoseconds, size and inode; None for a file that is not there."""
    try:
        status = os.stat(file)  # noqa: PTH116 asked before each fork
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size, status.st_ino]


def _tell(control: socket.socket, message: dict[str, Any]) -> None:
    try:
        control.send(orjson.dumps(message))
    except OSError:
        os._exit(1)  # nobody is left to work for


def _quiet() -> None:
    """What a DAG file prints while it is imported belongs to no try."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
