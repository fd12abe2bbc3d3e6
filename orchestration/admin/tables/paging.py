"""Lists of a million rows: counted no further than anybody pages, searched among the newest."""

from __future__ import annotations

from typing import Any, Final

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

#: Rows that a list counts, and up to which it pages. Filters lead further back.
MOST_COUNTED: Final = 10_000
#: The newest rows among which a search looks, where a table holds history without end.
SEARCH_WINDOW: Final = 20_000


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # not generic at run time
    """Counts up to ``MOST_COUNTED`` rows: the cost does not grow with the table."""

    template_name = "desk/tables/pages.html"

    @cached_property
    def counted(self) -> int:
        """The number of rows, one more than ``MOST_COUNTED`` where there are more."""
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]  # a list's rows are a queryset
        return rows.order_by()[: MOST_COUNTED + 1].count()

    @cached_property
    def count(self) -> int:
        """The rows that can be paged through."""
        return min(self.counted, MOST_COUNTED)

    @property
    def words(self) -> str:
        """The number as a person reads it."""
        return f"More than {MOST_COUNTED:,}" if self.counted > MOST_COUNTED else f"{self.count:,}"


def newest(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows with the ``SEARCH_WINDOW`` highest ids; one short query."""
    last = rows.model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
    return rows if last is None else rows.filter(pk__gt=last - SEARCH_WINDOW)
