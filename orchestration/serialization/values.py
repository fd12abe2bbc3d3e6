"""A DAG as frozen values: what everything but the parser and the task process reads.

``encode`` makes the JSON document from the authoring object, ``decode`` makes these values from the document.
Durations are seconds (float), moments aware datetimes, JSON is JSON. Nothing here can run user code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

#: A JSON value as ``json.loads`` gives it.
Json = Any


@dataclass(frozen=True, slots=True)
class LiteralLength:
    """A list or dict written in the DAG file: its length is known when the file is parsed."""

    length: int


@dataclass(frozen=True, slots=True)
class XComLength:
    """The length of what an upstream task pushes under ``key``; for a mapped upstream, how many instances pushed."""

    task_id: str
    key: str


@dataclass(frozen=True, slots=True)
class ZipLength:
    """``XComArg.zip``: the shortest of its parts, or the longest where a fill value was given."""

    parts: tuple[LengthExpression, ...]
    is_longest: bool


@dataclass(frozen=True, slots=True)
class ConcatLength:
    """``XComArg.concat``: the sum of its parts."""

    parts: tuple[LengthExpression, ...]


LengthExpression = LiteralLength | XComLength | ZipLength | ConcatLength


@dataclass(frozen=True, slots=True)
class Expansion:
    """How a mapped task or mapped task group multiplies.

    ``product``: ``expand(a=…, b=…)``, as many instances as the product of the lengths.
    ``list``: ``expand_kwargs(…)``, one length under the name ``""``.
    """

    kind: Literal["product", "list"]
    lengths: Mapping[str, LengthExpression]

    def referenced_task_ids(self) -> frozenset[str]:
        """The upstream tasks whose XComs decide the number of instances."""

        def walk(expression: LengthExpression) -> frozenset[str]:
            match expression:
                case XComLength(task_id, _):
                    return frozenset({task_id})
                case ZipLength(parts) | ConcatLength(parts):
                    return frozenset().union(*map(walk, parts))
                case _:
                    return frozenset()

        return frozenset().union(*map(walk, self.lengths.values()))


@dataclass(frozen=True, slots=True)
class StartTrigger:
    """``start_from_trigger``: the task begins deferred, without a process of its own."""

    trigger_cls: str
    trigger_kwargs: Json
    next_method: str
    next_kwargs: Json
    timeout_seconds: float | None


@dataclass(frozen=True, kw_only=True)
class SerializedTask:
    """One task of a DAG. For a mapped task the fields are those of its ``partial``."""

    task_id: str
    task_type: str  # the class's name: BashOperator
    module: str  # the class's module, as the DAG file imported it: airflow.operators.bash
    operator_name: str  # custom_operator_name or task_type: @task
    task_display_name: str
    label: str  # task_id without its groups' prefix
    owner: str = "airflow"
    email: tuple[str, ...] = ()
    email_on_retry: bool = True
    email_on_failure: bool = True
    queue: str = "default"
    pool: str = "default_pool"
    pool_slots: int = 1
    priority_weight: int = 1
    #: A built-in rule's name, or the dotted path of a user's class; its totals are then in ``priority_weight_total``.
    weight_rule: str = "downstream"
    #: The weight by which ready tasks are ordered, computed by the weight rule when the file was parsed.
    priority_weight_total: int = 1
    trigger_rule: str = "all_success"
    depends_on_past: bool = False
    ignore_first_depends_on_past: bool = True
    wait_for_past_depends_before_skipping: bool = False
    wait_for_downstream: bool = False
    retries: int = 0
    retry_delay_seconds: float = 300.0
    retry_exponential_backoff: bool = False
    max_retry_delay_seconds: float | None = None
    execution_timeout_seconds: float | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    max_active_tis_per_dag: int | None = None
    max_active_tis_per_dagrun: int | None = None
    sla_seconds: float | None = None
    executor: str | None = None
    executor_config: Json = None
    is_setup: bool = False
    is_teardown: bool = False
    on_failure_fail_dagrun: bool = False
    #: An EmptyOperator without callbacks, outlets or inlets' work: the scheduler ends it without a process.
    is_empty: bool = False
    is_sensor: bool = False
    is_mapped: bool = False  # has an expansion of its own
    expansion: Expansion | None = None
    has_on_execute_callback: bool = False
    has_on_success_callback: bool = False
    has_on_failure_callback: bool = False
    has_on_retry_callback: bool = False
    has_on_skipped_callback: bool = False
    start_trigger: StartTrigger | None = None
    upstream_task_ids: frozenset[str] = frozenset()
    downstream_task_ids: frozenset[str] = frozenset()
    group_id: str | None = None  # innermost group; None is the root
    params: Json = field(default_factory=dict)  # name → {"value", "description", "schema"}
    template_fields: tuple[str, ...] = ()
    template_fields_renderers: Mapping[str, str] = field(default_factory=dict)
    template_values: Mapping[str, Json] = field(default_factory=dict)  # the fields as written, secrets masked
    inlets: tuple[Json, ...] = ()
    outlets: tuple[Json, ...] = ()  # {"type": "dataset", "uri", "extra"} | {"type": "dataset_alias", "name"} | …
    extra_links: tuple[str, ...] = ()
    #: What the API shows of the links that need no user code: name → {"kind": "trigger_dag_run" | "external_task" | …}
    extra_link_specs: Mapping[str, Json] = field(default_factory=dict)
    #: The other DAG this task names: {"kind": "trigger" | "sensor" | "marker", "dag_id", "task_id"?, …}
    external_dag: Json = None
    doc: str | None = None
    doc_md: str | None = None
    doc_json: str | None = None
    doc_yaml: str | None = None
    doc_rst: str | None = None
    ui_color: str = "#fff"
    ui_fgcolor: str = "#000"
    multiple_outputs: bool = False
    map_index_template: str | None = None


@dataclass(frozen=True, kw_only=True)
class SerializedGroup:
    """A task group; the root has ``group_id`` None."""

    group_id: str | None
    label: str | None = None
    tooltip: str = ""
    ui_color: str = "CornflowerBlue"
    ui_fgcolor: str = "#000"
    #: Children in order of definition: ("task", task_id) or ("group", group_id).
    children: tuple[tuple[Literal["task", "group"], str], ...] = ()
    parent_group_id: str | None = None
    expansion: Expansion | None = None
    upstream_group_ids: frozenset[str] = frozenset()
    downstream_group_ids: frozenset[str] = frozenset()
    upstream_task_ids: frozenset[str] = frozenset()
    downstream_task_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class SerializedDag:
    """One DAG as it was when its file was parsed."""

    dag_id: str
    dag_display_name: str
    description: str | None
    fileloc: str
    tasks: Mapping[str, SerializedTask]  # in topological order
    groups: Mapping[str | None, SerializedGroup]  # the root under None
    #: {"type": registered name, …} for ``authoring.timetables.decode``.
    timetable: Json
    timetable_summary: str
    timetable_description: str
    #: What ``schedule_interval`` was: None, a cron text, {"days", "seconds", "microseconds"} or {"relativedelta": …}.
    schedule_interval: Json
    #: {"any": […]} | {"all": […]} | {"uri": …, "extra"} | {"alias": name} | None
    dataset_condition: Json = None
    timezone: str = "UTC"
    start_date: datetime | None = None
    end_date: datetime | None = None
    catchup: bool = True
    max_active_tasks: int = 16
    max_active_runs: int = 16
    max_consecutive_failed_dag_runs: int = 0
    dagrun_timeout_seconds: float | None = None
    params: Json = field(default_factory=dict)
    default_view: str = "grid"
    orientation: str = "LR"
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()  # of the tasks, sorted, without repetition
    owner_links: Mapping[str, str] = field(default_factory=dict)
    access_control: Mapping[str, Mapping[str, tuple[str, ...]]] = field(
        default_factory=dict
    )  # role → resource → actions
    is_paused_upon_creation: bool | None = None
    is_subdag: bool = False
    parent_dag_id: str | None = None
    fail_stop: bool = False
    render_template_as_native_obj: bool = False
    template_searchpath: tuple[str, ...] | None = None
    has_on_success_callback: bool = False
    has_on_failure_callback: bool = False
    has_sla_miss_callback: bool = False
    doc_md: str | None = None
    #: upstream id → downstream id → {"label": …}
    edge_info: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)

    @cached_property
    def leaves(self) -> tuple[str, ...]:
        """The ids of the tasks with nothing downstream."""
        return tuple(t.task_id for t in self.tasks.values() if not t.downstream_task_ids)

    @cached_property
    def roots(self) -> tuple[str, ...]:
        """The ids of the tasks with nothing upstream."""
        return tuple(t.task_id for t in self.tasks.values() if not t.upstream_task_ids)

    def enclosing_groups(self, task_id: str) -> tuple[SerializedGroup, ...]:
        """The groups around a task, innermost first, without the root."""
        found: list[SerializedGroup] = []
        group_id = self.tasks[task_id].group_id
        while group_id is not None:
            group = self.groups[group_id]
            found.append(group)
            group_id = group.parent_group_id
        return tuple(found)

    def mapped_groups(self, task_id: str) -> tuple[SerializedGroup, ...]:
        """The mapped groups around a task, innermost first."""
        return tuple(group for group in self.enclosing_groups(task_id) if group.expansion is not None)

    def is_multiplied(self, task_id: str) -> bool:
        """Whether the task's instances have map indexes: mapped itself, or within a mapped group."""
        return self.tasks[task_id].expansion is not None or bool(self.mapped_groups(task_id))
