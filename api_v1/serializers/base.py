"""What bodies are made of: strict fields, and serializers that check in the reference's two stages.

First the *form* of a body (types, nulls, enumerations, read-only and required members), before permissions are asked;
then its *meaning* (unknown members, lengths, what belongs together) by the serializer's own validation.
Nothing is coerced: ``"80"`` is not an integer, ``1`` is not a boolean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from rest_framework import serializers

from api_v1.moments import moment
from api_v1.problems import bad_request

#: Characters of a refused value that an error shows.
_SHOWN = 200
#: A moment as the reference reads it where its document says ``format: datetime``: digits and signs may be left out.
_LOOSE = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)[T ](\d\d?):(\d\d?)(?::(\d\d?)(?:\.(\d{1,6})\d{0,6})?)?(Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
INT32_MIN, INT32_MAX = -(2**31), 2**31 - 1
INT64_MAX = 2**63 - 1


def shown(value: Any) -> str:
    """A refused value as the errors show it, cut."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def wrong_type(value: Any, name: str) -> str:
    return f"{shown(value)} is not of type '{name}'"


class FormError(Exception):
    """A value has the wrong form; ``path`` leads to it."""

    def __init__(self, message: str, path: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message, self.path = message, path


class _Strict:
    """A field that knows the form of its values. ``is_secret`` keeps the value out of errors."""

    type_name: ClassVar[str] = "string"
    python_types: ClassVar[tuple[type, ...]] = (str,)
    is_secret = False
    allow_null: bool

    def check_form(self, value: Any) -> None:
        """Raise FormError unless ``value`` has the field's form."""
        if value is None and self.allow_null:
            return
        if not isinstance(value, self.python_types) or (isinstance(value, bool) and bool not in self.python_types):
            raise FormError(
                f"The value is not of type '{self.type_name}'" if self.is_secret else wrong_type(value, self.type_name)
            )
        self.check_value(value)

    def check_value(self, value: Any) -> None:
        """Further demands on the form of a value of the right type."""


class Text(_Strict, serializers.CharField):
    """A text, kept as it is. ``is_secret``: never shown in an error."""

    def __init__(self, *, is_secret: bool = False, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "allow_blank": True, **options})
        self.is_secret = is_secret

    def to_internal_value(self, data: Any) -> str:
        return str(data)


class FilledText(Text):
    """A text that is not empty."""

    def check_value(self, value: Any) -> None:
        if not value:
            raise FormError(f"{shown(value)} should be non-empty")


class Whole(_Strict, serializers.IntegerField):
    """A whole number; by default one that a 32-bit column holds."""

    type_name = "integer"
    python_types = (int,)

    def __init__(self, *, min_value: int = INT32_MIN, max_value: int = INT32_MAX, **options: Any) -> None:
        super().__init__(min_value=min_value, max_value=max_value, **options)

    def check_value(self, value: Any) -> None:
        assert self.min_value is not None and self.max_value is not None
        if value < self.min_value:
            raise FormError(f"{value} is less than the minimum of {self.min_value}")
        if value > self.max_value:
            raise FormError(f"{value} is greater than the maximum of {self.max_value}")


class Number(_Strict, serializers.FloatField):
    """A number."""

    type_name = "number"
    python_types = (int, float)

    def to_internal_value(self, data: Any) -> float:
        return float(data)


class Truth(_Strict, serializers.BooleanField):
    """``true`` or ``false``."""

    type_name = "boolean"
    python_types = (bool,)

    def to_internal_value(self, data: Any) -> bool:
        return bool(data)


class Moment(_Strict, serializers.DateTimeField):
    """An RFC 3339 moment; keeps its offset."""

    def check_value(self, value: Any) -> None:
        try:
            moment(value)
        except ValueError as error:
            raise FormError(str(error)) from None

    def to_internal_value(self, value: Any) -> datetime:
        return moment(value)

    def to_representation(self, value: Any) -> Any:
        return value


class LooseMoment(Moment):
    """A moment whose format is looked at with the meaning, not with the form: ``format: datetime`` in the reference."""

    def check_value(self, value: Any) -> None:
        pass

    def to_internal_value(self, value: Any) -> datetime:
        match = _LOOSE.fullmatch(value)
        if match is None:
            raise serializers.ValidationError("Not a valid datetime.")
        *parts, fraction, offset = match.groups()
        if offset is None:
            raise bad_request("Naive datetime is disallowed", title="Invalid datetime format")
        year, month, day, hour, minute, second = (part or "0" for part in parts)
        zone = "+00:00" if offset == "Z" else f"{offset[:3]}:{offset[3:].removeprefix(':') or '00'}"
        micro = f".{fraction}" if fraction else ""
        try:
            return moment(f"{year}-{month:0>2}-{day:0>2}T{hour:0>2}:{minute:0>2}:{second:0>2}{micro}{zone}")
        except ValueError:
            raise serializers.ValidationError("Not a valid datetime.") from None


class Choice(_Strict, serializers.ChoiceField):
    """One of some texts."""

    def __init__(self, choices: Sequence[str], **options: Any) -> None:
        super().__init__(choices=list(choices), **options)

    def check_form(self, value: Any) -> None:
        if value is None and self.allow_null:
            return
        if not isinstance(value, str):
            raise FormError(wrong_type(value, "string"))
        if value not in self.choices:
            raise FormError(f"{shown(value)} is not one of {list(self.choices)}")


