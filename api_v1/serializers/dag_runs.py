"""DAG runs: what is sent, what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from api_v1.problems import bad_request
from api_v1.rows import Row, Shape
from api_v1.serializers.base import INT64_MAX, BodySerializer, Choice, Listing, Moment, Object, Text, Truth, Whole
from orchestration.models import DagRun
from orchestration.states import DagRunState

NOTE_LIMIT = 1000
STATES = [state.value for state in DagRunState]
#: What a caller may put a run into.
SETTABLE = ["success", "failed", "queued"]


def check_note(note: str) -> str:
    """Raise ValidationError for a note that is too long."""
    if len(note) > NOTE_LIMIT:
        raise serializers.ValidationError(f"Longer than maximum length {NOTE_LIMIT}.")
    return note


class DagRunAnswer(serializers.Serializer[Any]):
    """DAG run."""

    dag_run_id = serializers.CharField(allow_null=True, help_text="The id of the run, unique within its DAG.")
    run_id = serializers.CharField(read_only=True, help_text="The same as dag_run_id.")
    dag_id = serializers.CharField(read_only=True)
    logical_date = serializers.DateTimeField(allow_null=True, help_text="The moment the run is for.")
    execution_date = serializers.DateTimeField(allow_null=True, help_text="The old name of logical_date.")
    start_date = serializers.DateTimeField(read_only=True, allow_null=True)
    end_date = serializers.DateTimeField(read_only=True, allow_null=True)
    data_interval_start = serializers.DateTimeField(allow_null=True)
    data_interval_end = serializers.DateTimeField(allow_null=True)
    last_scheduling_decision = serializers.DateTimeField(read_only=True, allow_null=True)
    run_type = serializers.ChoiceField(["backfill", "manual", "scheduled", "dataset_triggered"], read_only=True)
    state = serializers.ChoiceField(STATES, read_only=True)
    external_trigger = serializers.BooleanField(read_only=True)
    conf = serializers.DictField(help_text="Any JSON object; tasks find it in their context.")
    note = serializers.CharField(allow_null=True)


class DagRunCollection(serializers.Serializer[Any]):
    """Collection of DAG runs."""

    dag_runs = DagRunAnswer(many=True)
    total_entries = serializers.IntegerField()


class TriggerBody(BodySerializer):
    """A run to be made."""

    unsettable = frozenset(
        {"dag_id", "start_date", "end_date", "last_scheduling_decision", "run_type", "state", "external_trigger"}
    )
    aliases = {"run_id": "dag_run_id"}

    dag_run_id = Text(
        required=False, allow_null=True, help_text="Made from the logical date when it is empty or not sent."
    )
    logical_date = Moment(required=False, allow_null=True, help_text="Now when it is not sent.")
    execution_date = Moment(required=False, allow_null=True, help_text="The old name of logical_date.")
    data_interval_start = Moment(required=False, allow_null=True, help_text="Both ends or none.")
    data_interval_end = Moment(required=False, allow_null=True, help_text="Both ends or none.")
    conf = Object(required=False, help_text="Values of the DAG's params, and anything else as JSON.")
    note = Text(required=False, allow_null=True, help_text="At most 1000 characters.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        sent = self.initial_data
        if "logical_date" in sent and "execution_date" in sent and sent["logical_date"] != sent["execution_date"]:
            raise bad_request(
                f"{sent['logical_date']!r} != {sent['execution_date']!r}",
                title="logical_date conflicts with execution_date",
            )
        nulls = [
            name for name in ("dag_run_id", "logical_date", "execution_date") if name in sent and sent[name] is None
        ]
        if nulls:
            name = "logical_date" if nulls[0] == "execution_date" else nulls[0]
            raise serializers.ValidationError({name: ["Field may not be null."]})
        if (attrs.get("data_interval_start") is None) != (attrs.get("data_interval_end") is None):
            raise serializers.ValidationError(
                "Both 'data_interval_start' and 'data_interval_end' must be specified together"
            )
        if attrs.get("note"):
            try:
                check_note(attrs["note"])
            except serializers.ValidationError as error:
                raise serializers.ValidationError({"note": error.detail}) from None
        return attrs


def trigger_arguments(data: Mapping[str, Any]) -> dict[str, Any]:
    """The service's arguments from a validated ``TriggerBody``."""
    start, end = data.get("data_interval_start"), data.get("data_interval_end")
    return {
        "run_id": data.get("dag_run_id") or None,
        "logical_date": data.get("logical_date") or data.get("execution_date") or timezone.now(),
        "data_interval": None if start is None or end is None else (start, end),
        "conf": data.get("conf"),
        "note": data.get("note"),
    }


class RunStateBody(BodySerializer):
    """A run's new state."""

    required_late = ("state",)

    state = Choice(SETTABLE, required=False, help_text="The state to put the run into.")


class ClearRunBody(BodySerializer):
    """How a run is cleared."""

    dry_run = Truth(required=False, default=True, help_text="Only tell what would be cleared.")


class RunNoteBody(BodySerializer):
    """A run's note."""

    required_late = ("note",)

    note = Text(required=False, validators=[check_note], help_text="At most 1000 characters.")


class RunBatchBody(BodySerializer):
    """Which runs to list."""

    order_by = Text(required=False)
    page_offset = Whole(required=False, min_value=0, max_value=INT64_MAX)
    page_limit = Whole(required=False, min_value=1, max_value=INT64_MAX, default=100)
    dag_ids = Listing(child=Text(), required=False)
    states = Listing(child=Text(), required=False)
    execution_date_gte = Moment(required=False)
    execution_date_lte = Moment(required=False)
    start_date_gte = Moment(required=False)
    start_date_lte = Moment(required=False)
    end_date_gte = Moment(required=False)
    end_date_lte = Moment(required=False)
    updated_at_gte = Moment(required=False, allow_null=True)
    updated_at_lte = Moment(required=False, allow_null=True)


def shown_conf(conf: Any) -> Any:
    """A run without conf shows an empty object."""
    return conf or {}


SHAPE = Shape(
    {
        "dag_run_id": "run_id",
        "dag_id": "dag_id",
        "logical_date": "logical_date",
        "start_date": "start_date",
        "end_date": "end_date",
        "data_interval_start": "data_interval_start",
        "data_interval_end": "data_interval_end",
        "last_scheduling_decision": "last_scheduling_decision",
        "run_type": "run_type",
        "state": "state",
        "external_trigger": "external_trigger",
        "conf": "conf",
        "note": "note",
    },
    changes={"conf": shown_conf},
    copies={"execution_date": "logical_date", "run_id": "dag_run_id"},
    is_direct=True,
)


def shown(run: DagRun) -> Row:
    """A run as it is answered, from the instance: moments keep the offsets they were given with."""
    row = {name: getattr(run, column) for name, column in SHAPE.columns.items()}
    return {
        **row,
        "conf": shown_conf(run.conf),
        "execution_date": run.logical_date,
        "run_id": run.run_id,
        "run_type": str(run.run_type),
        "state": str(run.state),
    }
