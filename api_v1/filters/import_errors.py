"""Parameters of import errors."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, ordered_by, page_limit, page_offset

ORDERS = {"import_error_id": "id", "timestamp": "timestamp", "filename": "filename"}


class ImportErrorListParameters(ParameterSet):
    """Of the list of import errors."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by(", ".join(ORDERS))
