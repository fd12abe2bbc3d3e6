"""Pages of lists: limit and offset by the reference's rules, total order, links to the other pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db import connection
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

from api_v1.problems import bad_request
from orchestration.conf import conf

#: A limit that would be none in the reference (task instances) ends here, so that one call cannot fill the memory.
HARD_LIMIT = 10_000
_DEFAULT_LIMIT = 100
#: So many rows are looked up one by one in a few milliseconds.
_FEW = 2_000

Q = TypeVar("Q", bound="QuerySet[Any]")


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a list that was asked for."""

    limit: int
    offset: int

    def of(self, rows: Q) -> Q:
        """The page's rows."""
        return rows[self.offset : self.offset + self.limit]

    def links(self, request: HttpRequest, total: int) -> dict[str, str]:
        """A ``Link`` header to the first, previous, next and last page; none for a list on one page.

        None either where the page was asked for in a body: an address alone does not lead to the others.
        """
        if request.method not in {"GET", "HEAD"} or self.limit <= 0 or (total <= self.limit and self.offset == 0):
            return {}
        places = {"first": 0}
        if self.offset > 0:
            places["prev"] = max(0, self.offset - self.limit)
        if self.offset + self.limit < total:
            places["next"] = self.offset + self.limit
        if total:
            places["last"] = (total - 1) // self.limit * self.limit
        query = [
            (name, value) for name, values in request.GET.lists() if name not in {"limit", "offset"} for value in values
        ]
        address = request.build_absolute_uri(escape_uri_path(request.path))
        links = (
            f'<{address}?{urlencode([*query, ("limit", self.limit), ("offset", place)])}>; rel="{name}"'
            for name, place in places.items()
        )
        return {"Link": ", ".join(links)}


def page(values: Mapping[str, Any], *, limit: str = "limit", offset: str = "offset") -> Page:
    """The page that ``limit`` and ``offset`` ask for: 100 rows from the first where they are missing.

    A limit over ``api.maximum_page_limit`` is cut to it, 0 means ``api.fallback_page_limit``.
    Raises Problem (400) for a negative limit.
    """
    return Page(check_limit(values.get(limit, _DEFAULT_LIMIT)), values.get(offset, 0))


def unbounded_page(values: Mapping[str, Any], *, limit: str = "limit", offset: str = "offset") -> Page:
    """The page of a list of task instances: no configured maximum, and limit 0 is no row, as in the reference."""
    size = values.get(limit, _DEFAULT_LIMIT)
    if size < 0:
        raise bad_request(title="Page limit must be a positive integer")
    return Page(min(size, HARD_LIMIT), values.get(offset, 0))


def check_limit(limit: int) -> int:
    """The number of rows for a limit."""
    maximum = conf.getint("api", "maximum_page_limit")
    if limit > maximum:
        return maximum
    if limit == 0:
        return conf.getint("api", "fallback_page_limit")
    if limit < 0:
        raise bad_request(title="Page limit must be a positive integer")
    return limit


def order(
    rows: Q, asked: str | None, columns: Mapping[str, str] | Collection[str], *, default: str, key: str = "pk"
) -> Q:
    """``rows`` ordered by the column that ``asked`` names (``-`` first: descending), or by ``default``.

    ``columns`` maps the names that may be asked for to columns. The order is always total: ``key`` ends it, rising
    for falling columns, too, as rows lie in the reference. Raises Problem (400) for other names.
    """
    return rows.order_by(*ordering(asked, columns, default=default, key=key))


def ordering(
    asked: str | None, columns: Mapping[str, str] | Collection[str], *, default: str, key: str = "pk"
) -> list[Any]:
    """The arguments of ``order_by``; see ``order``."""
    if asked is None:
        column, is_descending = default.removeprefix("-"), default.startswith("-")
    else:
        name = asked.lstrip("-")
        if name not in columns:
            raise bad_request(
                f"Ordering with '{name[:100]}' is disallowed or the attribute does not exist on the model"
            )
        column, is_descending = columns[name] if isinstance(columns, Mapping) else name, asked.startswith("-")
    if column == key:
        return [f"-{key}" if is_descending else key]
    return [_directed(column, is_descending), key]


def sought(rows: Q, total: int) -> Q:
    """The rows, of which there are so many in all, found by an index of their filter where they are few.

    SQLite takes any filter to leave a good part of the rows: for the few of the last hour it would walk a table of
    years in the order of the list.
    """
    if connection.vendor == "sqlite" and total <= _FEW:
        found: Q = rows.model._default_manager.filter(pk__in=rows.order_by().values("pk"))
        return found
    return rows


def by_id(rows: Q, total: int) -> Q:
    """The rows, of which there are so many in all, by id; see ``sought``."""
    return sought(rows, total).order_by("id")


def _directed(column: str, is_descending: bool) -> Any:
    """The column in a direction, nulls where PostgreSQL places them, which is where indexes have them there."""
    if connection.vendor == "postgresql":
        return f"-{column}" if is_descending else column
    return F(column).desc(nulls_first=True) if is_descending else F(column).asc(nulls_last=True)
