"""``dags trigger``, ``list-runs``, ``state``."""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from typing import Any

from orchestration import clients
from orchestration.clients.base import RunValue
from orchestration.errors import Invalid
from orchestration.management.cli.output import emit, given_ids


def conf_of(text: str | None) -> dict[str, Any] | None:
    """The JSON object that ``--conf`` holds, None for null and an empty text; raises Invalid for anything else."""
    if not text:
        return None
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"--conf takes JSON, and this is none: {error}.") from None
    if value is not None and not isinstance(value, dict):
        raise Invalid("""--conf takes a JSON object, such as '{"key": 1}'.""")
    return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON value")


def trigger(args: argparse.Namespace) -> None:
    """Make a run, or one of each DAG whose id is on standard input; what was made is shown also when one fails."""
    conf = conf_of(args.conf)
    client = clients.current()
    made: list[RunValue] = []
    try:
        for dag_id in given_ids(args.dag_id):
            run = client.trigger(
                dag_id,
                run_id=args.run_id,
                conf=conf,
                logical_date=args.exec_date,
                replace_microseconds=args.replace_microseconds,
            )
            made.append(run)
    except Exception:
        if made:
            emit(map(_created_row, made), args.output)
        raise
    emit(map(_created_row, made), args.output)


def _created_row(run: RunValue) -> dict[str, Any]:
    return {
        "conf": run.conf,
        "dag_id": run.dag_id,
        "dag_run_id": run.run_id,
        "data_interval_start": run.data_interval_start,
        "data_interval_end": run.data_interval_end,
        "end_date": run.end_date,
        "external_trigger": run.external_trigger,
        "last_scheduling_decision": run.last_scheduling_decision,
        "logical_date": run.logical_date,
        "run_type": run.run_type,
        "start_date": run.start_date,
        "state": run.state,
    }


def list_runs(args: argparse.Namespace) -> None:
    """The runs of a DAG, the latest first."""
    runs = clients.current().runs(args.dag_id, state=args.state, start=args.start_date, end=args.end_date)
    kept = (run for run in runs if not (args.no_backfill and run.run_type == "backfill"))
    emit(map(_listed_row, kept), args.output)


def _listed_row(run: RunValue) -> dict[str, Any]:
    return {
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "state": run.state,
        "execution_date": run.logical_date.isoformat(),
        "start_date": _text(run.start_date),
        "end_date": _text(run.end_date),
    }


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def state(args: argparse.Namespace) -> None:
    """The state of the run of a date with its conf; ``None`` without such a run."""
    date = args.execution_date
    found = clients.current().runs(args.dag_id, start=date, end=date)
    if not found:
        print(None)
        return
    print(found[0].state + (f", {json.dumps(found[0].conf)}" if found[0].conf else ""))
