"""Query parameters: declared as django-filter filters, read strictly, and applied without forms.

A ``ParameterSet`` is a ``FilterSet`` that lists every documented parameter of an operation and no other, those of
paging and ordering among them. ``read`` checks a query against it, ``apply`` narrows a queryset. Both touch only what
was sent: a list that is asked without filters pays nothing for having twenty of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, TypeVar

import django_filters
from django.db.models import QuerySet
from django.http import QueryDict

from api_v1.moments import moment
from api_v1.problems import Problem, bad_request

_INTEGER = re.compile(r"\s*[+-]?\d{1,40}\s*", re.ASCII)
_NUMBER = re.compile(r"\s*[+-]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,3})?\s*", re.ASCII)
INT64_MAX = 2**63 - 1
QS = TypeVar("QS", bound="QuerySet[Any]")


class Parameter(django_filters.Filter):
    """One query parameter. ``on`` is the column it narrows, with ``lookup_expr``; without it, a view reads the value.

    ``is_required``: the query must have it. ``default``: what the view takes where it is not sent. ``read`` turns the
    texts sent (at least one) into the value.
    """

    type_name: ClassVar[str] = "string"
    #: What the texts look like, and the least number that does not end in an error: for the schema only.
    pattern: str | None = None
    least: int | None = None

    def __init__(
        self,
        on: str | None = None,
        lookup_expr: str = "exact",
        *,
        help_text: str = "",
        is_required: bool = False,
        default: bool | int | None = None,
        **more: Any,
    ) -> None:
        super().__init__(field_name=on, lookup_expr=lookup_expr, help_text=help_text, required=is_required, **more)
        self.is_required = is_required
        self.default = default
        self.on = on  # django-filter puts the parameter's own name into a field_name that is None

    def read(self, texts: list[str]) -> Any:
        """The value; of a repeated parameter the last. Raises ValueError with a sentence."""
        return self.value(texts[-1])

    def value(self, text: str) -> Any:
        """The value of one text."""
        return clean(text)

    def filter(self, qs: Any, value: Any) -> Any:
        return qs.filter(**{f"{self.on}__{self.lookup_expr}": value}) if self.on else qs


def clean(text: str) -> str:
    """``text``, unless it cannot be compared on every database: NUL and what was not UTF-8 raise ValueError."""
    if "\0" in text or "\ufffd" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
        raise ValueError("The value holds signs that no stored text has.")
    return text


class TextParameter(Parameter, django_filters.CharFilter):
    """A text."""


class GivenTextParameter(TextParameter):
    """A text that narrows unless it is empty."""

    def filter(self, qs: Any, value: str) -> Any:
        return super().filter(qs, value) if value else qs


class WholeParameter(Parameter, django_filters.NumberFilter):
    """A whole number."""

    type_name = "integer"

    def __init__(
        self, on: str | None = None, lookup_expr: str = "exact", *, minimum: int | None = None, **more: Any
    ) -> None:
        super().__init__(on, lookup_expr, **more)
        self.minimum = minimum

    def value(self, text: str) -> int:
        if _INTEGER.fullmatch(text) is None:
            raise TypeError
        number = int(text)
        if self.minimum is not None and number < self.minimum:
            raise ValueError(f"{number} is less than the minimum of {self.minimum}")
        if not -INT64_MAX <= number <= INT64_MAX:
            raise ValueError(f"{text.strip()[:40]} is beyond 64 bits")
        return number

    def filter(self, qs: Any, value: Any) -> Any:
        if self.on and not -(2**31) <= value < 2**31:
            return qs.none()  # no column holds it
        return super().filter(qs, value)


class NumberParameter(Parameter, django_filters.NumberFilter):
    """A number."""

    type_name = "number"

    def __init__(
        self,
        on: str | None = None,
        lookup_expr: str = "exact",
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        **more: Any,
    ) -> None:
        super().__init__(on, lookup_expr, **more)
        self.minimum = minimum
        self.maximum = maximum

    def value(self, text: str) -> float:
        if _NUMBER.fullmatch(text) is None:
            raise TypeError
        number = float(text)
        if number in (float("inf"), float("-inf")):
            raise ValueError("The number is too large.")
        if self.minimum is not None and number < self.minimum:
            raise ValueError(f"{number} is less than the minimum of {self.minimum}")
        if self.maximum is not None and number > self.maximum:
            raise ValueError(f"{number} is greater than the maximum of {self.maximum}")
        return number


class TruthParameter(Parameter, django_filters.BooleanFilter):
    """``true`` or ``false`` in any case."""

    type_name = "boolean"

    def value(self, text: str) -> bool:
        word = text.lower()
        if word not in {"true", "false"}:
            raise TypeError
        return word == "true"


class MomentParameter(Parameter, django_filters.IsoDateTimeFilter):
    """An RFC 3339 moment with an offset."""

    def value(self, text: str) -> datetime:
        return moment(text)


class ListParameter(Parameter, django_filters.BaseCSVFilter, django_filters.CharFilter):
    """Texts: separated by commas, or the parameter repeated, or both. ``is_exploded`` False: only the last counts."""

    type_name = "array"

    def __init__(
        self, on: str | None = None, lookup_expr: str = "in", *, is_exploded: bool = True, **more: Any
    ) -> None:
        super().__init__(on, lookup_expr, **more)
        self.is_exploded = is_exploded

    def read(self, texts: list[str]) -> list[str]:
        return [clean(part) for part in (",".join(texts) if self.is_exploded else texts[-1]).split(",")]


def page_limit(*, is_heeded: bool = True) -> WholeParameter:
    """``limit``; not ``is_heeded`` where it is accepted and means nothing."""
    parameter = WholeParameter(help_text="The number of items to return.", default=100)
    parameter.least = 0 if is_heeded else None  # a smaller one is refused by the view, with a title of its own
    return parameter


def page_offset() -> WholeParameter:
    return WholeParameter(minimum=0, help_text="The number of items to skip before the first one returned.")


def ordered_by(names: str = "") -> TextParameter:
    """``order_by``; ``names`` says by what, for people."""
    told = f" One of: {names}." if names else ""
    parameter = TextParameter(
        help_text=f"The name of the field to order by, with - before it for descending order.{told}"
    )
    parameter.pattern = _order_pattern(names)
    return parameter


def _order_pattern(names: str) -> str | None:
    """The regular expression for the texts that ``names`` allows; None where it does not list them."""
    plain = names.removesuffix(" (ascending only)")
    listed = plain.split(", ")
    if not all(re.fullmatch(r"-?\w+", name) for name in listed):
        return None
    one_way = "|".join("-+" + name.removeprefix("-") for name in listed if name.startswith("-"))
    any_way = "|".join(name for name in listed if not name.startswith("-"))
    dashes = "" if plain != names else "-*"
    return f"^({dashes}({any_way}){f'|{one_way}' if one_way else ''})$"


def return_fields() -> ListParameter:
    return ListParameter(help_text="The fields to return; all when it is not given.")


def masked_by() -> ListParameter:
    return ListParameter(is_exploded=False, help_text="The fields to update; all that are sent when it is not given.")


class ParameterSet(django_filters.FilterSet):
    """All query parameters of an operation, and no other."""

    #: The declared parameters by name.
    base_filters: ClassVar[dict[str, Parameter]]  # type: ignore[assignment,misc]  # the stubs have an instance variable

    @classmethod
    def required(cls) -> tuple[str, ...]:
        """Names of the parameters a query must have."""
        known: tuple[str, ...] | None = cls.__dict__.get("_required")
        if known is None:
            known = tuple(name for name, parameter in cls.base_filters.items() if parameter.is_required)
            cls._required = known
        return known

    _required: ClassVar[tuple[str, ...]]

    @classmethod
    def read(cls, query: QueryDict) -> dict[str, Any]:
        """The values that were sent, by name. Raises Problem (400)."""
        if not query:
            if required := cls.required():
                raise bad_request(f"Missing query parameter '{required[0]}'")
            return {}
        known = cls.base_filters
        unknown = sorted(name[:100] for name in query if name not in known)
        if unknown:
            raise Problem(400, f"Extra query parameter(s) {', '.join(unknown)} not in spec", title=None)
        values: dict[str, Any] = {}
        for name, texts in query.lists():
            parameter = known[name]
            try:
                values[name] = parameter.read(texts)
            except TypeError:
                raise bad_request(
                    f"Wrong type, expected '{parameter.type_name}' for query parameter '{name}'"
                ) from None
            except ValueError as error:
                raise bad_request(f"{error} - '{name}'") from None
        for name in cls.required():
            if name not in values:
                raise bad_request(f"Missing query parameter '{name}'")
        return values

    @classmethod
    def apply(cls, queryset: QS, values: Mapping[str, Any]) -> QS:
        """The rows of ``queryset`` that the values select."""
        for name, value in values.items():
            queryset = cls.base_filters[name].filter(queryset, value)
        return queryset


class NoParameters(ParameterSet):
    """An operation that takes none: any is refused."""


def moment_range(column: str, told: str) -> tuple[MomentParameter, MomentParameter]:
    """``…_gte`` and ``…_lte`` of a column."""
    return (
        MomentParameter(column, "gte", help_text=f"{told} at this moment or later."),
        MomentParameter(column, "lte", help_text=f"{told} at this moment or earlier."),
    )
