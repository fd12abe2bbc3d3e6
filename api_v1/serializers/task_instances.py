"""Task instances: what is sent, what is answered."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import orjson
from rest_framework import serializers

from api_v1.pagination import Page
from api_v1.problems import bad_request
from api_v1.rows import Row, Shape
from api_v1.serializers.base import (
    INT64_MAX,
    BodySerializer,
    Choice,
    Listing,
    LooseMoment,
    Moment,
    Number,
    Text,
    Truth,
    Whole,
)
from api_v1.serializers.dag_runs import check_note
from orchestration.authoring.secrets import redact
from orchestration.models import SlaMiss, TaskInstance, Trigger
from orchestration.models.prepared import fetched
from orchestration.models.task_instance import TaskInstanceQuerySet
from orchestration.states import TaskInstanceState

#: The states a caller may set.
SETTABLE = ("success", "failed", "skipped")
#: The states as the API spells them; null and ``none`` are no state.
TASK_STATES = (
    None, "success", "running", "failed", "upstream_failed", "skipped", "up_for_retry", "up_for_reschedule", "queued",
    "none", "scheduled", "deferred", "removed", "restarting",
)  # fmt: skip
#: No instance has it, but callers may still filter by it.
_FORMER_STATE = "shutdown"


class SlaMissAnswer(serializers.Serializer[Any]):
    """A missed SLA."""

    task_id = serializers.CharField(read_only=True)
    dag_id = serializers.CharField(read_only=True)
    execution_date = serializers.DateTimeField()
    email_sent = serializers.BooleanField()
    timestamp = serializers.DateTimeField()
    description = serializers.CharField(allow_null=True)
    notification_sent = serializers.BooleanField()


class TriggerAnswer(serializers.Serializer[Any]):
    """What a deferred task waits for."""

    id = serializers.IntegerField()
    classpath = serializers.CharField()
    kwargs = serializers.CharField(help_text="Secrets are masked.")
    created_date = serializers.DateTimeField()
    triggerer_id = serializers.IntegerField(allow_null=True)


class JobAnswer(serializers.Serializer[Any]):
    """The process that runs a trigger."""

    id = serializers.IntegerField()
    dag_id = serializers.CharField(allow_null=True)
    state = serializers.CharField(allow_null=True)
    job_type = serializers.CharField(allow_null=True)
    start_date = serializers.DateTimeField(allow_null=True)
    end_date = serializers.DateTimeField(allow_null=True)
    latest_heartbeat = serializers.DateTimeField(allow_null=True)
    executor_class = serializers.CharField(allow_null=True)
    hostname = serializers.CharField(allow_null=True)
    unixname = serializers.CharField(allow_null=True)


class TryAnswer(serializers.Serializer[Any]):
    """One try of a task instance."""

    task_id = serializers.CharField()
    task_display_name = serializers.CharField(help_text="Human readable name.")
    dag_id = serializers.CharField()
    dag_run_id = serializers.CharField()
    start_date = serializers.DateTimeField(allow_null=True)
    end_date = serializers.DateTimeField(allow_null=True)
    duration = serializers.FloatField(allow_null=True, help_text="Seconds.")
    state = serializers.ChoiceField([state for state in TASK_STATES if state], allow_null=True)
    try_number = serializers.IntegerField()
    map_index = serializers.IntegerField(help_text="-1 for a task that is not mapped.")
    max_tries = serializers.IntegerField()
    hostname = serializers.CharField()
    unixname = serializers.CharField()
    pool = serializers.CharField()
    pool_slots = serializers.IntegerField()
    queue = serializers.CharField(allow_null=True)
    priority_weight = serializers.IntegerField(allow_null=True)
    operator = serializers.CharField(allow_null=True)
    queued_when = serializers.CharField(allow_null=True, help_text="A moment.")
    pid = serializers.IntegerField(allow_null=True)
    executor = serializers.CharField(allow_null=True)
    executor_config = serializers.CharField()


class TryCollection(serializers.Serializer[Any]):
    """Tries of a task instance."""

    task_instances = TryAnswer(many=True)
    total_entries = serializers.IntegerField()


class TaskInstanceAnswer(TryAnswer):
    """Task instance."""

    execution_date = serializers.DateTimeField()
    sla_miss = SlaMissAnswer(allow_null=True)
    rendered_map_index = serializers.CharField(allow_null=True)
    rendered_fields = serializers.DictField(help_text="The templated fields as they were rendered; secrets are masked.")
    trigger = TriggerAnswer(allow_null=True)
    triggerer_job = JobAnswer(allow_null=True)
    note = serializers.CharField(allow_null=True)


class TaskInstanceCollection(serializers.Serializer[Any]):
    """Collection of task instances."""

    task_instances = TaskInstanceAnswer(many=True)
    total_entries = serializers.IntegerField()


class ReferenceAnswer(serializers.Serializer[Any]):
    """Which task instance."""

    task_id = serializers.CharField(read_only=True)
    dag_id = serializers.CharField(read_only=True)
    execution_date = serializers.DateTimeField(read_only=True)
    dag_run_id = serializers.CharField(read_only=True)


class ReferenceCollection(serializers.Serializer[Any]):
    """Task instances that were, or would be, changed."""

    task_instances = ReferenceAnswer(many=True)


class DependencyAnswer(serializers.Serializer[Any]):
    """Why a task instance does not run."""

    name = serializers.CharField()
    reason = serializers.CharField()


class DependencyCollection(serializers.Serializer[Any]):
    """Why a task instance does not run; empty when nothing keeps it."""

    dependencies = DependencyAnswer(many=True)


class MessageAnswer(serializers.Serializer[Any]):
    """What was done."""

    message = serializers.CharField()


class InstanceStateBody(BodySerializer):
    """A task instance's new state."""

    required_late = ("new_state",)

    dry_run = Truth(required=False, default=True, help_text="Only tell what would be changed.")
    new_state = Choice(SETTABLE, required=False)


