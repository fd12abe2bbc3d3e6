"""Names for boxes in which one is typed."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied

from orchestration.access.permissions import meets
from orchestration.admin.pages.base import Data, Page
from orchestration.admin.queries import names as read
from orchestration.errors import NotFound

#: Characters of a text that is completed.
_LONGEST = 250


class Names(Data):
    """Names of a kind (``names.KINDS``) that hold ``?q=``; a kind asks the permissions of reading what it names."""

    def data(self) -> Any:
        """A few names; two queries at most."""
        kind = read.KINDS.get(self.kwargs["noun"])
        if kind is None:
            raise NotFound("There are no names of this kind.")
        if not meets(self.request.user, kind.pairs, any_dag=True):
            raise PermissionDenied
        text = self.request.GET.get("q", "").strip()[:_LONGEST]
        return read.offered(kind, self.request.user, text) if text else []


PAGES: tuple[tuple[str, str, type[Page]], ...] = (("names/<slug:noun>.json", "desk_names", Names),)
