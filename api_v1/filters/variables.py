"""Parameters of variables."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, masked_by, ordered_by, page_limit, page_offset


class VariableListParameters(ParameterSet):
    """Of the list of variables."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by("key, value, id")


class VariablePatchParameters(ParameterSet):
    """Of the change of a variable."""

    update_mask = masked_by()
