"""Parameters of users."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, masked_by, ordered_by, page_limit, page_offset


class UserListParameters(ParameterSet):
    """Of the list of users."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by("id, first_name, last_name, email (ascending only)")


class UserPatchParameters(ParameterSet):
    """Of the change of a user."""

    update_mask = masked_by()
