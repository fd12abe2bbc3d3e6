"""What is told of a run that is waited for."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api_v1.serializers.dag_runs import STATES


class DagRunStateAnswer(serializers.Serializer[Any]):
    """A line of a wait: the run as it is now, and what is new since the line before."""

    state = serializers.ChoiceField(STATES, allow_null=True, help_text="Null where the run was deleted.")
    start_date = serializers.DateTimeField(allow_null=True)
    end_date = serializers.DateTimeField(allow_null=True)
    changed = serializers.ListField(
        child=serializers.ChoiceField(["state", "start_date", "end_date"]),
        help_text="The members that are not as in the line before; none in the first one.",
    )
