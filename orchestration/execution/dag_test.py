"""``dag.test()``: run a DAG object once, in this process, from a script or a debugger. Installs itself on import."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import django
from django.apps import apps

if not apps.ready:  # in a bare script
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "airflowsite.settings")
    django.setup()

from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from orchestration.authoring import runner_port
from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.loading import LoadedFile
from orchestration.authoring.timezone import coerce_datetime
from orchestration.execution.in_process import run_dag
from orchestration.models import versions
from orchestration.models.dag import Dag, DagVersion
from orchestration.models.dag_run import DagRun, generate_run_id
from orchestration.serialization.decode import decode_dag
from orchestration.serialization.encode import encode_dag
from orchestration.states import DagRunState, DagRunType

#: What decides a run: scheduling stands beside this package, so it is named.
ADVANCE = "orchestration.scheduling.progress.advance"


def test(
    dag: Any,
    execution_date: datetime | None = None,
    run_conf: dict[str, Any] | None = None,
    conn_file_path: str | None = None,
    variable_file_path: str | None = None,
    use_executor: bool = False,
    mark_success_pattern: Any = None,
    session: Any = None,
) -> DagRun:
    """Run the DAG for a logical date (default: now) and give the run as it ended; an earlier run of that date goes.

    The files are JSON or YAML, name → value. Raises AirflowException with ``use_executor``.
    """
    if use_executor:
        raise AirflowException("dag.test() runs tasks in this process only. Trigger the DAG to use the executor.")
    pattern = getattr(mark_success_pattern, "pattern", mark_success_pattern)
    dag.validate()
    run = prepare(dag, execution_date or timezone.now(), run_conf or {})
    with _variables(_read(variable_file_path), _read(conn_file_path)):
        return run_dag(run, LoadedFile({dag.dag_id: dag}), advance=advance, mark_success_pattern=pattern)


@transaction.atomic
def advance(run: DagRun) -> None:
    """Decide the run, as the scheduler does, also where its DAG is paused.

    The switch is on within this transaction only: no scheduler ever sees it.
    """
    dag = Dag.objects.filter(pk=run.dag_id)
    is_paused = dag.select_for_update().values_list("is_paused", flat=True).get()
    dag.update(is_paused=False)
    import_string(ADVANCE)([run.pk], now=timezone.now())
    dag.update(is_paused=is_paused)


@transaction.atomic
def prepare(dag: Any, logical_date: datetime, conf: Any) -> DagRun:
    """A fresh running run of the DAG object, with its task instances.

    A DAG that nobody knew is kept as a paused one that no file defines, so that no scheduler takes its tasks.
    """
    document = encode_dag(dag)
    row, _ = Dag.objects.get_or_create(
        dag_id=dag.dag_id,
        defaults={
            "fileloc": dag.fileloc,
            "is_active": False,
            "is_paused": True,
            "dag_display_name": dag.dag_display_name,
        },
    )
    version = _version(row, document)
    moment = coerce_datetime(logical_date)
    interval = dag.timetable.infer_manual_data_interval(run_after=moment)
    DagRun.objects.filter(dag=row, logical_date=moment).delete()
    now = timezone.now()
    run = DagRun.objects.create(
        dag=row,
        run_id=generate_run_id(DagRunType.MANUAL, moment),
        run_type=DagRunType.MANUAL,
        state=DagRunState.RUNNING,
        logical_date=moment,
        data_interval_start=interval.start,
        data_interval_end=interval.end,
        queued_at=now,
        start_date=now,
        external_trigger=False,
        conf=conf,
        dag_version=version,
    )
    run.create_task_instances(versions.serialized(version.pk))
    return run


def _version(row: Dag, document: Any) -> DagVersion:
    """The DAG's present version if it has this form, else one for this test."""
    current = row.current_version
    if current is not None and current.document == json.loads(json.dumps(document)):
        return current
    last = DagVersion.objects.filter(dag=row).order_by("-number").values_list("number", flat=True).first() or 0
    version = DagVersion.objects.create(dag=row, number=last + 1, digest="dag.test()", document=document)
    versions.remember(version, decode_dag(document))
    return version


def _read(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    text = Path(path).read_text()
    if path.endswith((".yaml", ".yml")):
        import yaml  # only for those who write YAML

        found = yaml.safe_load(text)
    else:
        found = json.loads(text)
    if not isinstance(found, dict):
        raise AirflowException(f"{path} must be a mapping of names to values.")
    return found


@contextlib.contextmanager
def _variables(variables: Mapping[str, Any], connections: Mapping[str, Any]) -> Iterator[None]:
    """Put both into the environment, which is asked before the tables."""
    given = {f"AIRFLOW_VAR_{key.upper()}": _text(value) for key, value in variables.items()}
    given |= {f"AIRFLOW_CONN_{key.upper()}": _text(value) for key, value in connections.items()}
    before = dict(os.environ)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


runner_port.install(test=test)
