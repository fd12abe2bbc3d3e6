"""Jinja in arguments: environments, the filters ``ds``, ``ts`` …, and the walk through templated fields.

Mirrors ``airflow.templates`` and ``airflow.template.templater``. Jinja2 is imported at the first use.
"""

from __future__ import annotations

import copy
import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestration.authoring.logging_mixin import LoggingMixin
from orchestration.authoring.taskmixin import ResolveMixin

if TYPE_CHECKING:
    import jinja2
    from jinja2.nativetypes import NativeEnvironment as _NativeBase
    from jinja2.sandbox import SandboxedEnvironment as _SandboxedBase

    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.dag import DAG

    class NativeEnvironment(_NativeBase): ...

    class SandboxedEnvironment(_SandboxedBase): ...


def ds_filter(value: dt.date | dt.time | None) -> str | None:
    """``2024-01-31``."""
    return None if value is None else value.strftime("%Y-%m-%d")


def ds_nodash_filter(value: dt.date | dt.time | None) -> str | None:
    """``20240131``."""
    return None if value is None else value.strftime("%Y%m%d")


def ts_filter(value: dt.date | dt.time | None) -> str | None:
    """``2024-01-31T12:00:00+00:00``."""
    return None if value is None else value.isoformat()


def ts_nodash_filter(value: dt.date | dt.time | None) -> str | None:
    """``20240131T120000``."""
    return None if value is None else value.strftime("%Y%m%dT%H%M%S")


def ts_nodash_with_tz_filter(value: dt.date | dt.time | None) -> str | None:
    """``20240131T120000+0000``."""
    return None if value is None else value.isoformat().replace("-", "").replace(":", "")


#: The filters by the names that templates use.
FILTERS = {
    function.__name__.removesuffix("_filter"): function
    for function in (ds_filter, ds_nodash_filter, ts_filter, ts_nodash_filter, ts_nodash_with_tz_filter)
}


def __getattr__(name: str) -> Any:
    if name in {"NativeEnvironment", "SandboxedEnvironment"}:
        globals().update(_make_environments())
        return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _make_environments() -> dict[str, type[jinja2.Environment]]:
    """The two environments; made late because Jinja2 takes a tenth of a second to import."""
    from jinja2 import nativetypes, sandbox

    class _WithFilters:
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.filters.update(FILTERS)  # type: ignore[attr-defined]  # of the environment mixed in

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            """Attributes with one leading underscore are allowed, the interpreter's own are not."""
            return not sandbox.is_internal_attribute(obj, attr)

    class NativeEnvironment(_WithFilters, nativetypes.NativeEnvironment):
        """Templates whose values stay Python types."""

    class SandboxedEnvironment(_WithFilters, sandbox.SandboxedEnvironment):
        """Templates that yield text and cannot reach the interpreter."""

    return {"NativeEnvironment": NativeEnvironment, "SandboxedEnvironment": SandboxedEnvironment}


def make_environment(*, native: bool = False, **options: Any) -> jinja2.Environment:
    """A fresh environment with the options of ``jinja2.Environment``."""
    name = "NativeEnvironment" if native else "SandboxedEnvironment"
    environment_class: type[jinja2.Environment] = globals().get(name) or __getattr__(name)
    return environment_class(**options)


def render_to_text(template: jinja2.Template, context: Mapping[str, Any]) -> str:
    """The template's text."""
    return "".join(_nodes(template, context))


def render_to_native(template: jinja2.Template, context: Mapping[str, Any]) -> Any:
    """The template's value; the template must come from a native environment."""
    from jinja2.nativetypes import native_concat

    return native_concat(_nodes(template, context))


def _nodes(template: jinja2.Template, context: Mapping[str, Any]) -> Iterable[Any]:
    """The pieces of the rendered template.

    ``Template.render`` would copy the context into a dict and with that compute every lazy value; this gives Jinja the
    mapping itself.
    """
    env = template.environment
    values: Any = copy.copy(context)
    for name, value in template.globals.items():
        if name not in values:
            values[name] = value
    try:
        return list(template.root_render_func(env.context_class(env, values, template.name, template.blocks)))
    except Exception:
        env.handle_exception()


