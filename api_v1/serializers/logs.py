"""Task logs: what is answered."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class LogAnswer(serializers.Serializer[Any]):
    """A part of a log, or all of it."""

    content = serializers.CharField(help_text="Python's text of a list of (host, log text).")
    continuation_token = serializers.CharField(help_text="Gives what was written after this part.")
