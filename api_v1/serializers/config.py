"""The configuration, as it is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from api_v1.rows import Row
from orchestration.services.configuration import Sections


class ConfigOption(serializers.Serializer[Any]):
    """The option of configuration."""

    key = serializers.CharField(read_only=True)
    value = serializers.CharField(read_only=True)


class ConfigSection(serializers.Serializer[Any]):
    """The section of configuration."""

    name = serializers.CharField(read_only=True)
    options = ConfigOption(many=True)


class Config(serializers.Serializer[Any]):
    """The configuration."""

    sections = ConfigSection(many=True)


def config_row(shown: Sections) -> Row:
    """The sections as JSON shows them."""
    return {
        "sections": [
            {"name": name, "options": [{"key": key, "value": value} for key, value in options.items()]}
            for name, options in shown.items()
        ]
    }
