"""The version, as it is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class VersionAnswer(serializers.Serializer[Any]):
    """Version information."""

    version = serializers.CharField(help_text="The release of Airflow whose API this is.")
    git_version = serializers.CharField(allow_null=True, help_text="This program and its own version.")
