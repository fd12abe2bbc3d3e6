"""The context of a running task: what templates and ``**kwargs`` see.

Mirrors ``airflow.utils.context`` and ``TaskInstance.get_template_context`` of Airflow 2.10.5. Values that cost a
question to the store or a look into the timetable are found when they are first asked for.

For the runner::

    context = build(start_document, dag, task)      # a Context; context["ti"] is the TaskInstance
    context["ti"].render_templates()                # a mapped task is replaced by its single task
    with set_current_context(context):
        context["ti"].task.execute(context)
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, MutableMapping, ValuesView
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestration.authoring import timezone
from orchestration.authoring.exceptions import AirflowException, AirflowNotFoundException, RemovedInAirflow3Warning
from orchestration.authoring.lazy import LazyProxy
from orchestration.authoring.types import NOTSET

if TYPE_CHECKING:
    from pendulum import DateTime

    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.dag import DAG
    from orchestration.authoring.taskinstance import TaskInstance

#: Every name a context may have; a decorated function's parameter of such a name is filled in.
KNOWN_CONTEXT_KEYS: frozenset[str] = frozenset(
    {
        "conf", "conn", "dag", "dag_run", "data_interval_end", "data_interval_start", "ds", "ds_nodash",
        "execution_date", "expanded_ti_count", "exception", "inlets", "inlet_events", "logical_date", "macros",
        "map_index_template", "next_ds", "next_ds_nodash", "next_execution_date", "outlets", "outlet_events", "params",
        "prev_data_interval_start_success", "prev_data_interval_end_success", "prev_ds", "prev_ds_nodash",
        "prev_execution_date", "prev_execution_date_success", "prev_start_date_success", "prev_end_date_success",
        "reason", "run_id", "task", "task_instance", "task_instance_key_str", "test_mode", "templates_dict", "ti",
        "tomorrow_ds", "tomorrow_ds_nodash", "triggering_dataset_events", "ts", "ts_nodash", "ts_nodash_with_tz",
        "try_number", "var", "yesterday_ds", "yesterday_ds_nodash",
    }
)  # fmt: skip

#: What to use in place of a deprecated name.
DEPRECATED_KEYS: Mapping[str, tuple[str, ...]] = {
    "execution_date": ("data_interval_start", "logical_date"),
    "next_ds": ("{{ data_interval_end | ds }}",),
    "next_ds_nodash": ("{{ data_interval_end | ds_nodash }}",),
    "next_execution_date": ("data_interval_end",),
    "prev_ds": (),
    "prev_ds_nodash": (),
    "prev_execution_date": (),
    "prev_execution_date_success": ("prev_data_interval_start_success",),
    "tomorrow_ds": (),
    "tomorrow_ds_nodash": (),
    "yesterday_ds": (),
    "yesterday_ds_nodash": (),
    "conf": (),
}


class AirflowContextDeprecationWarning(RemovedInAirflow3Warning):
    """A deprecated name of the context was used."""


class _Late:
    """A value still to be found."""

    __slots__ = ("find",)

    def __init__(self, find: Callable[[], Any]) -> None:
        self.find = find


class Context(MutableMapping[str, Any]):
    """A mapping whose deprecated names warn when they are read, and whose costly values are found when they are."""

    def __init__(self, context: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        self._values: dict[str, Any] = dict(context._values if isinstance(context, Context) else context or {})
        self._values.update(kwargs)
        self._deprecated = set(DEPRECATED_KEYS)

    def __repr__(self) -> str:
        shown = {key: "…" if isinstance(value, _Late) else value for key, value in self._values.items()}
        return repr(shown)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self._found_values()),)

    def __copy__(self) -> Context:
        new = type(self)()
        new._values = dict(self._values)
        new._deprecated = set(self._deprecated)
        return new

    def copy(self) -> Context:
        """Another context with the same values."""
        return self.__copy__()

    def __getitem__(self, key: str) -> Any:
        if key in self._deprecated and key in self._values:
            _warn_of(key)
        return self._find(key)

    def _find(self, key: str) -> Any:
        value = self._values[key]
        if isinstance(value, _Late):
            value = self._values[key] = value.find()
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        self._deprecated.discard(key)
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._deprecated.discard(key)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        return self._values == other._values if isinstance(other, Context) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._values.keys()

    def items(self) -> ItemsView[str, Any]:
        """Names and values, without warnings; every value is found."""
        return dict(self._found_values()).items()

    def values(self) -> ValuesView[Any]:
        """The values, without warnings; every value is found."""
        return dict(self._found_values()).values()

    def _found_values(self) -> Iterator[tuple[str, Any]]:
        for key in list(self._values):
            yield key, self._find(key)

    def for_unpacking(self) -> dict[str, Any]:
        """A dict for ``f(**…)``: values not found yet are proxies that find themselves when used.

        None is a value often compared by ``is``, so those that may be None are found, except the deprecated ones.
        """
        unpacked: dict[str, Any] = {}
        for key, value in self._values.items():
            if not isinstance(value, _Late):
                unpacked[key] = value
            elif key in self._deprecated:
                unpacked[key] = LazyProxy(lambda key=key: self[key])  # type: ignore[misc]  # bound now
            else:
                unpacked[key] = self._find(key)
        return unpacked


def _warn_of(key: str) -> None:
    instead = " or ".join(repr(name) for name in DEPRECATED_KEYS[key])
    advice = f" Write {instead}." if instead else ""
    warnings.warn(f"{key} will leave the context.{advice}", AirflowContextDeprecationWarning, stacklevel=3)


def context_merge(context: Any, *args: Any, **kwargs: Any) -> None:
    """``context.update``."""
    context.update(*args, **kwargs)


def context_copy_partial(source: Context, keys: Iterable[str]) -> Context:
    """A context with only those names."""
    wanted = set(keys)
    new = source.copy()
    new._values = {key: value for key, value in new._values.items() if key in wanted}
    return new


def lazy_mapping_from_context(source: Any) -> Mapping[str, Any]:
    """A dict for ``f(**…)``; a plain mapping stays as it is."""
    return source.for_unpacking() if isinstance(source, Context) else source


def context_update_for_unmapped(context: Any, task: Any) -> None:
    """Put the single task of a mapped one into the context, with its params."""
    from orchestration.authoring.params import process_params

    params = process_params(context["dag"], task, context["dag_run"], suppress_exception=False)
    context.update(task=task, params=params, inlets=task.inlets, outlets=task.outlets)
    context["ti"].task = task


_open_contexts: list[Any] = []


@contextlib.contextmanager
def set_current_context(context: Any) -> Iterator[Any]:
    """Make the context the one that ``get_current_context`` gives, while a task executes."""
    _open_contexts.append(context)
    try:
        yield context
    finally:
        _open_contexts.pop()


def get_current_context() -> Any:
    """The context of the executing task; AirflowException outside of one."""
    if not _open_contexts:
        raise AirflowException("There is a context only while a task runs: ask for it within execute() or a @task")
    return _open_contexts[-1]


def executing_task() -> Any:
    """The task whose ``execute`` runs in this process, None outside of one."""
    return _open_contexts[-1]["task"] if _open_contexts and "task" in _open_contexts[-1] else None


class _Accessor:
    """Finds values by attribute; written out in a template it is the value found last."""

    var: Any = None

    def _find(self, key: str) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by copy and pickle
            raise AttributeError(name)
        self.var = self._find(name)
        return self.var

    def __repr__(self) -> str:
        return f"{self.var}"


class VariableAccessor(_Accessor):
    """``var.value`` and ``var.json`` of templates: ``{{ var.value.my_key }}``, ``{{ var.json.get("key", {}) }}``."""

    def __init__(self, *, deserialize_json: bool) -> None:
        self._is_json = deserialize_json

    def _find(self, key: str) -> Any:
        return self.get(key)

    def get(self, key: str, default: Any = NOTSET) -> Any:
        """The variable, or the default; KeyError without either."""
        from orchestration.authoring.variable import Variable

        given = {} if default is NOTSET else {"default_var": default}
        return Variable.get(key, deserialize_json=self._is_json, **given)


class ConnectionAccessor(_Accessor):
    """``conn`` of templates: ``{{ conn.my_conn.host }}``."""

    def _find(self, key: str) -> Any:
        from orchestration.authoring.connection import Connection

        return Connection.get_connection_from_secrets(key)

    def get(self, key: str, default_conn: Any = None) -> Any:
        """The connection, or the default."""
        with contextlib.suppress(AirflowNotFoundException):
            return self._find(key)
        return default_conn


def build(start_document: Mapping[str, Any], dag: DAG, task: AbstractOperator) -> Context:
    """The context of one try, from what the supervisor sent.

    ``start_document``: ``{"ti": {…}, "run": RunValue, "dag": {…}, "expansion": {…}}``; see ``TaskInstance.of``.
    ``task`` is the DAG's task; a mapped one is replaced by its single task when templates are rendered.
    """
    from orchestration.authoring.dagrun import DagRun
    from orchestration.authoring.taskinstance import TaskInstance

    run = DagRun.of(start_document["run"], dag)
    ti = TaskInstance.of(start_document, task, run)
    return for_task_instance(ti)


def for_task_instance(ti: TaskInstance, *, ignore_param_exceptions: bool = True) -> Context:
    """The context of a task instance. ParamValidationError for invalid params unless they are to be ignored."""
    from orchestration.authoring.outlet_events import InletEventsAccessors, OutletEventAccessors, triggering_events
    from orchestration.authoring.params import process_params

    task, run = ti.task, ti.dag_run
    dag: DAG = task.dag
    dates = _Dates(ti, dag)
    logical = run.logical_date
    interval = dag.get_run_data_interval(run)
    ds, ts = logical.strftime("%Y-%m-%d"), logical.isoformat()
    context = Context(
        dag=dag,
        dag_run=run,
        data_interval_end=timezone.coerce_datetime(interval.end),
        data_interval_start=timezone.coerce_datetime(interval.start),
        outlet_events=OutletEventAccessors(),
        ds=ds,
        ds_nodash=ds.replace("-", ""),
        execution_date=logical,
        inlets=task.inlets,
        inlet_events=InletEventsAccessors(task.inlets),
        logical_date=logical,
        map_index_template=getattr(task, "map_index_template", None),
        outlets=task.outlets,
        params=process_params(dag, task, run, suppress_exception=ignore_param_exceptions),
        run_id=run.run_id,
        task=task,
        task_instance=ti,
        task_instance_key_str=f"{dag.dag_id}__{task.task_id}__{ds.replace('-', '')}",
        test_mode=ti.test_mode,
        ti=ti,
        triggering_dataset_events=LazyProxy(lambda: triggering_events(run.id)),
        ts=ts,
        ts_nodash=logical.strftime("%Y%m%dT%H%M%S"),
        ts_nodash_with_tz=ts.replace("-", "").replace(":", ""),
        var={"json": VariableAccessor(deserialize_json=True), "value": VariableAccessor(deserialize_json=False)},
        conn=ConnectionAccessor(),
    )
    late: dict[str, Callable[[], Any]] = {
        "conf": lambda: __import__("orchestration.conf", fromlist=["conf"]).conf,
        "macros": _macros,
        "expanded_ti_count": ti.expanded_ti_count,
        "next_execution_date": lambda: dates.next,
        "next_ds": lambda: _day(dates.next),
        "next_ds_nodash": lambda: _day(dates.next, "%Y%m%d"),
        "prev_execution_date": lambda: dates.previous,
        "prev_ds": lambda: _day(dates.previous),
        "prev_ds_nodash": lambda: _day(dates.previous, "%Y%m%d"),
        "tomorrow_ds": lambda: _day(logical + timedelta(days=1)),
        "tomorrow_ds_nodash": lambda: _day(logical + timedelta(days=1), "%Y%m%d"),
        "yesterday_ds": lambda: _day(logical - timedelta(days=1)),
        "yesterday_ds_nodash": lambda: _day(logical - timedelta(days=1), "%Y%m%d"),
        "prev_data_interval_start_success": lambda: dates.of_last_success("start"),
        "prev_data_interval_end_success": lambda: dates.of_last_success("end"),
        "prev_start_date_success": lambda: dates.last_success and dates.last_success.start_date,
        "prev_end_date_success": lambda: dates.last_success and dates.last_success.end_date,
        "prev_execution_date_success": lambda: ti.get_previous_execution_date(state="success"),
    }
    context._values.update({name: _Late(find) for name, find in late.items()})
    return context


def _macros() -> Any:
    from orchestration.authoring import macros

    return macros


def _day(moment: DateTime | None, form: str = "%Y-%m-%d") -> str | None:
    return None if moment is None else moment.strftime(form)


class _Dates:
    """The dates of the runs before and after, found once."""

    def __init__(self, ti: TaskInstance, dag: DAG) -> None:
        self._ti, self._dag, self._run = ti, dag, ti.dag_run

    @cached_property
    def next(self) -> DateTime | None:
        """When the scheduled run after this one has its logical date; of a triggered run its own."""
        if self._run.external_trigger:
            return self._run.execution_date
        info = self._dag.next_dagrun_info(self._dag.get_run_data_interval(self._run), restricted=False)
        return None if info is None else timezone.coerce_datetime(info.logical_date)

    @cached_property
    def previous(self) -> DateTime | None:
        """The logical date of the scheduled run before; of a triggered run its own."""
        if self._run.external_trigger:
            return self._run.execution_date
        return self._dag.previous_interval_start(self._run.logical_date)

    @cached_property
    def last_success(self) -> Any:
        """The last earlier run that succeeded."""
        return self._ti.get_previous_dagrun(state="success")

    def of_last_success(self, end: str) -> DateTime | None:
        """One end of that run's interval."""
        if self.last_success is None:
            return None
        moment: datetime = getattr(self._dag.get_run_data_interval(self.last_success), end)
        return timezone.coerce_datetime(moment)
