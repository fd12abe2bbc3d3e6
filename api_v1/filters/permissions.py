"""Parameters of permissions."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, page_limit, page_offset


class PermissionListParameters(ParameterSet):
    """Of the list of actions."""

    limit = page_limit()
    offset = page_offset()
