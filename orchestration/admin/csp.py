"""The Content-Security-Policy of the desk: nothing from other hosts, no inline script.

Two things are allowed that would better not be: ``unsafe-eval``, because unfold's templates hold expressions that
Alpine evaluates, and style attributes, which unfold's widgets carry. The few inline style elements of unfold, htmx and
cytoscape are named by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

#: What htmx and cytoscape write into the page's head when they start.
_LIBRARY_STYLES: Final = (
    "      .htmx-indicator{opacity:0}"
    "      .htmx-request .htmx-indicator{opacity:1; transition: opacity 200ms ease-in;}"
    "      .htmx-request.htmx-indicator{opacity:1; transition: opacity 200ms ease-in;}      ",
    ".__________cytoscape_container { position: relative; }",
    "\n            #changelist table thead th:first-child {width: inherit}\n        ",
)
#: Unfold's colours, from the settings; the first one is the page's own, whatever comes after it.
_COLOURS: Final = re.compile(rb'<style id="unfold-theme-colors">(.*?)</style>', re.DOTALL)


def _hash(style: bytes) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(style).digest()).decode()}'"


_KNOWN: Final = tuple(_hash(style.encode()) for style in _LIBRARY_STYLES)


class ContentSecurityPolicy:
    """Middleware: the header on each HTML answer of the admin that has none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.get_response(request)
        match = request.resolver_match
        is_html = answer.get("Content-Type", "").startswith("text/html")
        if is_html and match is not None and match.app_name == "admin" and isinstance(answer, HttpResponse):
            answer.headers.setdefault("Content-Security-Policy", policy(answer.content))
        return answer


def policy(page: bytes) -> str:
    """The header's value for a page."""
    colours = _COLOURS.search(page)
    styles = " ".join([*_KNOWN, *([_hash(colours[1])] if colours else [])])
    return (
        "default-src 'self'; script-src 'self' 'unsafe-eval'; "
        f"style-src-elem 'self' {styles}; style-src-attr 'unsafe-inline'; style-src 'self'; "
        "img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
