"""Parameters of pools."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, masked_by, ordered_by, page_limit, page_offset


class PoolListParameters(ParameterSet):
    """Of the list of pools."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by("name, slots, id")


class PoolPatchParameters(ParameterSet):
    """Of the change of a pool."""

    update_mask = masked_by()
