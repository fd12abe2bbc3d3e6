"""Plugins, as they are answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


def _texts() -> serializers.ListField:
    return serializers.ListField(child=serializers.CharField(allow_null=True))


def _objects() -> serializers.ListField:
    return serializers.ListField(child=serializers.DictField(allow_null=True))


class PluginAnswer(serializers.Serializer[Any]):
    """A plugin."""

    name = serializers.CharField(help_text="The name of the plugin.")
    hooks = _texts()
    executors = _texts()
    macros = _texts()
    flask_blueprints = _texts()
    appbuilder_views = _objects()
    appbuilder_menu_items = _objects()
    global_operator_extra_links = _texts()
    operator_extra_links = _texts()
    source = serializers.CharField(allow_null=True)  # type: ignore[assignment]  # a field of this name is meant
    ti_deps = serializers.ListField(child=serializers.CharField())
    listeners = serializers.ListField(child=serializers.CharField())
    timetables = serializers.ListField(child=serializers.CharField())


class PluginCollection(serializers.Serializer[Any]):
    """Collection of plugins."""

    plugins = PluginAnswer(many=True)
    total_entries = serializers.IntegerField()