class Object(_Strict, serializers.DictField):
    """Any JSON object."""

    type_name = "object"
    python_types = (dict,)

    def to_internal_value(self, data: Any) -> Any:
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class Listing(_Strict, serializers.ListField):
    """A list of ``child``."""

    type_name = "array"
    python_types = (list,)

    def check_value(self, value: Any) -> None:
        if self.min_length is not None and len(value) < self.min_length:
            raise FormError(
                f"{shown(value)} should be non-empty" if self.min_length == 1 else f"{shown(value)} is too short"
            )
        for index, item in enumerate(value):
            _check_at(self.child, item, str(index))


def _check_at(field: Any, value: Any, at: str) -> None:
    try:
        field.check_form(value)
    except FormError as error:
        raise FormError(error.message, (at, *error.path)) from None


class BodySerializer(serializers.Serializer[Any]):
    """A request's body. Members are declared with the fields of this module; nothing else is accepted.

    Members in ``unsettable`` are refused with the form, ``required`` fields missed with the form; members in
    ``required_late`` are missed with the meaning, as the reference does for most. ``aliases`` maps other accepted names
    to members.
    """

    #: Members of the answer that may not be sent.
    unsettable: ClassVar[frozenset[str]] = frozenset()

    #: Names that must be there, but are only missed with the meaning.
    required_late: ClassVar[tuple[str, ...]] = ()
    #: Accepted name → member; both given is refused unless they are equal.
    aliases: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def form(cls) -> Mapping[str, Any]:
        """The fields by name, made once."""
        known: Mapping[str, Any] | None = cls.__dict__.get("_form")
        if known is None:
            known = dict(cls().fields)
            cls._form = known
        return known

    _form: ClassVar[Mapping[str, Any]]

    @classmethod
    def check_body(cls, data: Any) -> None:
        """Raise Problem (400) unless ``data`` has the body's form."""
        try:
            cls.check_members(data)
        except FormError as error:
            at = f" - '{'.'.join(error.path)}'" if error.path else ""
            raise bad_request(f"{error.message}{at}") from None

    @classmethod
    def check_members(cls, data: Any) -> None:
        """Raise FormError unless ``data`` is an object whose known members have their forms."""
        if not isinstance(data, dict):
            raise FormError(wrong_type(data, "object"))
        fields = cls.form()
        for name, field in fields.items():
            if field.required and name not in data:
                raise FormError(f"'{name}' is a required property")
        for name, value in data.items():
            if name in cls.unsettable:
                raise FormError("Property is read-only", (name,))
            field = fields.get(cls.aliases.get(name, name))
            if field is not None:
                _check_at(field, value, name)

    def check_form(self, value: Any) -> None:
        """For use as the child of a list, or as a member."""
        if value is None and self.allow_null:
            return
        self.check_members(value)

    @classmethod
    def load(cls, data: Any, **context: Any) -> dict[str, Any]:
        """The members that were sent, as Python values under the names of the fields' sources.

        Raises Problem (400) for unknown members and for what breaks a rule.
        """
        cls.refuse_unknown(data)
        plain = cls._without_aliases(data)
        missing = [name for name in cls.required_late if name not in plain]
        if missing:
            raise bad_request(str({name: ["Missing data for required field."] for name in missing}))
        serializer = cls(data=plain, context=context)
        if not serializer.is_valid():
            raise bad_request(_as_text(serializer.errors))
        return dict(serializer.validated_data)

    @classmethod
    def refuse_unknown(cls, data: Mapping[str, Any], prefix: str = "") -> None:
        """Raise Problem (400) for members that are not declared."""
        unknown = {name[:100]: ["Unknown field."] for name in data if cls.aliases.get(name, name) not in cls.form()}
        if unknown:
            raise bad_request(str(unknown))

    @classmethod
    def _without_aliases(cls, data: Mapping[str, Any]) -> dict[str, Any]:
        plain = {name: value for name, value in data.items() if name not in cls.aliases}
        for other, name in cls.aliases.items():
            if other in data:
                if name in plain and plain[name] != data[other]:
                    raise bad_request(f"{other} and {name} are the same thing and differ. Send one of them.")
                plain[name] = data[other]
        return plain


class NestedBody(BodySerializer):
    """An object within a body; refuses members that are not declared, too."""

    def to_internal_value(self, data: Any) -> Any:
        unknown = {name[:100]: ["Unknown field."] for name in data if name not in self.form()}
        if unknown:
            raise serializers.ValidationError(unknown)
        return super().to_internal_value(data)


def _as_text(found: Any) -> str:
    """Validation errors as one line: ``{'note': ['Longer than maximum length 1000.']}``."""
    if isinstance(found, Mapping):
        if set(found) == {"non_field_errors"}:
            return "; ".join(str(error) for error in found["non_field_errors"])
        return "{" + ", ".join(f"{name!r}: {_as_text(error)}" for name, error in found.items()) + "}"
    if isinstance(found, list | tuple):
        return (
            "["
            + ", ".join(_as_text(error) if not isinstance(error, str) else repr(str(error)) for error in found)
            + "]"
        )
    return repr(str(found))
