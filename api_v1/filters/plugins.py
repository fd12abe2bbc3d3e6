"""Parameters of plugins."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, page_limit, page_offset


class PluginListParameters(ParameterSet):
    """Of the list of plugins."""

    limit = page_limit()
    offset = page_offset()
