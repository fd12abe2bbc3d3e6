"""Parameters of connections."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, masked_by, ordered_by, page_limit, page_offset


class ConnectionListParameters(ParameterSet):
    """Of the list of connections."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by("connection_id, conn_type, description, host, port, id")


class ConnectionPatchParameters(ParameterSet):
    """Of the change of a connection."""

    update_mask = masked_by()
