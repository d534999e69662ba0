"""How a value looks on a page. JSON, CSV and the files keep it as it is."""

from typing import Any

from datasette import Request, hookimpl
from markupsafe import Markup, escape

LONG = 60
"""Characters after which a text gets a wide column and is clamped to a few lines."""

CUT = 200
"""Characters of a text that a table shows: three lines. The page of the row has all of it."""


@hookimpl
def render_cell(
    value: Any, column: str, table: str | None, datasette: Any, request: Request
) -> Markup | None:
    """Label beside a code, link for an address, number as the language writes it; None otherwise."""
    if value is None or value == "" or isinstance(value, bytes):
        return None
    kind, _codelist = datasette.published.kind(table, column)
    site = datasette.published.in_language(request.scope["language"])
    if kind in ("member", "code", "boolean") and (words := site.label(table, column, value)):
        if kind == "boolean":
            return Markup(f'<data value="{escape(value)}">{escape(words)}</data>')
        return Markup(f"{escape(words)} <code>{escape(value)}</code>")
    if isinstance(value, int | float):
        # A year or the number of a row is a name, not a quantity: it is written without separators.
        shown = site.number(value) if kind in ("number", "integer") else str(value)
        return Markup(f'<data class="number" value="{value}">{escape(shown)}</data>')
    return _text(str(value), kind, whole="pks" in request.url_vars)


def _text(text: str, kind: str, whole: bool) -> Markup:
    if kind == "datetime" and text.endswith("Z") and len(text) >= 20:
        if text[11:19] == "00:00:00":
            return Markup(f"<time>{escape(text[:10])}</time>")
        return Markup(f'<time datetime="{escape(text)}">{escape(text[:10])} {escape(text[11:16])} UTC</time>')
    if text.startswith(("http://", "https://")) and " " not in text:
        shown = text.partition("://")[2]
        shown = f"{shown[:40]}…{shown[-16:]}" if len(shown) > 60 else shown
        return Markup(f'<a href="{escape(text)}" rel="nofollow noopener" class="address">{escape(shown)}</a>')
    if whole:
        return Markup(f'<span class="whole">{escape(text)}</span>')
    if len(text) > LONG:
        return Markup(
            f'<span class="clamp">{escape(text[:CUT].rstrip() + "…" if len(text) > CUT else text)}</span>'
        )
    if " " in text or text.isalnum():
        return escape(text)
    # A browser would break an identifier at its hyphens.
    return Markup(f'<span class="unbroken">{escape(text)}</span>')
