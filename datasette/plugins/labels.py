"""How a value looks on a page. JSON, CSV and the files keep it as it is; only what people read is dressed here."""

from typing import Any

from datasette import Request, hookimpl
from markupsafe import Markup, escape

LONG = 60
"""Characters after which a text gets a wide column and is clamped to a few lines."""

CUT = 320
"""Characters of a text that a table shows; the page of the row has all of it."""


@hookimpl
def render_cell(value: Any, column: str, table: str | None, datasette: Any, request: Request) -> Markup | str | None:
    """Label beside a code, link for an address, number in the language of the reader; None leaves it to Datasette."""
    if value is None or value == "" or isinstance(value, bytes):
        return None
    published = datasette.published
    kind, _codelist = published.kind(table, column)
    site = published.in_language(request.scope["language"])
    if kind in ("member", "code", "boolean") and (words := site.label(table, column, value)):
        if kind == "boolean":
            return Markup('<data value="{}">{}</data>').format(value, words)
        return Markup('<span class="coded">{} <code>{}</code></span>').format(words, value)
    if isinstance(value, int | float):
        # A year or the number of a row is a name, not a quantity: it is written without separators.
        shown = site.number(value) if kind in ("number", "integer") else value
        return Markup('<data class="number" value="{}">{}</data>').format(value, shown)
    text = str(value)
    if kind == "datetime" and text.endswith("Z") and len(text) >= 20:
        clock = "" if text[11:19] == "00:00:00" else f" {text[11:16]} UTC"
        return Markup('<time datetime="{}" class="unbroken">{}</time>').format(text, text[:10] + clock)
    if text.startswith(("http://", "https://")) and " " not in text:
        return _link(text)
    if "pks" in request.url_vars:
        return Markup('<span class="whole">{}</span>').format(text)
    if len(text) > CUT:
        text = text[:CUT].rstrip() + "…"
    if len(text) > LONG:
        return Markup('<span class="clamp">{}</span>').format(text)
    return escape(text) if " " in text else Markup('<span class="unbroken">{}</span>').format(text)


def _link(address: str) -> Markup:
    shown = address.partition("://")[2]
    if len(shown) > 60:
        shown = f"{shown[:40]}…{shown[-16:]}"
    return Markup('<a href="{}" rel="nofollow noopener" class="address">{}</a>').format(address, shown)
