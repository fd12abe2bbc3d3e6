"""Lineage entities that DAG files name as inlets and outlets. Mirrors ``airflow.lineage.entities``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, ClassVar

#: The XCom keys under which lineage was kept.
PIPELINE_OUTLETS = "pipeline_outlets"
PIPELINE_INLETS = "pipeline_inlets"
AUTO = "auto"


@dataclass
class File:
    """A file, by its address."""

    template_fields: ClassVar[tuple[str, ...]] = ("url",)
    _airflow_module: ClassVar[str] = "airflow.lineage.entities"

    url: str
    type_hint: str | None = None


@dataclass(kw_only=True)
class User:
    """A person."""

    template_fields: ClassVar[tuple[str, ...]] = ("email", "first_name", "last_name")
    _airflow_module: ClassVar[str] = "airflow.lineage.entities"

    email: str
    first_name: str | None = None
    last_name: str | None = None


@dataclass(kw_only=True)
class Tag:
    """A word for grouping."""

    template_fields: ClassVar[tuple[str, ...]] = ("tag_name",)
    _airflow_module: ClassVar[str] = "airflow.lineage.entities"

    tag_name: str


@dataclass(kw_only=True)
class Column:
    """A column of a table."""

    template_fields: ClassVar[tuple[str, ...]] = ("name", "description", "data_type", "tags")
    _airflow_module: ClassVar[str] = "airflow.lineage.entities"

    name: str
    description: str | None = None
    data_type: str
    tags: list[Tag] = field(default_factory=list)


@dataclass(kw_only=True)
class Table:
    """A table of a database."""

    template_fields: ClassVar[tuple[str, ...]] = (
        "database",
        "cluster",
        "name",
        "tags",
        "description",
        "columns",
        "owners",
    )
    _airflow_module: ClassVar[str] = "airflow.lineage.entities"

    database: str
    cluster: str
    name: str
    tags: list[Tag] = field(default_factory=list)
    description: str | None = None
    columns: list[Column] = field(default_factory=list)
    owners: list[User] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    type_hint: str | None = None


def prepare_lineage(func: Callable[..., Any]) -> Callable[..., Any]:
    """Before a task: what its inlets and outlets are.

    An inlet may be an entity, a task or its id (what that task wrote), or ``auto`` (what the tasks directly upstream
    wrote). Templates in entities are rendered. AttributeError for inlets of another kind.
    """

    @wraps(func)
    def wrapper(self: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        if self.inlets or self.outlets:
            _prepare(self, context)
        return func(self, context, *args, **kwargs)

    return wrapper


def apply_lineage(func: Callable[..., Any]) -> Callable[..., Any]:
    """After a task that succeeded: leave its inlets and outlets as XComs."""

    @wraps(func)
    def wrapper(self: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
        value = func(self, context, *args, **kwargs)
        for key, entities in ((PIPELINE_OUTLETS, self.outlets), (PIPELINE_INLETS, self.inlets)):
            if entities:
                context["ti"].xcom_push(key=key, value=list(entities))
        return value

    return wrapper


def _prepare(task: Any, context: Any) -> None:
    inlets = task.inlets
    if isinstance(inlets, str) or hasattr(inlets, "task_id"):
        inlets = [inlets]
    if not isinstance(inlets, list | tuple):
        raise AttributeError(f"The inlets of {task.task_id!r} are a list, a task or a task's id, not {inlets!r}")
    named = {inlet if isinstance(inlet, str) else inlet.task_id for inlet in inlets if _is_task(inlet)}
    sources = named & set(task.get_flat_relative_ids(upstream=True))
    if named & {AUTO, AUTO.upper()}:
        sources |= set(task.upstream_task_ids)
    entities = [inlet for inlet in inlets if not _is_task(inlet)]
    if sources:
        found = context["ti"].xcom_pull(task_ids=sorted(sources), dag_id=task.dag_id, key=PIPELINE_OUTLETS)
        entities += [entity for written in found or () for entity in written or ()]
    outlets = task.outlets if isinstance(task.outlets, list | tuple) else [task.outlets]
    task.inlets = [task.render_template(entity, context) for entity in entities]
    task.outlets = [task.render_template(entity, context) for entity in outlets]


def _is_task(inlet: Any) -> bool:
    return isinstance(inlet, str) or hasattr(inlet, "task_id")
