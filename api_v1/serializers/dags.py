"""DAGs: what is sent, what is answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema_field
from rest_framework import serializers

from api_v1.rows import Row, Shape
from api_v1.serializers.base import BodySerializer, Truth
from orchestration.models import Dag, DagTag
from orchestration.models.dag import DagQuerySet
from orchestration.serialization.values import SerializedDag
from orchestration.services.file_tokens import file_token

#: Members of a DAG that callers may not send.
READ_ONLY = frozenset({
    "dag_id", "dag_display_name", "root_dag_id", "is_active", "is_subdag", "last_parsed_time", "last_pickled",
    "last_expired", "scheduler_lock", "pickle_id", "default_view", "fileloc", "file_token", "owners",
    "description", "schedule_interval", "timetable_description", "tags", "max_active_tasks", "max_active_runs",
    "has_task_concurrency_limits", "has_import_errors", "next_dagrun", "next_dagrun_data_interval_start",
    "next_dagrun_data_interval_end", "next_dagrun_create_after", "max_consecutive_failed_dag_runs",
})  # fmt: skip


class DagBody(BodySerializer):
    """A change of a DAG."""

    unsettable = READ_ONLY

    is_paused = Truth(required=False, allow_null=True, help_text="Whether the DAG is paused.")


class TagAnswer(serializers.Serializer[Any]):
    """Tag."""

    name = serializers.CharField()


class WholeAnswer(serializers.Serializer[Any]):
    """An object within an answer of which no member is ever left out."""

    is_whole = True


def _interval(name: str, told: str, **members: serializers.Field[Any, Any, Any, Any]) -> type[WholeAnswer]:
    """A form of an interval: its members, and its name as ``__type``."""
    return type(name, (WholeAnswer,), {"__doc__": told, "__type": serializers.CharField(), **members})


_AMOUNTS = ("years", "months", "days", "leapdays", "hours", "minutes", "seconds", "microseconds")
_FIXED = ("year", "month", "day", "hour", "minute", "second", "microsecond")
TimeDeltaAnswer = _interval(
    "TimeDeltaAnswer",
    "A length of time.",
    **{name: serializers.IntegerField() for name in ("days", "seconds", "microseconds")},
)
RelativeDeltaAnswer = _interval(
    "RelativeDeltaAnswer",
    "A step in the calendar: amounts to add, and parts of the date to set (null is left as it is).",
    **{name: serializers.IntegerField() for name in _AMOUNTS},
    **{name: serializers.IntegerField(allow_null=True) for name in _FIXED},
)
CronExpressionAnswer = _interval("CronExpressionAnswer", "A cron expression or preset.", value=serializers.CharField())


@extend_schema_field(
    PolymorphicProxySerializer(
        component_name="ScheduleIntervalAnswer",
        serializers={
            "TimeDelta": TimeDeltaAnswer,
            "RelativeDelta": RelativeDeltaAnswer,
            "CronExpression": CronExpressionAnswer,
        },
        resource_type_field_name="__type",
    )
)
class ScheduleIntervalField(serializers.JSONField):
    """When a DAG runs: one of three forms, told apart by ``__type``."""


@extend_schema_field({"anyOf": [{"type": "object", "additionalProperties": {}, "nullable": True}, {"type": "string"}]})
class ConditionField(serializers.JSONField):
    """A condition on datasets."""


class DagAnswer(serializers.Serializer[Any]):
    """DAG."""

    dag_id = serializers.CharField(read_only=True, help_text="The ID of the DAG.")
    dag_display_name = serializers.CharField(read_only=True, help_text="Human readable name.")
    root_dag_id = serializers.CharField(read_only=True, allow_null=True, help_text="The top level DAG of a sub-DAG.")
    is_paused = serializers.BooleanField(allow_null=True, help_text="Whether the DAG is paused.")
    is_active = serializers.BooleanField(read_only=True, allow_null=True, help_text="Whether a file defines it now.")
    is_subdag = serializers.BooleanField(read_only=True, help_text="Whether the DAG is a sub-DAG.")
    last_parsed_time = serializers.DateTimeField(read_only=True, allow_null=True, help_text="When it was last parsed.")
    last_pickled = serializers.DateTimeField(read_only=True, allow_null=True, help_text="Always null.")
    last_expired = serializers.DateTimeField(read_only=True, allow_null=True, help_text="When the DAG last expired.")
    scheduler_lock = serializers.BooleanField(read_only=True, allow_null=True, help_text="Always null.")
    pickle_id = serializers.CharField(read_only=True, allow_null=True, help_text="Always null.")
    default_view = serializers.CharField(read_only=True, allow_null=True, help_text="The page operators see first.")
    fileloc = serializers.CharField(read_only=True, help_text="The absolute path of the file.")
    file_token = serializers.CharField(read_only=True, help_text="The key of the file for dagSources and parseDagFile.")
    owners = serializers.ListField(child=serializers.CharField(), read_only=True)
    description = serializers.CharField(read_only=True, allow_null=True)
    schedule_interval = ScheduleIntervalField(read_only=True, allow_null=True, help_text="An object with __type.")
    timetable_description = serializers.CharField(read_only=True, allow_null=True, help_text="The timetable in words.")
    tags = TagAnswer(many=True, read_only=True, allow_null=True)
    max_active_tasks = serializers.IntegerField(read_only=True, allow_null=True)
    max_active_runs = serializers.IntegerField(read_only=True, allow_null=True)
    has_task_concurrency_limits = serializers.BooleanField(read_only=True, allow_null=True)
    has_import_errors = serializers.BooleanField(read_only=True, allow_null=True)
    next_dagrun = serializers.DateTimeField(read_only=True, allow_null=True, help_text="Logical date of the next run.")
    next_dagrun_data_interval_start = serializers.DateTimeField(read_only=True, allow_null=True)
    next_dagrun_data_interval_end = serializers.DateTimeField(read_only=True, allow_null=True)
    next_dagrun_create_after = serializers.DateTimeField(read_only=True, allow_null=True)
    max_consecutive_failed_dag_runs = serializers.IntegerField(read_only=True, allow_null=True)


class DagCollection(serializers.Serializer[Any]):
    """Collection of DAGs."""

    dags = DagAnswer(many=True)
    total_entries = serializers.IntegerField()


class DagDetailAnswer(DagAnswer):
    """DAG with the settings of its file."""

    timezone = serializers.CharField()
    catchup = serializers.BooleanField(read_only=True, allow_null=True)
    orientation = serializers.CharField(read_only=True, allow_null=True)
    concurrency = serializers.FloatField(read_only=True, allow_null=True)
    start_date = serializers.DateTimeField(read_only=True, allow_null=True)
    end_date = serializers.DateTimeField(read_only=True, allow_null=True)
    dag_run_timeout = TimeDeltaAnswer(allow_null=True)
    dataset_expression = ConditionField(
        allow_null=True, help_text="Nested any and all conditions; of one dataset its URI."
    )
    doc_md = serializers.CharField(read_only=True, allow_null=True)
    params = serializers.DictField(read_only=True)
    is_paused_upon_creation = serializers.BooleanField(read_only=True, allow_null=True)
    last_parsed = serializers.DateTimeField(read_only=True, allow_null=True)
    template_searchpath = serializers.JSONField(allow_null=True)
    render_template_as_native_obj = serializers.BooleanField(read_only=True, allow_null=True)


def owner_list(owners: str) -> list[str]:
    """The owners' names."""
    return [name.strip() for name in owners.split(",")] if owners else []


