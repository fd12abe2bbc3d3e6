"""Backfills: what is sent, what is answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers

from api_v1.rows import Row
from api_v1.serializers.base import BodySerializer, Choice, FilledText, Moment, Object, Truth, Whole
from orchestration.models import Backfill
from orchestration.services.backfills import Action, Step
from orchestration.states import DagRunState

_REPROCESS = list(Backfill.Reprocess.values)
_DEFAULT_ACTIVE_RUNS = 10


class BackfillBody(BodySerializer):
    """A range of dates to run a DAG for."""

    dag_id = FilledText(help_text="The DAG to run.")
    from_date = Moment(help_text="The first logical date, included.")
    to_date = Moment(help_text="The last logical date, included.")
    run_backwards = Truth(required=False, default=False, help_text="The latest date first.")
    dag_run_conf = Object(required=False, help_text="The conf of the new runs.")
    reprocess_behavior = Choice(
        _REPROCESS,
        required=False,
        default=Backfill.Reprocess.NONE.value,
        help_text="What becomes of runs that exist: `none` leaves them, `failed` lets failed ones go on from what "
        "failed in them, `completed` runs finished ones anew.",
    )
    max_active_runs = Whole(
        required=False, min_value=1, default=_DEFAULT_ACTIVE_RUNS, help_text="How many of its runs may run at once."
    )
    dry_run = Truth(required=False, default=False, help_text="Only tell which runs would be made or run again.")


class BackfillAnswer(serializers.Serializer[Any]):
    """Backfill."""

    id = serializers.IntegerField()
    dag_id = serializers.CharField()
    from_date = serializers.DateTimeField()
    to_date = serializers.DateTimeField()
    dag_run_conf = serializers.DictField(help_text="The conf of the new runs.")
    is_paused = serializers.BooleanField(help_text="Whether it starts no run for now.")
    reprocess_behavior = serializers.ChoiceField(_REPROCESS)
    run_backwards = serializers.BooleanField()
    max_active_runs = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True, help_text="When the last of its runs ended.")
    cancelled_at = serializers.DateTimeField(allow_null=True, help_text="When it was told to start no more runs.")
    dag_run_states = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many of its runs are in each state."
    )


class BackfillCollection(serializers.Serializer[Any]):
    """Collection of backfills."""

    backfills = BackfillAnswer(many=True)
    total_entries = serializers.IntegerField()


class PlannedRunAnswer(serializers.Serializer[Any]):
    """A run that a backfill would make or run again."""

    dag_run_id = serializers.CharField()
    logical_date = serializers.DateTimeField()
    data_interval_start = serializers.DateTimeField()
    data_interval_end = serializers.DateTimeField()
    action = serializers.ChoiceField([Action.CREATE.value, Action.CLEAR.value])


class BackfillPlanAnswer(serializers.Serializer[Any]):
    """What a backfill would do."""

    dag_runs = PlannedRunAnswer(many=True, help_text="In the order in which they would start.")
    total_entries = serializers.IntegerField()
    left_as_they_are = serializers.IntegerField(help_text="Dates whose runs exist and would stay as they are.")


def backfill_row(backfill: Backfill, states: Mapping[str, int]) -> Row:
    """One backfill; ``states`` counts its runs."""
    return {
        "id": backfill.pk,
        "dag_id": backfill.dag_id,
        "from_date": backfill.from_date,
        "to_date": backfill.to_date,
        "dag_run_conf": backfill.dag_run_conf,
        "is_paused": backfill.is_paused,
        "reprocess_behavior": backfill.reprocess_behavior,
        "run_backwards": backfill.run_backwards,
        "max_active_runs": backfill.max_active_runs,
        "created_at": backfill.created_at,
        "updated_at": backfill.updated_at,
        "completed_at": backfill.completed_at,
        "cancelled_at": backfill.cancelled_at,
        "dag_run_states": {state.value: states.get(state, 0) for state in DagRunState},
    }


def plan_row(steps: Iterable[Step]) -> Row:
    """What a backfill would do."""
    found = list(steps)
    runs = [
        {
            "dag_run_id": step.run_id,
            "logical_date": step.info.logical_date,
            "data_interval_start": step.info.data_interval.start,
            "data_interval_end": step.info.data_interval.end,
            "action": step.action.value,
        }
        for step in found
        if step.action is not Action.LEAVE
    ]
    return {"dag_runs": runs, "total_entries": len(runs), "left_as_they_are": len(found) - len(runs)}
