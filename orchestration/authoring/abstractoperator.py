"""What single and mapped tasks have in common. Mirrors ``airflow.models.abstractoperator``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from orchestration.authoring.exceptions import AirflowException
from orchestration.authoring.secrets import redact
from orchestration.authoring.setup_teardown import SetupTeardownContext, refuse_work_task
from orchestration.authoring.taskmixin import DAGNode, DependencyMixin
from orchestration.authoring.templates import Templater
from orchestration.authoring.trigger_rule import TriggerRule
from orchestration.authoring.types import NOTSET, ArgNotSet
from orchestration.authoring.weight_rule import WeightRule, db_safe_priority
from orchestration.conf import conf

if TYPE_CHECKING:
    from typing import Self

    import jinja2

    from orchestration.authoring.dag import DAG
    from orchestration.authoring.mappedoperator import MappedOperator
    from orchestration.authoring.operator_link import BaseOperatorLink
    from orchestration.authoring.task_group import MappedTaskGroup
    from orchestration.authoring.weight_rule import PriorityWeightStrategy
    from orchestration.authoring.xcom_arg import XComArg

TaskStateChangeCallback = Callable[[Any], None]

DEFAULT_POOL_NAME = "default_pool"
DEFAULT_OWNER = conf.get("operators", "default_owner")
DEFAULT_POOL_SLOTS = 1
DEFAULT_PRIORITY_WEIGHT = 1
DEFAULT_EXECUTOR: str | None = None
DEFAULT_QUEUE = conf.get("operators", "default_queue")
DEFAULT_IGNORE_FIRST_DEPENDS_ON_PAST = conf.getboolean(
    "scheduler", "ignore_first_depends_on_past_by_default", fallback=True
)
DEFAULT_WAIT_FOR_PAST_DEPENDS_BEFORE_SKIPPING = False
DEFAULT_RETRIES = conf.getint("core", "default_task_retries")
DEFAULT_RETRY_DELAY = timedelta(seconds=conf.getint("core", "default_task_retry_delay"))
MAX_RETRY_DELAY = conf.getint("core", "max_task_retry_delay")
DEFAULT_WEIGHT_RULE = WeightRule(conf.get("core", "default_task_weight_rule"))
DEFAULT_TRIGGER_RULE = TriggerRule.ALL_SUCCESS


def _default_execution_timeout() -> timedelta | None:
    text = conf.get("core", "default_task_execution_timeout")
    return timedelta(seconds=float(text)) if text else None


DEFAULT_TASK_EXECUTION_TIMEOUT = _default_execution_timeout()


class NotMapped(Exception):
    """The task is not mapped and in no mapped group."""


class AbstractOperator(Templater, DAGNode):
    """A task of a DAG, mapped or not."""

    operator_class: Any
    task_id: str
    owner: str
    weight_rule: PriorityWeightStrategy
    priority_weight: int
    operator_extra_links: Collection[BaseOperatorLink] = ()
    inlets: list[Any]
    outlets: list[Any]
    params: Any
    trigger_rule: TriggerRule
    is_setup: bool
    is_teardown: bool
    supports_lineage = False
    _on_failure_fail_dagrun = False

    def get_dag(self) -> DAG | None:
        """The task's DAG, None before it has one."""
        raise NotImplementedError

    @property
    def task_type(self) -> str:
        """The operator class's name."""
        raise NotImplementedError

    @property
    def operator_name(self) -> str:
        """The name shown: ``custom_operator_name`` or the class's name."""
        raise NotImplementedError

    @property
    def inherits_from_empty_operator(self) -> bool:
        """Whether the task does nothing by itself."""
        raise NotImplementedError

    @property
    def task_display_name(self) -> str:
        """The name shown for the task."""
        raise NotImplementedError

    @property
    def dag_id(self) -> str:
        """The DAG's id; ``adhoc_`` and the owner without a DAG."""
        dag = self.get_dag()
        return dag.dag_id if dag else f"adhoc_{self.owner}"

    @property
    def node_id(self) -> str:
        """The task's id."""
        return self.task_id

    @property
    def label(self) -> str | None:
        """The display name, or the id without its group's prefix."""
        if self.task_display_name and self.task_display_name != self.task_id:
            return self.task_display_name
        return super().label

    @property
    def roots(self) -> list[Any]:
        """The task."""
        return [self]

    @property
    def leaves(self) -> list[Any]:
        """The task."""
        return [self]

    @property
    def output(self) -> XComArg:
        """The task's result, as an argument for others."""
        from orchestration.authoring.xcom_arg import XComArg

        return XComArg(self)

    @property
    def on_failure_fail_dagrun(self) -> bool:
        """Whether a failure of this teardown fails the run."""
        return self._on_failure_fail_dagrun

    @on_failure_fail_dagrun.setter
    def on_failure_fail_dagrun(self, value: bool) -> None:
        if value is True and not self.is_teardown:
            raise ValueError(
                f"Only a teardown takes on_failure_fail_dagrun, and {self.task_id!r} is none: call as_teardown() first"
            )
        self._on_failure_fail_dagrun = value

    def as_setup(self) -> Self:
        """Mark as setup."""
        self.is_setup = True
        return self

    def as_teardown(self, *, setups: Any = NOTSET, on_failure_fail_dagrun: Any = NOTSET) -> Self:
        """Mark as teardown, of the given setups: they become setups and come before it."""
        self.trigger_rule, self.is_teardown = TriggerRule.ALL_DONE_SETUP_SUCCESS, True
        if not isinstance(on_failure_fail_dagrun, ArgNotSet):
            self.on_failure_fail_dagrun = on_failure_fail_dagrun
        given: Iterable[Any] = [setups] if isinstance(setups, DependencyMixin) else setups
        for setup in given if setups is not NOTSET else ():
            setup.is_setup = True
            setup.set_downstream(self)
        return self

    def get_flat_relative_ids(self, *, upstream: bool = False) -> set[str]:
        """The ids of all tasks before or after this one, at any distance."""
        dag = self.get_dag()
        if not dag:
            return set()
        found: set[str] = set()
        waiting = list(self.get_direct_relative_ids(upstream))
        while waiting:
            task_id = waiting.pop()
            if task_id not in found:
                found.add(task_id)
                waiting.extend(dag.task_dict[task_id].get_direct_relative_ids(upstream))
        return found

    def get_flat_relatives(self, upstream: bool = False) -> Collection[AbstractOperator]:
        """All tasks before or after this one, at any distance."""
        dag = self.get_dag()
        return [dag.task_dict[task_id] for task_id in self.get_flat_relative_ids(upstream=upstream)] if dag else set()

    def get_upstreams_follow_setups(self) -> Iterator[AbstractOperator]:
        """All tasks before this one, and with each setup its teardowns."""
        for task in self.get_flat_relatives(upstream=True):
            yield task
            if task.is_setup:
                yield from self._other_teardowns(task)

    def get_upstreams_only_setups_and_teardowns(self) -> Iterator[AbstractOperator]:
        """The setups this task needs, with their teardowns: those with a teardown after this task, or with none."""
        later_teardowns = {task.task_id for task in self.get_flat_relatives() if task.is_teardown}
        for task in self.get_flat_relatives(upstream=True):
            if not task.is_setup:
                continue
            has_teardowns = any(later.is_teardown for later in task.downstream_list)
            if not has_teardowns or task.downstream_task_ids & later_teardowns:
                yield task
                yield from self._other_teardowns(task)

    def get_upstreams_only_setups(self) -> Iterator[AbstractOperator]:
        """The setups this task needs."""
        return (task for task in self.get_upstreams_only_setups_and_teardowns() if task.is_setup)

    def _other_teardowns(self, setup: AbstractOperator) -> Iterator[AbstractOperator]:
        return (task for task in setup.downstream_list if task.is_teardown and task is not self)

    def iter_mapped_dependants(self) -> Iterator[MappedOperator | MappedTaskGroup]:
        """The mapped tasks and groups that expand over this task's result."""
        from orchestration.authoring.mappedoperator import MappedOperator
        from orchestration.authoring.task_group import MappedTaskGroup

        dag = self.get_dag()
        if not dag:
            raise RuntimeError(f"{self} is in no DAG, so nothing is known of the tasks that expand over its result")
        groups = dag.task_group.get_task_group_dict().values()
        mapped = [node for node in (*dag.tasks, *groups) if isinstance(node, (MappedOperator, MappedTaskGroup))]
        for node in mapped:
            if node is not self and any(task.task_id == self.task_id for task in node.iter_mapped_dependencies()):
                yield node

    def iter_mapped_task_groups(self) -> Iterator[MappedTaskGroup]:
        """The mapped groups around the task, innermost first."""
        if self.task_group is not None:
            yield from self.task_group.iter_mapped_task_groups()

    def get_closest_mapped_task_group(self) -> MappedTaskGroup | None:
        """The innermost mapped group around the task."""
        return next(self.iter_mapped_task_groups(), None)

    def get_needs_expansion(self) -> bool:
        """Whether the task has several instances in a run."""
        return self.get_closest_mapped_task_group() is not None

    def get_parse_time_mapped_ti_count(self) -> int:
        """The number of instances, where literals decide it; NotMapped for one, NotFullyPopulated for XComs."""
        return self._mapped_group().get_parse_time_mapped_ti_count()

    def get_mapped_ti_count(self, run_id: str, *, session: Any = None) -> int:
        """The number of instances in a run; NotMapped for one, NotFullyPopulated where an XCom is missing."""
        return self._mapped_group().get_mapped_ti_count(run_id)

    def _mapped_group(self) -> MappedTaskGroup:
        if (group := self.get_closest_mapped_task_group()) is not None:
            return group
        raise NotMapped

    @property
    def priority_weight_total(self) -> int:
        """The weight with that of the relatives its rule counts, within 32 bits."""
        from types import SimpleNamespace

        try:
            total = self.weight_rule.get_weight(
                SimpleNamespace(
                    task=self, dag_id=self.dag_id, task_id=self.task_id, run_id=None, map_index=-1, try_number=0
                )
            )
        except Exception as error:
            raise AirflowException(
                f"The weight rule of task {self.task_id!r} failed: {type(error).__name__}: {error}"
            ) from error
        return db_safe_priority(int(total))

    @property
    def operator_extra_link_dict(self) -> dict[str, Any]:
        """The links by name."""
        return {link.name: link for link in self.operator_extra_links}

    @property
    def extra_links(self) -> list[str]:
        """The links' names, sorted."""
        return sorted(self.operator_extra_link_dict)

    def get_extra_links(self, ti: Any, link_name: str) -> str | None:
        """The address of a link for a task instance; None without a link of that name."""
        from orchestration.authoring.operator_link import link_of

        return link_of(self, ti, link_name)

    def render_template_fields(self, context: Any, jinja_env: jinja2.Environment | None = None) -> None:
        """Render the templated fields; a mapped task puts its single task into the context."""
        raise NotImplementedError

    def get_template_env(self, dag: DAG | None = None) -> jinja2.Environment:
        """The environment of the task's DAG."""
        return super().get_template_env(dag if dag is not None else self.get_dag())

    def _render(self, template: jinja2.Template, context: Mapping[str, Any], dag: DAG | None = None) -> Any:
        return super()._render(template, context, dag if dag is not None else self.get_dag())

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Mapping[str, Any],
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        for name in template_fields:
            try:
                value = getattr(parent, name)
            except AttributeError:
                kind = getattr(parent, "task_type", type(parent).__name__)
                raise AttributeError(
                    f"template_fields of {kind} names {name!r}, but the object has no such attribute: "
                    "set it in __init__, or take the name out"
                ) from None
            if _is_empty(value):
                continue
            try:
                if callable(value) and not hasattr(value, "template_fields"):
                    rendered = value(context=context, jinja_env=jinja_env)
                else:
                    rendered = self.render_template(value, context, jinja_env, seen_oids)
            except Exception:
                shown = redact(value, name)
                self.log.exception("Field %r of task %r could not be rendered; it is %r", name, self.task_id, shown)
                raise
            setattr(parent, name, rendered)

    def __enter__(self) -> type[SetupTeardownContext]:
        refuse_work_task(self)
        SetupTeardownContext.push_setup_teardown_task(self)
        return SetupTeardownContext

    def __exit__(self, *exc: object) -> None:
        SetupTeardownContext.set_work_task_roots_and_leaves()


def _is_empty(value: Any) -> bool:
    """Whether there is nothing to render; values that do not say (a DataFrame) are rendered."""
    try:
        return not value
    except Exception:
        return False