#: The columns of a DAG; tags are added by ``dag_rows``.
SHAPE = Shape(
    {
        "dag_id": "dag_id",
        "dag_display_name": "dag_display_name",
        "root_dag_id": "root_dag_id",
        "is_paused": "is_paused",
        "is_active": "is_active",
        "is_subdag": "is_subdag",
        "last_parsed_time": "last_parsed_at",
        "last_expired": "last_expired_at",
        "default_view": "default_view",
        "fileloc": "fileloc",
        "owners": "owners",
        "description": "description",
        "schedule_interval": "schedule_interval",
        "timetable_description": "timetable_description",
        "max_active_tasks": "max_active_tasks",
        "max_active_runs": "max_active_runs",
        "max_consecutive_failed_dag_runs": "max_consecutive_failed_dag_runs",
        "has_task_concurrency_limits": "has_task_concurrency_limits",
        "has_import_errors": "has_import_errors",
        "next_dagrun": "next_dagrun",
        "next_dagrun_data_interval_start": "next_dagrun_data_interval_start",
        "next_dagrun_data_interval_end": "next_dagrun_data_interval_end",
        "next_dagrun_create_after": "next_dagrun_create_after",
    },
    changes={"owners": owner_list},
    copies={"file_token": "fileloc"},
)
#: What the reference has and no DAG has here.
_ALWAYS_NULL = ("last_pickled", "scheduler_lock", "pickle_id")
MEMBERS = (*SHAPE.members, *_ALWAYS_NULL, "tags")
DETAILS = (
    *MEMBERS, "timezone", "catchup", "orientation", "concurrency", "start_date", "end_date", "dag_run_timeout",
    "dataset_expression", "doc_md", "params", "is_paused_upon_creation", "last_parsed", "template_searchpath",
    "render_template_as_native_obj",
)  # fmt: skip