class StatesBody(BodySerializer):
    """New states of a task's instances and of others around it."""

    required_late = (
        "task_id",
        "include_upstream",
        "include_downstream",
        "include_future",
        "include_past",
        "new_state",
    )

    dry_run = Truth(required=False, default=True, help_text="Only tell what would be changed.")
    task_id = Text(required=False)
    execution_date = LooseMoment(required=False, help_text="The run's logical date; or give dag_run_id.")
    dag_run_id = Text(required=False)
    include_upstream = Truth(required=False, help_text="Also all tasks before the task.")
    include_downstream = Truth(required=False, help_text="Also all tasks after the task.")
    include_future = Truth(required=False, help_text="Also in later runs.")
    include_past = Truth(required=False, help_text="Also in earlier runs.")
    new_state = Choice(SETTABLE, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if bool(attrs.get("execution_date")) == bool(attrs.get("dag_run_id")):
            raise serializers.ValidationError("Exactly one of execution_date or dag_run_id must be provided")
        return attrs


class ClearBody(BodySerializer):
    """Which task instances to clear."""

    dry_run = Truth(required=False, default=True, help_text="Only tell what would be cleared.")
    task_ids = Listing(child=Text(), required=False, min_length=1, help_text="All tasks when it is not sent.")
    start_date = LooseMoment(required=False, help_text="From this logical date on.")
    end_date = LooseMoment(required=False, help_text="Up to this logical date.")
    only_failed = Truth(required=False, default=True)
    only_running = Truth(required=False, default=False)
    include_subdags = Truth(
        required=False, default=False, help_text="Also sub-DAGs and what ExternalTaskMarkers point to."
    )
    include_parentdag = Truth(
        required=False, default=False, help_text="Also what follows in the DAG that holds this sub-DAG."
    )
    reset_dag_runs = Truth(required=False, default=False, help_text="Queue finished runs again.")
    dag_run_id = Text(required=False, allow_null=True, help_text="In this run only.")
    include_upstream = Truth(required=False, default=False)
    include_downstream = Truth(required=False, default=False)
    include_future = Truth(required=False, default=False)
    include_past = Truth(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        start, end, run_id = attrs.get("start_date"), attrs.get("end_date"), attrs.get("dag_run_id")
        if attrs["only_failed"] and attrs["only_running"]:
            raise serializers.ValidationError("only_failed and only_running both are set to True")
        if start and end and start > end:
            raise serializers.ValidationError("end_date is sooner than start_date")
        if run_id and (start or end):
            other = "start_date" if start else "end_date"
            other = "(start_date and end_date)" if start and end else other
            raise serializers.ValidationError(f"Exactly one of dag_run_id or {other} must be provided")
        return attrs


class NoteBody(BodySerializer):
    """A task instance's note."""

    note = Text(required=True, validators=[check_note], help_text="At most 1000 characters.")


class MappableNoteBody(NoteBody):
    """A task instance's note; ``map_index`` is accepted and means nothing, as in the reference."""

    map_index = Whole(required=False)


class BatchBody(BodySerializer):
    """Which task instances to list."""

    page_offset = Whole(required=False, min_value=0, max_value=INT64_MAX)
    page_limit = Whole(required=False, min_value=1, max_value=INT64_MAX, default=100)
    dag_ids = Listing(child=Text(), required=False)
    dag_run_ids = Listing(child=Text(), required=False)
    task_ids = Listing(child=Text(), required=False)
    execution_date_gte = Moment(required=False)
    execution_date_lte = Moment(required=False)
    start_date_gte = Moment(required=False)
    start_date_lte = Moment(required=False)
    end_date_gte = Moment(required=False)
    end_date_lte = Moment(required=False)
    duration_gte = Number(required=False)
    duration_lte = Number(required=False)
    state = Listing(child=Choice([state for state in TASK_STATES if state], allow_null=True), required=False)
    pool = Listing(child=Text(), required=False)
    queue = Listing(child=Text(), required=False)
    executor = Listing(child=Text(), required=False)


@cache
def own_name() -> str:
    """The user this program runs as: who an instance belongs to before a process took it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def shown_unixname(name: str) -> str:
    return name or own_name()


def shown_state(state: str) -> str | None:
    return state or None


def shown_config(config: Any) -> str:
    """``executor_config`` as Python would print it, which is what the reference answers."""
    if isinstance(config, orjson.Fragment):
        config = orjson.loads(orjson.dumps(config))
    return "{}" if not config else str(config)


_TRY = {
    "try_number": "try_number",
    "start_date": "start_date",
    "end_date": "end_date",
    "duration": "duration",
    "state": "state",
    "max_tries": "max_tries",
    "task_display_name": "task_display_name",
    "hostname": "hostname",
    "unixname": "unixname",
    "pool": "pool",
    "pool_slots": "pool_slots",
    "queue": "queue",
    "priority_weight": "priority_weight",
    "operator": "operator",
    "queued_when": "queued_at",
    "pid": "pid",
    "executor": "executor",
    "executor_config": "executor_config",
}
_CHANGES = {"state": shown_state, "unixname": shown_unixname, "executor_config": shown_config}
_NAMES = {"task_id": "task_id", "dag_id": "dag_id", "dag_run_id": "run__run_id", "map_index": "map_index"}

#: The present try of an instance, and an earlier one.
TRY = Shape({**_NAMES, **_TRY}, changes=_CHANGES, is_direct=True)
EARLIER_TRY = Shape(
    {**{name: f"task_instance__{column}" for name, column in _NAMES.items()}, **_TRY}, changes=_CHANGES, is_direct=True
)

INSTANCE = Shape(
    {
        **_NAMES,
        "execution_date": "run__logical_date",
        **_TRY,
        "note": "note",
        "rendered_map_index": "rendered_map_index",
        "rendered_fields": "rendered__fields",
        "trigger": "trigger_id",
    },
    changes={**_CHANGES, "rendered_fields": lambda fields: fields or {}},
    is_direct=True,
)


def instance_rows(instances: TaskInstanceQuerySet) -> list[Row]:
    """Task instances as they are answered; two queries, and one more each where there are SLA misses or deferrals."""
    return _completed(INSTANCE.rows(instances))


def instance_page(
    name: str, find: Callable[..., TaskInstanceQuerySet], texts: tuple[str, ...], here: Page
) -> list[Row]:
    """As ``instance_rows``, of a query that is built once; see ``Shape.page``."""
    return _completed(INSTANCE.page(name, find, texts, limit=here.limit, offset=here.offset))


def _completed(rows: list[Row]) -> list[Row]:
    _add_sla_misses(rows)
    _add_triggers(rows)
    return rows


def _add_sla_misses(rows: list[Row]) -> None:
    misses: dict[tuple[str, str, Any], Row] = {}
    if rows and fetched(_ANY_SLA_MISS, ()):
        dates = {row["execution_date"] for row in rows}
        found = SlaMiss.objects.filter(
            dag_id__in={row["dag_id"] for row in rows}, logical_date__gte=min(dates), logical_date__lte=max(dates)
        )
        misses = {(miss["dag_id"], miss["task_id"], miss["execution_date"]): miss for miss in _SLA_MISS.rows(found)}
    for row in rows:
        row["sla_miss"] = misses.get((row["dag_id"], row["task_id"], row["execution_date"])) if misses else None


#: Most installations have none, and then nothing is looked for.
_ANY_SLA_MISS = f'SELECT 1 FROM "{SlaMiss._meta.db_table}" LIMIT 1'  # noqa: S608 the program's own name
_SLA_MISS = Shape(
    {
        "task_id": "task_id",
        "dag_id": "dag_id",
        "execution_date": "logical_date",
        "email_sent": "email_sent",
        "timestamp": "timestamp",
        "description": "description",
        "notification_sent": "notification_sent",
    },
    is_direct=True,
)
_JOB_COLUMNS = (
    "id", "dag_id", "state", "job_type", "start_date", "end_date", "latest_heartbeat", "executor_class", "hostname",
    "unixname",
)  # fmt: skip


def _add_triggers(rows: list[Row]) -> None:
    ids = {row["trigger"] for row in rows if row["trigger"] is not None}
    triggers = (
        {trigger.pk: trigger for trigger in Trigger.objects.select_related("triggerer").filter(pk__in=ids)}
        if ids
        else {}
    )
    for row in rows:
        trigger = triggers.get(row["trigger"])
        job = None if trigger is None else trigger.triggerer
        row["trigger"] = None if trigger is None else _shown_trigger(trigger)
        row["triggerer_job"] = None if job is None else {name: getattr(job, name) for name in _JOB_COLUMNS}


def _shown_trigger(trigger: Trigger) -> Row:
    try:
        kwargs = redact(orjson.loads(trigger.kwargs or "{}"))
    except orjson.JSONDecodeError:
        kwargs = {}
    return {
        "id": trigger.pk,
        "classpath": trigger.classpath,
        "kwargs": str(kwargs),
        "created_date": trigger.created_at,
        "triggerer_id": trigger.triggerer_id,
    }


def references(instances: Iterable[TaskInstance]) -> Row:
    """Task instances by name; they need their runs."""
    return {"task_instances": [reference(ti) for ti in instances]}


def reference(ti: TaskInstance) -> Row:
    """One task instance by name."""
    return {
        "task_id": ti.task_id,
        "dag_run_id": ti.run.run_id,
        "dag_id": ti.dag_id,
        "execution_date": ti.run.logical_date,
    }


def stored_states(states: Iterable[str | None]) -> list[str]:
    """States as they are stored, from the API's spelling: ``none`` and null are no state, ``shutdown`` is a former one.

    Raises Problem (400) for another word.
    """
    stored = []
    for state in states:
        if state not in TASK_STATES and state != _FORMER_STATE:
            raise bad_request(f"{state[:100]!r} is not one of {list(TASK_STATES)} - 'state'")
        stored.append(TaskInstanceState.NONE.value if state in (None, "none") else str(state))
    return stored
