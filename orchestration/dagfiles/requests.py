"""What others ask of the DAG processor by rows: files to be parsed now, callbacks to be run."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from orchestration.dagfiles.callbacks import MAIL_FAILED
from orchestration.dagfiles.protocol import CallbackJob, Limits, ParseResult
from orchestration.errors import NotFound
from orchestration.models import CallbackRequest, ParseRequest, SlaMiss, TaskInstance, versions
from orchestration.states import TaskInstanceState

log = logging.getLogger(__name__)

#: Callback requests taken at once.
_BATCH = 50
#: A request that was claimed so long ago and is still there belonged to a processor that died.
_CLAIM_EXPIRES = timedelta(minutes=10)


def take_parse_requests() -> list[str]:
    """The files asked for since the last call, oldest first; their rows go. Archives stand for their modules."""
    rows = list(ParseRequest.objects.order_by("created_at", "pk"))
    if rows:
        ParseRequest.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return [row.fileloc for row in rows]


@dataclass(slots=True)
class Callbacks:
    """The callbacks this processor has claimed and not yet run, and those that run."""

    mailer: str = ""
    _waiting: deque[CallbackRequest] = field(default_factory=deque)
    _running: dict[int, list[int]] = field(default_factory=dict)  # id of the job → keys of its requests

    def fetch(self) -> None:
        """Claim a batch of open requests, the weightiest first."""
        if self._waiting:
            return
        now = datetime.now(UTC)
        with transaction.atomic():
            CallbackRequest.objects.filter(claimed_at__lt=now - _CLAIM_EXPIRES).exclude(
                pk__in=[key for keys in self._running.values() for key in keys]
            ).update(claimed_at=None)
            query = CallbackRequest.objects.filter(claimed_at=None).order_by("-priority_weight", "pk")
            rows = list(
                query.select_for_update(skip_locked=connection.features.has_select_for_update_skip_locked)[:_BATCH]
            )
            CallbackRequest.objects.filter(pk__in=[row.pk for row in rows]).update(claimed_at=now)
        self._waiting.extend(rows)

    def next(self, limits: Limits) -> CallbackJob | None:
        """All waiting callbacks of one file as a job; None if there are none."""
        if not self._waiting:
            return None
        path = self._waiting[0].fileloc
        mine = [row for row in self._waiting if row.fileloc == path]
        self._waiting = deque(row for row in self._waiting if row.fileloc != path)
        requests = [{"kind": row.kind, "data": _data_of(row)} for row in mine]
        job = CallbackJob(_file_of(path), str(Path(path).parent), limits, requests, self.mailer)
        self._running[id(job)] = [row.pk for row in mine]
        return job

    def finished(self, job: CallbackJob, result: ParseResult, *, lost: bool) -> None:
        """A callback job is over: its rows go. Callbacks run at most once, so those of a lost job are not run again."""
        keys = self._running.pop(id(job), [])
        CallbackRequest.objects.filter(pk__in=keys).delete()
        for text in result.errors.values():
            log.error("Callbacks of %s failed: %s", job.path, text)
        if lost:
            log.error("Callbacks of %s were cut off.", job.path)
        else:
            _mark_told(job, result)
        if result.output.strip():
            log.info("Callbacks of %s printed:\n%s", job.path, result.output.strip())


def _file_of(fileloc: str) -> str:
    """The file to load for a DAG's ``fileloc``: the archive of a module within one."""
    path = Path(fileloc)
    return next((str(parent) for parent in path.parents if parent.is_file()), fileloc)


def _data_of(row: CallbackRequest) -> dict[str, Any]:
    """The request's data; for SLAs with the misses nobody was told of, and the task instances that are not done."""
    if row.kind != CallbackRequest.Kind.SLA:
        return dict(row.data)
    misses = list(SlaMiss.objects.filter(dag=row.data["dag_id"], notification_sent=False))
    dates = {miss.logical_date for miss in misses}
    unfinished = TaskInstance.objects.filter(dag_id=row.data["dag_id"], run__logical_date__in=dates)
    unfinished = unfinished.exclude(state=TaskInstanceState.SUCCESS).select_related("run")
    return {
        **row.data,
        "misses": [
            {
                "dag_id": miss.dag_id,
                "task_id": miss.task_id,
                "execution_date": miss.logical_date.isoformat(),
                "timestamp": miss.timestamp.isoformat(),
                "description": miss.description,
                "email_sent": miss.email_sent,
                "notification_sent": miss.notification_sent,
            }
            for miss in misses
        ],
        "blocking": [
            {
                "dag_id": ti.dag_id,
                "task_id": ti.task_id,
                "run_id": ti.run.run_id,
                "map_index": ti.map_index,
                "state": ti.state or None,
                "execution_date": ti.run.logical_date.isoformat(),
            }
            for ti in unfinished
        ],
    }


def _mark_told(job: CallbackJob, result: ParseResult) -> None:
    """Note the SLA misses that the job's callbacks were told of, and whether they were mailed."""
    for request in job.requests:
        misses = request["data"].get("misses", ())
        if not misses:
            continue
        dag_id = request["data"]["dag_id"]
        is_mailed = MAIL_FAILED not in result.errors.get(f"sla {dag_id}", "") and _is_mailed(dag_id, misses)
        for miss in misses:
            SlaMiss.objects.filter(
                dag=miss["dag_id"], task_id=miss["task_id"], logical_date=miss["execution_date"]
            ).update(notification_sent=True, email_sent=is_mailed)


def _is_mailed(dag_id: str, misses: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a task of these has an address."""
    try:
        tasks = versions.current(dag_id).tasks
    except (NotFound, ValueError):
        return False
    return any(tasks[miss["task_id"]].email for miss in misses if miss["task_id"] in tasks)
