"""Parameters of the configuration."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, TextParameter


class ConfigParameters(ParameterSet):
    """Of the configuration."""

    section = TextParameter(help_text="Only this section.")