def dag_rows(dags: DagQuerySet, wanted: Sequence[str] | None = None) -> list[Row]:
    """The DAGs as they are answered; two queries, the second for their tags."""
    rows = SHAPE.rows(dags, None if wanted is None else ("dag_id", *wanted))
    if wanted is None or "tags" in wanted:
        tags = tags_of(row["dag_id"] for row in rows)
        for row in rows:
            row["tags"] = tags.get(row["dag_id"], [])
    for row in rows:
        row.update(dict.fromkeys(_ALWAYS_NULL))
        if "file_token" in row:
            row["file_token"] = file_token(row["file_token"])
    return rows if wanted is None else [{name: row[name] for name in wanted} for row in rows]


def tags_of(dag_ids: Iterable[str]) -> dict[str, list[Row]]:
    """The tags of each DAG."""
    found: dict[str, list[Row]] = {}
    pairs = DagTag.objects.filter(dag_id__in=list(dag_ids)).order_by("dag_id", "id").values_list("dag_id", "name")
    for dag_id, name in pairs:
        found.setdefault(dag_id, []).append({"name": name})
    return found


def dag_row(dag_id: str, wanted: Sequence[str] | None = None) -> Row | None:
    """One DAG as it is answered."""
    rows = dag_rows(Dag.objects.filter(dag_id=dag_id), wanted)
    return rows[0] if rows else None


def time_delta(seconds: float | None) -> Row | None:
    """A duration as the API shows it."""
    if seconds is None:
        return None
    whole, fraction = divmod(seconds, 1)
    days, rest = divmod(int(whole), 86400)
    return {"__type": "TimeDelta", "days": days, "seconds": rest, "microseconds": round(fraction * 1_000_000)}


def shown_params(params: dict[str, Any]) -> Row:
    """Params as the API shows them."""
    return {
        name: {
            "__class": "airflow.models.param.Param",
            "value": param.get("value"),
            "description": param.get("description"),
            "schema": param.get("schema") or {},
        }
        for name, param in params.items()
    }


def detail_row(row: Row, dag: SerializedDag) -> Row:
    """A DAG's row with what its file says."""
    searchpath = dag.template_searchpath
    return {
        **row,
        "owners": [],
        "timezone": dag.timezone,
        "catchup": dag.catchup,
        "orientation": dag.orientation,
        "concurrency": dag.max_active_tasks,
        "start_date": dag.start_date,
        "end_date": dag.end_date,
        "dag_run_timeout": time_delta(dag.dagrun_timeout_seconds),
        "dataset_expression": shown_condition(dag.dataset_condition),
        "doc_md": dag.doc_md,
        "params": shown_params(dag.params),
        "is_paused_upon_creation": dag.is_paused_upon_creation,
        "last_parsed": row["last_parsed_time"],
        "template_searchpath": None if searchpath is None else str(list(searchpath)),
        "render_template_as_native_obj": dag.render_template_as_native_obj,
    }


def shown_condition(condition: Any) -> Any:
    """A condition on datasets as the API shows it: URIs within ``any`` and ``all``."""
    if condition is None:
        return None
    if "uri" in condition:
        return condition["uri"]
    if "alias" in condition:
        return {"alias": condition["alias"]}
    return {kind: [shown_condition(part) for part in condition[kind]] for kind in ("any", "all") if kind in condition}
