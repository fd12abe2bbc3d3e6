"""``update_mask``: which of the sent members are changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from api_v1.problems import bad_request


def masked(values: Mapping[str, Any], mask: Sequence[str] | None, *, fixed: Collection[str] = ()) -> dict[str, Any]:
    """The values that the mask names; all of them without a mask.

    Raises Problem (400) for a name that was not sent or that is ``fixed``.
    """
    if mask is None:
        return dict(values)
    chosen = {}
    for name in (part.strip() for part in mask):
        if name not in values or name in fixed:
            raise bad_request(f"'{name[:100]}' is unknown or cannot be updated.")
        chosen[name] = values[name]
    return chosen
