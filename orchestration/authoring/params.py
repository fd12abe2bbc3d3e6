"""Params: values of a DAG or task that a run may override, checked by JSON Schema (draft 2020-12).

Mirrors ``airflow.models.param``. jsonschema is imported at the first check that needs it.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import warnings
from collections.abc import ItemsView, Iterable, Iterator, Mapping, MutableMapping, ValuesView
from typing import TYPE_CHECKING, Any, ClassVar

from orchestration.authoring.exceptions import AirflowException, ParamValidationError, RemovedInAirflow3Warning
from orchestration.authoring.taskmixin import ResolveMixin
from orchestration.authoring.types import NOTSET, ArgNotSet
from orchestration.conf import conf

if TYPE_CHECKING:
    from orchestration.authoring.abstractoperator import AbstractOperator
    from orchestration.authoring.dag import DAG


#: Both APIs show this text, and clients compare it.
NO_VALUE = "No value passed and Param has no default value"


class Param:
    """A value with a description and a JSON Schema: ``Param(5, type="integer", minimum=3)``.

    Without a default (NOTSET) a run must give the value.
    """

    __version__: ClassVar[int] = 1
    CLASS_IDENTIFIER = "__class"

    def __init__(self, default: Any = NOTSET, description: str | None = None, **kwargs: Any) -> None:
        if default is not NOTSET:
            _warn_if_not_json(default)
        self.value = default
        self.description = description
        self.schema: dict[str, Any] = kwargs.pop("schema") if "schema" in kwargs else kwargs

    def __copy__(self) -> Param:
        return Param(self.value, self.description, schema=self.schema)

    def resolve(self, value: Any = NOTSET, suppress_exception: bool = False) -> Any:
        """Check the given value, or the own one, keep it and return it.

        ParamValidationError where there is none or it breaks the schema; None instead with ``suppress_exception``.
        """
        if value is not NOTSET:
            _warn_if_not_json(value)
        final = self.value if value is NOTSET else value
        problem = NO_VALUE if isinstance(final, ArgNotSet) else _schema_problem(final, self.schema)
        if problem is None:
            self.value = final
            return final
        if suppress_exception:
            return None
        raise ParamValidationError(problem) from None

    def dump(self) -> dict[str, Any]:
        """The param as the API shows it: ``__class``, ``value``, ``description``, ``schema``."""
        return {self.CLASS_IDENTIFIER: "airflow.models.param.Param", **self.serialize()}

    @property
    def has_value(self) -> bool:
        """Whether there is a value other than None."""
        return self.value is not NOTSET and self.value is not None

    def serialize(self) -> dict[str, Any]:
        """Value (None if not set), description and schema."""
        value = None if self.value is NOTSET else self.value
        return {"value": value, "description": self.description, "schema": self.schema}

    @staticmethod
    def deserialize(data: dict[str, Any], version: int) -> Param:
        """A param from what ``serialize`` gave."""
        _refuse_newer(version, Param.__version__)
        return Param(default=data["value"], description=data["description"], schema=data["schema"])


def _refuse_newer(version: int, known: int) -> None:
    if version > known:
        raise TypeError(f"The value was written in form {version}, and {known} is the newest that is known here")


def _warn_if_not_json(value: Any) -> None:
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        warnings.warn(f"A param is JSON, and {value!r} is no JSON", RemovedInAirflow3Warning, stacklevel=3)


def _schema_problem(value: Any, schema: dict[str, Any]) -> Any:
    """What is wrong with the value, None if nothing is."""
    if not schema:
        return None
    import jsonschema
    from jsonschema import FormatChecker
    from jsonschema.exceptions import ValidationError

    try:
        jsonschema.validate(value, schema, format_checker=FormatChecker())
    except ValidationError as error:
        is_moment = isinstance(error.schema, Mapping) and error.schema.get("format") == "date-time"
        return None if is_moment and _is_iso8601(value) else error
    return None


def _is_iso8601(value: Any) -> bool:
    """Whether the text is a moment that RFC 3339 does not allow (without an offset) but ISO 8601 does."""
    from pendulum.parsing import parse_iso8601

    try:
        moment = parse_iso8601(value)
    except Exception:
        return False
    if not isinstance(moment, dt.datetime):
        return False
    warnings.warn(f"A date-time param has an offset, and {value!r} has none", RemovedInAirflow3Warning, stacklevel=4)
    return True


class ParamsDict(MutableMapping[str, Any]):
    """The params of a DAG, task or run by name; reading one checks it, writing a plain value checks it too."""

    __version__: ClassVar[int] = 1
    __slots__ = ["_params", "suppress_exception"]

    def __init__(self, dict_obj: Mapping[str, Any] | None = None, suppress_exception: bool = False) -> None:
        source = dict_obj._params if isinstance(dict_obj, ParamsDict) else (dict_obj or {})
        self._params: dict[str, Param] = {
            name: value if isinstance(value, Param) else Param(value) for name, value in source.items()
        }
        self.suppress_exception = suppress_exception

    def __bool__(self) -> bool:
        return bool(self._params)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ParamsDict):
            return self.dump() == other.dump()
        return self.dump() == other if isinstance(other, dict) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __copy__(self) -> ParamsDict:
        return ParamsDict(self._params, self.suppress_exception)

    def __deepcopy__(self, memo: dict[int, Any] | None) -> ParamsDict:
        return ParamsDict(copy.deepcopy(self._params, memo), self.suppress_exception)

    def __contains__(self, name: object) -> bool:
        return name in self._params

    def __len__(self) -> int:
        return len(self._params)

    def __delitem__(self, name: str) -> None:
        del self._params[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._params)

    def __repr__(self) -> str:
        return repr(self.dump())

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self._params and not isinstance(value, Param):
            self._checked(name, value)
        else:
            self._params[name] = value if isinstance(value, Param) else Param(value)

    def __getitem__(self, name: str) -> Any:
        return self._params[name].resolve(suppress_exception=self.suppress_exception)

    def _checked(self, name: str, value: Any = NOTSET) -> Any:
        try:
            return self._params[name].resolve(value, self.suppress_exception)
        except ParamValidationError as error:
            raise ParamValidationError(f"Param {name!r}: {error}") from None

    def get_param(self, name: str) -> Param:
        """The param itself, unchecked."""
        return self._params[name]

    def items(self) -> ItemsView[str, Any]:
        """Names and params, unchecked."""
        return self._params.items()

    def values(self) -> ValuesView[Any]:
        """The params, unchecked."""
        return self._params.values()

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As of a dict; params of another ParamsDict replace those here, plain values are checked."""
        super().update(*(other._params if isinstance(other, ParamsDict) else other for other in args), **kwargs)

    def dump(self) -> dict[str, Any]:
        """The values by name; None for one that is missing or invalid."""
        return {name: param.resolve(suppress_exception=True) for name, param in self.items()}

    def validate(self) -> dict[str, Any]:
        """The values by name; ParamValidationError names the first that is missing or invalid."""
        return {name: self._checked(name) for name in self._params}

    def serialize(self) -> dict[str, Any]:
        """As ``dump``."""
        return self.dump()

    @staticmethod
    def deserialize(data: dict[str, Any], version: int) -> ParamsDict:
        """Params from what ``serialize`` gave."""
        _refuse_newer(version, ParamsDict.__version__)
        return ParamsDict(data)


