"""Parameters of roles."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, masked_by, ordered_by, page_limit, page_offset


class RoleListParameters(ParameterSet):
    """Of the list of roles."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by("name, role_id (ascending only)")


class RolePatchParameters(ParameterSet):
    """Of the change of a role."""

    update_mask = masked_by()
