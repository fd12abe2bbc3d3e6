"""Providers, as they are answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class ProviderAnswer(serializers.Serializer[Any]):
    """The provider."""

    package_name = serializers.CharField(help_text="The package name of the provider.")
    description = serializers.CharField(help_text="The description of the provider.")
    version = serializers.CharField(help_text="The version of the provider.")


class ProviderCollection(serializers.Serializer[Any]):
    """Collection of providers."""

    providers = ProviderAnswer(many=True)
    total_entries = serializers.IntegerField()