class DagParam(ResolveMixin):
    """A run's value of one param as an argument: ``dag.param("name")``, or an argument of a ``@dag`` function."""

    def __init__(self, current_dag: DAG, name: str, default: Any = NOTSET) -> None:
        self._name, self._default = name, default
        if not isinstance(default, ArgNotSet):
            current_dag.params[name] = default

    def iter_references(self) -> Iterable[tuple[AbstractOperator, str]]:
        """No tasks."""
        return ()

    def resolve(self, context: Mapping[str, Any], *, include_xcom: bool = True) -> Any:
        """The value from the run's conf, else the default, else the run's params; AirflowException without any."""
        of_run = getattr(context.get("dag_run"), "conf", None) or {}
        by_default = {} if self._default is NOTSET else {self._name: self._default}
        for known in (of_run, by_default, context.get("params") or {}):
            if self._name in known:
                return known[self._name]
        raise AirflowException(f"Param {self._name!r} has no default, and the run gives no value: put it into its conf")


def process_params(dag: Any, task: Any, dag_run: Any, *, suppress_exception: bool) -> dict[str, Any]:
    """The values a task sees: the DAG's, over them the task's, over them the run's conf, all checked."""
    values = ParamsDict(suppress_exception=suppress_exception)
    for owner in (dag, task):
        values.update(copy.deepcopy(getattr(owner, "params", None) or {}))
    if conf.getboolean("core", "dag_run_conf_overrides_params", fallback=True):
        values.update(getattr(dag_run, "conf", None) or {})
    return values.validate()
