"""One task run in this process for a look at it: it reads the tables, and leaves nothing there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone

from orchestration.authoring import store
from orchestration.authoring.context import for_task_instance, set_current_context
from orchestration.authoring.dagrun import DagRun
from orchestration.authoring.loading import LoadedFile
from orchestration.authoring.store import XComValue
from orchestration.authoring.taskinstance import TaskInstance
from orchestration.clients.local import find_run
from orchestration.clients.moments import as_moment
from orchestration.errors import Invalid, NotFound
from orchestration.execution import store_server, trigger_runner
from orchestration.execution.in_process import DatabaseStore, logs_to_stdout
from orchestration.execution.runner import Run
from orchestration.models import DagRun as DagRunRow
from orchestration.processes.hosts import hostname

log = logging.getLogger("airflow.task")


class TrialStore(DatabaseStore):
    """Reads the tables; XComs, notes and rendered fields that the task leaves are kept in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.xcoms: dict[tuple[str, str, str, int, str], XComValue] = {}

    def set_xcom(
        self, dag_id: str, run_id: str, task_id: str, map_index: int, key: str, value: str, length: int | None = None
    ) -> None:
        """Keep an XCom."""
        self.xcoms[dag_id, run_id, task_id, map_index, key] = XComValue(
            dag_id=dag_id,
            run_id=run_id,
            task_id=task_id,
            map_index=map_index,
            key=key,
            value=value,
            timestamp=timezone.now().isoformat(),
        )

    def delete_xcoms(self, dag_id: str, run_id: str, task_id: str, map_index: int, key: str | None = None) -> None:
        """Forget kept XComs; those in the tables stay."""
        mine = (dag_id, run_id, task_id, map_index)
        for place in [place for place in self.xcoms if place[:4] == mine and key in {None, place[4]}]:
            del self.xcoms[place]

    def get_xcoms(self, *, dag_id: str, key: str | None = None, **which: Any) -> list[XComValue]:
        """The kept XComs that are asked for, then those of the tables."""
        run_id, task_ids, indexes = which.get("run_id"), which.get("task_ids"), which.get("map_indexes")
        kept = [
            value
            for value in self.xcoms.values()
            if value["dag_id"] == dag_id
            and key in {None, value["key"]}
            and run_id in {None, value["run_id"]}
            and (task_ids is None or value["task_id"] in task_ids)
            and (indexes is None or value["map_index"] in indexes)
        ]
        found: list[XComValue] = store_server.call(None, "get_xcoms", (), {"dag_id": dag_id, "key": key, **which})
        return [*kept, *found]

    def set_note(self, note: str | None) -> None:
        """Notes of trials are not kept."""


class _Errors(logging.Handler):
    """Keeps the last exception that was logged: a run tells only its text."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.last: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1] is not None:
            self.last = record.exc_info[1]


class Trial:
    """One instance of a task, in the run that ``word`` names (id or date), else in one that is made up for a date."""

    def __init__(self, dag: Any, task_id: str, word: str | None, *, map_index: int = -1) -> None:
        self._dag = dag
        self._task_id = task_id
        self._store = TrialStore()
        self.error: BaseException | None = None
        row = _row_of(dag.dag_id, word)
        run = store_server.run_value(row) if row is not None else _made_up(dag, word)
        self._document: dict[str, Any] = {
            "ti": {
                "dag_id": dag.dag_id,
                "run_id": run["run_id"],
                "task_id": task_id,
                "map_index": map_index,
                "try_number": 1,
                "max_tries": 0,
                "hostname": hostname(),
                "start_date": timezone.now().isoformat(),
            },
            "run": run,
            "dag": {"fileloc": dag.fileloc, "version": None},
        }

    def rendered(self) -> dict[str, Any]:
        """The template fields by name, rendered."""
        with self._installed():
            task = self._dag.get_task(self._task_id).prepare_for_execution()
            instance = TaskInstance.of(self._document, task, DagRun.of(self._document["run"], self._dag))
            context = for_task_instance(instance)
            with set_current_context(context):
                instance.render_templates(context=context, jinja_env=self._dag.get_template_env())
            done = instance.task
            return {name: getattr(done, name) for name in done.template_fields}

    def run(self, loaded: LoadedFile) -> Mapping[str, Any]:
        """Run the task to its end, its log on standard output; triggers run here, too, and waits are waited for."""
        with self._installed(), logs_to_stdout(), self._errors_kept():
            while True:
                result = Run(self._document, loaded, self._store, is_test=True).run()
                if result["state"] == "deferred":
                    self._resume(result["deferral"])
                elif result["state"] == "up_for_reschedule":
                    until = datetime.fromisoformat(result["reschedule_at"])
                    time.sleep(max(0.0, (until - datetime.now(UTC)).total_seconds()))
                else:
                    return result

    def _resume(self, deferral: Mapping[str, Any]) -> None:
        ti = self._document["ti"]
        log.info("The trigger runs here: %s", deferral["classpath"])
        wanted = {
            "id": 0,
            "classpath": deferral["classpath"],
            "kwargs": deferral["trigger_kwargs"],
            "ti": {**ti, "logical_date": self._document["run"]["logical_date"]},
        }
        answer = asyncio.run(trigger_runner.fire(wanted))
        ti["next_method"] = deferral["next_method"]
        kwargs = dict(deferral["next_kwargs"] or {})
        if "fired" in answer:
            kwargs["event"] = answer["payload"]
        ti["next_kwargs"] = kwargs
        log.info("[TASK TEST] Trigger completed")

    @contextmanager
    def _errors_kept(self) -> Iterator[None]:
        errors = _Errors()
        log.addHandler(errors)
        try:
            yield
        finally:
            log.removeHandler(errors)
            self.error = errors.last

    @contextmanager
    def _installed(self) -> Iterator[None]:
        before = store.install(self._store)
        try:
            yield
        finally:
            store.install(before)


def _row_of(dag_id: str, word: str | None) -> Mapping[str, Any] | None:
    if word is None:
        return None
    try:
        run = find_run(dag_id, word)
    except NotFound:
        return None
    row: Mapping[str, Any] = DagRunRow.objects.filter(pk=run.pk).values(*store_server.RUN_COLUMNS).get()
    return row


def _made_up(dag: Any, word: str | None) -> Any:
    """A run that is in no table. Raises Invalid for a word that is neither a run's id nor a date."""
    moment = timezone.now() if word is None else as_moment(word)
    if moment is None:
        raise Invalid(f"{word!r} is neither the id of a run of {dag.dag_id} nor a date.")
    interval = dag.timetable.infer_manual_data_interval(run_after=moment)
    now = timezone.now().isoformat()
    return {
        "id": 0,
        "dag_id": dag.dag_id,
        "run_id": f"__airflow_temporary_run_{now}__",
        "run_type": "manual",
        "state": "running",
        "logical_date": moment.isoformat(),
        "data_interval_start": interval.start.isoformat(),
        "data_interval_end": interval.end.isoformat(),
        "queued_at": now,
        "start_date": now,
        "end_date": None,
        "external_trigger": True,
        "conf": {},
        "note": None,
    }
