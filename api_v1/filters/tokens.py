"""Parameters of personal access tokens."""

from __future__ import annotations

from api_v1.filters.base import ParameterSet, TextParameter, ordered_by, page_limit, page_offset


class TokenListParameters(ParameterSet):
    """Of the list of tokens."""

    limit = page_limit()
    offset = page_offset()
    order_by = ordered_by("name, created_at, expires_at, last_used_at")
    username = TextParameter("user__username", help_text="Only this user's; others' are shown to who may edit users.")
