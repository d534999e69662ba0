"""How a value looks on a page. JSON, CSV and the files keep it as it is."""

from math import isfinite
from typing import Any

from datasette import Request, hookimpl
from datasette.utils import tilde_encode
from markupsafe import Markup, escape

LONG = 60
"""Characters after which a text gets a wide column and is clamped to a few lines."""

CUT = 200
"""Characters of a text that a table shows: three lines. The page of the row has all of it."""


@hookimpl
def render_cell(
    row: Any, value: Any, column: str, table: str | None, datasette: Any, request: Request
) -> Markup | None:
    """Label beside a code, link for an address or to a page, number as the language writes it; None otherwise."""
    if value is None or value == "" or isinstance(value, bytes):
        return None
    if table and (path := _page(datasette, row, column, table)):
        return Markup('<a href="{}" rel="nofollow">{}</a>').format(path, value)
    kind, _codelist = datasette.published.kind(table, column)
    site = datasette.published.in_language(request.scope["language"])
    if kind in ("member", "code", "boolean") and (words := site.label(table, column, value)):
        if kind == "boolean":
            return Markup(f'<data value="{escape(value)}">{escape(words)}</data>')
        return Markup(f"{escape(words)} <code>{escape(value)}</code>")
    if isinstance(value, int | float):
        # A year or the number of a row is a name, not a quantity: it is written without separators. A fraction is a
        # quantity, also where nobody knows the column; beyond 15 digits a sum in SQLite holds noise.
        if isinstance(value, float) and isfinite(value):
            shown = site.number(float(f"{value:.15g}"))
        else:
            shown = site.number(value) if kind in ("number", "integer") else str(value)
        return Markup(f'<data class="number" value="{value}">{escape(shown)}</data>')
    return _text(str(value), kind, whole="pks" in request.url_vars)


def _page(datasette: Any, row: Any, column: str, table: str) -> str | None:
    """The page of the process, buyer or supplier that a cell names."""
    names = row.keys()
    if not table.startswith("procurement_") or "ocid" not in names or "member_code" not in names:
        return None
    if column == "ocid":
        return datasette.process_path(datasette, str(row["ocid"]), row["member_code"])
    kind = {"buyer_name": "buyers", "supplier_name": "suppliers"}.get(column)
    if (
        kind
        and table in ("procurement_processes", "procurement_contracts_flat")
        and datasette.has_organisations()
    ):
        keys = datasette.get_database("ingp").keys.get(table, ())
        if keys and all(key in names for key in keys):
            key = ",".join(tilde_encode(str(row[key] or "")) for key in keys)
            return datasette.urls.path(f"/{kind}/of/{table.removeprefix('procurement_')}/{key}")
    return None


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
