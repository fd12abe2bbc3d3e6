"""A parser: the process that imports one DAG file and tells what is in it.

Forked by the warm parent for one job, with nothing inherited but its channel (descriptor 3) and its output. Whatever
the file does to this process, the DAG processor sees a result, an end or a time limit, and the file's error says which.
"""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import socket
import sys
import time
import zipfile
from datetime import datetime
from importlib.util import decode_source
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from orchestration.authoring import store
from orchestration.authoring.loading import LoadedFile, load_dag_file
from orchestration.conf import conf
from orchestration.dagfiles.channel import Channel, ChannelStore
from orchestration.dagfiles.protocol import SOURCE_KEPT, CallbackJob, Limits, ParseJob, read_job
from orchestration.dagfiles.shape import digests

if TYPE_CHECKING:
    from orchestration.authoring.dag import DAG

#: The descriptor of the channel.
CHANNEL = 3


def main() -> None:
    """Do the job that waits in the channel. The caller ends the process."""
    channel = Channel(socket.socket(fileno=CHANNEL))
    job = read_job(channel.receive())
    store.install(cast("store.Store", ChannelStore(channel)))
    _prepare(job)
    result = _parse(job, channel) if isinstance(job, ParseJob) else _call_back(job)
    sys.stdout.flush()
    sys.stderr.flush()
    channel.send({"result": result})


def _prepare(job: ParseJob | CallbackJob) -> None:
    """Import path, log, and limits, in the order that lets a failure be told."""
    with contextlib.suppress(OSError):
        os.chdir(conf.home)
    _extend_path(job.root)
    level = conf.get("logging", "logging_level").upper()
    logging.basicConfig(stream=sys.stderr, level=level, format=conf.get("logging", "log_format"), force=True)
    _limit(job.limits)


def _extend_path(root: str) -> None:
    folders = [conf.path("core", "dags_folder"), conf.home / "config", conf.path("core", "plugins_folder"), root]
    for folder in map(str, folders):
        if folder not in sys.path:
            sys.path.append(folder)


def _limit(limits: Limits) -> None:
    """Bound memory, and processor time somewhat above the time limit: the backstop where nobody kills in time."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if limits.memory_bytes:
        _lower(resource.RLIMIT_AS, limits.memory_bytes)
    _lower(resource.RLIMIT_CPU, int(limits.seconds) + 10)


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard == resource.RLIM_INFINITY or value < hard:
        resource.setrlimit(kind, (value, value))


def _parse(job: ParseJob, channel: Channel) -> dict[str, Any]:
    from orchestration.serialization.encode import encode_dag

    started = time.monotonic()
    loaded = load_dag_file(job.path, safe_mode=job.safe_mode, seconds=job.limits.import_seconds)
    dags = []
    for dag in loaded.dags.values():
        try:
            document = encode_dag(dag)
            shape, digest = digests(document)
            upcoming = _look_ahead(dag, job.last_intervals.get(dag.dag_id))
        except BaseException as error:
            loaded.errors[dag.fileloc] = f"{type(error).__name__}: {error}"
            logging.getLogger(__name__).exception("DAG %s cannot be serialised.", dag.dag_id)
            continue
        dags.append({"document": document, "shape": shape, "digest": digest, "upcoming": upcoming})
    return {
        "dags": dags,
        "errors": loaded.errors,
        "warnings": loaded.warnings,
        "sources": {dag.fileloc: _source(dag.fileloc) for dag in loaded.dags.values()},
        "modules": _modules_below([job.root, *_watched_folders()]),
        "asked": channel.has_asked,
        "seconds": time.monotonic() - started,
    }


def _look_ahead(dag: DAG, last: tuple[str, str] | None) -> Any:
    """What a user-written timetable says of the next runs; None for a timetable that the scheduler knows."""
    from orchestration.authoring.timetables import DataInterval, custom_part, time_restriction
    from orchestration.authoring.timetables.custom import look_ahead

    timetable = custom_part(dag.timetable)
    if timetable is None:
        return None
    import pendulum

    from orchestration.authoring.types import DagRunType

    interval: DataInterval | None = last and DataInterval(*map(datetime.fromisoformat, last))
    return look_ahead(
        timetable,
        last=interval,
        restriction=time_restriction(
            (dag.start_date, dag.end_date),
            [(task.start_date, task.end_date) for task in dag.tasks],
            catchup=dag.catchup,
        ),
        make_moment=pendulum.instance,
        run_type=DagRunType.SCHEDULED,
    )


def _call_back(job: CallbackJob) -> dict[str, Any]:
    from orchestration.dagfiles.callbacks import run_callbacks

    started = time.monotonic()
    loaded: LoadedFile = load_dag_file(job.path, seconds=job.limits.import_seconds)
    errors = dict(loaded.errors)
    errors.update(run_callbacks(loaded.dags, job.requests, mailer=job.mailer))
    return {
        "dags": [],
        "errors": errors,
        "warnings": [],
        "sources": {},
        "modules": [],
        "asked": False,
        "seconds": time.monotonic() - started,
    }


def _source(path: str) -> str:
    """The text of a file or of a module in an archive, as far as it can be read as text."""
    archive = next((str(parent) for parent in Path(path).parents if parent.is_file()), None)
    if archive is None:
        content = Path(path).read_bytes()
    else:
        with zipfile.ZipFile(archive) as opened:
            content = opened.read(os.path.relpath(path, archive))
    try:
        text = decode_source(content)
    except (SyntaxError, UnicodeDecodeError):
        text = content.decode(errors="replace")
    return text.replace("\0", "")[:SOURCE_KEPT]


def _watched_folders() -> list[str]:
    return [str(conf.path("core", "dags_folder")), str(conf.path("core", "plugins_folder"))]


def _modules_below(folders: list[str]) -> list[str]:
    """The files below these folders that were imported."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    parents = {Path(folder) for folder in folders}
    own = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 compared with texts
    return sorted(
        file
        for file in files
        if isinstance(file, str) and not file.startswith(own) and parents.intersection(Path(file).parents)
    )
