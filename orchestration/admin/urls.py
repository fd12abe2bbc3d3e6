"""Where the desk's own pages are; the names are ``admin:desk_…``. One table for all of them."""

from __future__ import annotations

from functools import cache

from django.contrib.admin import AdminSite
from django.urls import URLPattern, path

from orchestration.admin.pages.base import Page, entry

#: Address below the site, name, page. Each module of ``pages`` has its own ``PAGES``.
PageTable = tuple[tuple[str, str, type[Page]], ...]


@cache
def pages() -> PageTable:
    """All pages, in the order of their modules."""
    from orchestration.admin.pages import PAGE_MODULES  # the pages name addresses

    return tuple(page for module in PAGE_MODULES for page in module.PAGES)


def page_urls(site: AdminSite) -> list[URLPattern]:
    """Each page's pattern on the site."""
    return [path(address, entry(site, page), name=name) for address, name, page in pages()]


@cache
def has_page(name: str) -> bool:
    """Whether there is a page of this name."""
    return any(known == name for _, known, _ in pages())
