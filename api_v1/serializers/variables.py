"""Variables: what is sent, what is answered. Values under secret names are hidden."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from rest_framework import serializers

from api_v1.rows import Row
from api_v1.serializers.base import BodySerializer, Text
from orchestration.models import Variable
from orchestration.services import variables


class VariablePutBody(BodySerializer):
    """A change of a variable: what is sent is changed."""

    key = Text(required=False, help_text="The key.")
    value = Text(source="val", required=False, is_secret=True, help_text="The value.")
    description = Text(required=False, allow_null=True, help_text="The description of the variable.")

    aliases: ClassVar = {"val": "value"}

    def validate_description(self, value: str | None) -> str:
        """Null is looked at with the meaning, as in the reference."""
        if value is None:
            raise serializers.ValidationError("Field may not be null.")
        return value


class VariableBody(VariablePutBody):
    """A variable."""

    required_late: ClassVar = ("key", "value")


class VariableAnswer(serializers.Serializer[Any]):
    """Variable."""

    key = serializers.CharField(help_text="The key.")
    value = serializers.CharField(help_text="The value; *** where the key looks secret.")
    val = serializers.CharField(help_text="The same.")
    description = serializers.CharField(allow_null=True, help_text="The description of the variable.")


class VariableCollection(serializers.Serializer[Any]):
    """Collection of variables."""

    variables = VariableAnswer(many=True)
    total_entries = serializers.IntegerField()


def variable_rows(rows: QuerySet[Variable]) -> list[Row]:
    """Variables as they are answered; one query."""
    return [_row(*values) for values in rows.values_list("key", "val", "description")]


def variable_row(variable: Variable) -> Row:
    """One variable."""
    return _row(variable.key, variable.val, variable.description)


def _row(key: str, value: str | None, description: str | None) -> Row:
    shown = variables.shown_value(key, value)
    return {"key": key, "value": shown, "val": shown, "description": description}
