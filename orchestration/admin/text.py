"""Users' texts as safe HTML: Markdown, and Python code in colours."""

from __future__ import annotations

from functools import lru_cache

import markdown
import nh3
from django.utils.safestring import SafeString
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.data import JsonLexer
from pygments.lexers.python import PythonLexer

#: What Markdown may become; everything else is taken away.
_TAGS = {
    "a", "b", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li", "ol", "p",
    "pre", "strong", "sub", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
#: Characters of a text that are coloured; a longer one is shown plain.
_MOST = 500_000


@lru_cache(maxsize=64)
def from_markdown(text: str) -> SafeString:
    """Markdown as HTML without scripts, styles, images and frames; links open without a referrer."""
    made = markdown.markdown(text, extensions=["fenced_code", "tables", "sane_lists"])
    clean: str = nh3.clean(
        made, tags=_TAGS, attributes={"a": {"href", "title"}}, url_schemes={"http", "https", "mailto"}
    )
    return SafeString(clean)


def _coloured(text: str, lexer: PythonLexer | JsonLexer, *, lines: bool) -> SafeString | None:
    if len(text) > _MOST:
        return None
    formatter = HtmlFormatter(linenos="table" if lines else False, cssclass="code", anchorlinenos=False)
    return SafeString(highlight(text, lexer, formatter))  # pygments escapes the text


@lru_cache(maxsize=64)
def python(text: str) -> SafeString | None:
    """Python in colours by style classes, with line numbers; None for a text that is too long."""
    return _coloured(text, PythonLexer(stripnl=False), lines=True)


def json_text(text: str) -> SafeString | None:
    """JSON in colours; None for a text that is too long."""
    return _coloured(text, JsonLexer(), lines=False)