@dataclass(frozen=True)
class LiteralValue(ResolveMixin):
    """A value that is passed on as it is, without rendering."""

    value: Any

    def iter_references(self) -> Iterable[tuple[AbstractOperator, str]]:
        """No tasks."""
        return ()

    def resolve(self, context: Mapping[str, Any], *, include_xcom: bool = True) -> Any:
        """The value."""
        return self.value


def literal(value: Any) -> LiteralValue:
    """Keep a value from being rendered: ``bash_command=literal("echo {{ not_a_template }}")``."""
    return LiteralValue(value)


class Templater(LoggingMixin):
    """What has templated fields: operators and notifiers."""

    #: The names of the attributes that are rendered.
    template_fields: Collection[str] = ()
    #: Endings of file names: a field that ends so is read from the file.
    template_ext: Sequence[str] = ()

    def get_template_env(self, dag: DAG | None = None) -> jinja2.Environment:
        """The DAG's environment, or a bare one."""
        return dag.get_template_env() if dag else make_environment(cache_size=0)

    def prepare_template(self) -> None:
        """Hook for subclasses: the fields hold their files' content now and are not rendered yet."""

    def resolve_template_files(self) -> None:
        """Put the content of named files into the fields; one that is not found is logged and left as it is."""
        if self.template_ext:
            for name in self.template_fields:
                content = getattr(self, name, None)
                if isinstance(content, str):
                    source = self._read_template_file(content, name)
                    if source is not None:
                        setattr(self, name, source)
                elif isinstance(content, list):
                    for position, member in enumerate(content):
                        source = self._read_template_file(member, name) if isinstance(member, str) else None
                        if source is not None:
                            content[position] = source
        self.prepare_template()

    def _read_template_file(self, path: str, field: str) -> str | None:
        if not path.endswith(tuple(self.template_ext)):
            return None
        env = self.get_template_env()
        try:
            if env.loader is None:
                raise FileNotFoundError("no DAG, so no folder to look in")
            return env.loader.get_source(env, path)[0]
        except Exception:
            self.log.exception("The file %r of the template field %r cannot be read", path, field)
            return None

    def _do_render_template_fields(
        self,
        parent: Any,
        template_fields: Iterable[str],
        context: Mapping[str, Any],
        jinja_env: jinja2.Environment,
        seen_oids: set[int],
    ) -> None:
        for name in template_fields:
            if rendered := self.render_template(getattr(parent, name), context, jinja_env, seen_oids):
                setattr(parent, name, rendered)

    def _render(self, template: jinja2.Template, context: Mapping[str, Any], dag: DAG | None = None) -> Any:
        is_native = dag is not None and dag.render_template_as_native_obj
        return render_to_native(template, context) if is_native else render_to_text(template, context)

    def render_template(
        self,
        content: Any,
        context: Mapping[str, Any],
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """The value with every template in it rendered: in texts, collections, and objects with ``template_fields``."""
        seen = seen_oids if seen_oids is not None else set()
        if id(content) in seen:
            return content
        env = jinja_env or self.get_template_env()

        def each(members: Iterable[Any]) -> Iterator[Any]:
            return (self.render_template(member, context, env, seen) for member in members)

        match content:
            case str():
                is_file = bool(self.template_ext) and content.endswith(tuple(self.template_ext))
                return self._render(env.get_template(content) if is_file else env.from_string(content), context)
            case ResolveMixin():
                return content.resolve(context, include_xcom=True)
            case dict():
                return dict(zip(content, each(content.values()), strict=True))
            case list():
                return list(each(content))
            case set():
                return set(each(content))
            case tuple() if type(content) is tuple:
                return tuple(each(content))
            case tuple():  # one with named members
                return type(content)(*each(content))
        if hasattr(content, "render_path"):  # an object storage path
            return content.render_path(lambda text: self._render(env.from_string(text), context))
        self._render_nested_template_fields(content, context, env, seen)
        return content

    def _render_nested_template_fields(
        self, value: Any, context: Mapping[str, Any], jinja_env: jinja2.Environment, seen_oids: set[int]
    ) -> None:
        fields = getattr(value, "template_fields", None)
        is_new = id(value) not in seen_oids
        seen_oids.add(id(value))
        if is_new and fields is not None:
            self._do_render_template_fields(value, fields, context, jinja_env, seen_oids)
