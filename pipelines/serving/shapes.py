"""Reads back the SQL that Datasette writes for table pages: which table, filters, order, and what is asked of them.

Datasette hands a database nothing but SQL. Its pages are written by few templates (``datasette/filters.py``,
``views/table.py`` and ``facets.py`` of 1.0a41), so that they can be read back exactly; whatever does not fit a
template to the last letter gives None and is left to SQLite. Values never stand in this SQL, only parameters.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_]\w*)'
_KEYSET = re.compile(rf"\(\({_NAME} > :p\d+\)(?:\n  or\n\([^()]*\))*\)|rowid > :p\d+")
_KEYSET_PART = re.compile(rf"({_NAME}) [=>] :(p\d+)")
_CLAUSES = (
    ("compare", re.compile(rf"(?P<c>{_NAME}) (?P<op>=|!=|>=|<=|>|<) :(?P<p>p\d+)")),
    ("like", re.compile(rf"(?P<c>{_NAME}) (?P<op>(?:not )?like) :(?P<p>p\d+)")),
    ("in", re.compile(rf"(?P<c>{_NAME}) (?P<op>(?:not )?in) \((?P<p>(?::p\d+(?:, )?)*)\)")),
    ("date", re.compile(rf"date\((?P<c>{_NAME})\) (?P<op>=) :(?P<p>p\d+)")),
    ("null", re.compile(rf"(?P<c>{_NAME}) is (?P<op>(?:not )?null)")),
    ("blank", re.compile(rf"\((?P<c>{_NAME}) (?P<op>is null) or (?P=c) = ''\)")),
    ("blank", re.compile(rf"\((?P<c>{_NAME}) (?P<op>is not null) and (?P=c) != ''\)")),
)
_SEARCH = re.compile(
    rf"rowid in \(select rowid from (?P<fts>{_NAME}) where (?P<c>{_NAME}) match "
    r"(?P<match>escape_fts\(:(?P<p>search\w*)\)|:(?P<raw>search\w*))\)"
)
_PAGE = re.compile(rf"select (?P<columns>.+?) from (?P<table>{_NAME}) ", re.DOTALL)
_COUNT = re.compile(
    rf"select count\(\*\) from \(select \* from (?P<table>{_NAME}) (?P<rest>.*) limit (?P<limit>\d+)\)", re.DOTALL
)  # fmt: skip
_FACET = re.compile(
    rf"\s*select (?P<value>(?P<date>date\()?(?P<column>{_NAME})\)?) as value, count\(\*\) as count from \("
    r"(?P<inner>.*)\)\s*where (?P=value) is not null\s*group by (?P=value) order by count desc, value "
    r"limit (?P<limit>\d+)\s*",
    re.DOTALL,
)
_ORDER = re.compile(rf"order by (?P<by>{_NAME}(?: desc)?(?:, {_NAME})*) ")
_LIMIT = re.compile(r"limit (?P<limit>\d+)")


def plain(name: str) -> str:
    """A name without the quotes that SQL needs."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition. kind: compare, like, in, date, null or blank; values: what its parameters hold."""

    kind: str
    column: str
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """Full text: table of the index, its column (the table's own name for all), the expression and its parameter."""

    index: str
    column: str
    expression: str
    parameter: str
    value: str


@dataclass(frozen=True, slots=True)
class After:
    """Where a page begins: behind the row with this key; in a sorted page also behind this value of the column.

    column is None for pages ordered by key. is_null: the row before has no value in the column.
    """

    key: tuple[tuple[str, Any], ...]
    column: str | None = None
    descending: bool = False
    value: Any = None
    is_null: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A question of a table page. asks: ``page``, ``count`` or ``facet`` (of `facet`; `by_day` for date facets).

    sort is (column, whether descending) for pages that are not ordered by key.
    """

    asks: str
    table: str
    clauses: tuple[Clause, ...]
    searches: tuple[Search, ...]
    after: After | None
    limit: int
    columns: str = ""
    sort: tuple[str, bool] | None = None
    facet: str = ""
    by_day: bool = False


def read_shape(
    sql: str, params: Mapping[str, Any] | None, key: Mapping[str, tuple[str, ...]]
) -> Shape | None:
    """The question that a piece of SQL asks; None when it is not exactly one of those that pages ask.

    key: table -> columns of its primary key, () for a table without one; other tables are not known.
    """
    values = params if isinstance(params, Mapping) else {}
    try:
        if match := _FACET.fullmatch(sql):
            if bool(match["date"]) != match["value"].endswith(")"):
                return None
            inner = _page(match["inner"].strip() + " ", values, key, limited=False)
            return inner and Shape(
                "facet", inner.table, inner.clauses, inner.searches, inner.after, int(match["limit"]),
                facet=plain(match["column"]), by_day=bool(match["date"]),
            )  # fmt: skip
        if match := _COUNT.fullmatch(sql):
            table = plain(match["table"])
            if table not in key:
                return None
            rest = match["rest"].strip()
            where = _where(rest + " ", 0, values, key[table])
            if where is None or where[0] != (len(rest) + 1 if rest else 0):
                return None
            return Shape("count", table, *where[1:], int(match["limit"]))
        return _page(sql, values, key, limited=True)
    except (KeyError, ValueError):
        return None


def _page(
    sql: str, values: Mapping[str, Any], key: Mapping[str, tuple[str, ...]], limited: bool
) -> Shape | None:
    head = _PAGE.match(sql)
    if head is None or plain(head["table"]) not in key:
        return None
    table = plain(head["table"])
    own = key[table] or ("rowid",)
    where = _where(sql, head.end(), values, key[table])
    if where is None:
        return None
    at, clauses, searches, after = where
    if not limited:
        return Shape("page", table, clauses, searches, after, 0) if not sql[at:].strip() else None
    order, sort = _ORDER.match(sql, at), None
    if order:
        at = order.end()
        named = [plain(part.removesuffix(" desc")) for part in order["by"].split(", ")]
        if tuple(named) != own:
            if len(named) > 1 and tuple(named[1:]) != own:
                return None
            sort = (named[0], order["by"].split(", ")[0].endswith(" desc"))
    limit = _LIMIT.fullmatch(sql, at)
    if limit is None or (order is None and key[table]):
        return None
    if after and after.column is not None and (sort is None or (after.column, after.descending) != sort):
        return None
    if after and sort and after.column is None:
        return None
    return Shape(
        "page", table, clauses, searches, after, int(limit["limit"]), columns=head["columns"], sort=sort
    )


def _where(
    sql: str, at: int, values: Mapping[str, Any], key: tuple[str, ...]
) -> tuple[int, tuple[Clause, ...], tuple[Search, ...], After | None] | None:
    """(end, conditions) of a WHERE at a position, if there is one; None when a condition is not understood."""
    clauses: list[Clause] = []
    searches: list[Search] = []
    after = None
    if not sql.startswith("where ", at):
        return at, (), (), None
    at += len("where ")
    while True:
        for kind, form in _CLAUSES:
            if (match := form.match(sql, at)) and sql[match.end()] == " ":
                named = re.findall(r"p\d+", match["p"]) if "p" in match.groupdict() else []
                own = tuple(values[name] for name in named)
                clauses.append(Clause(kind, plain(match["c"]), match["op"], own))
                at = match.end()
                break
        else:
            if match := _SEARCH.match(sql, at):
                name = match["p"] or match["raw"]
                searches.append(
                    Search(plain(match["fts"]), plain(match["c"]), match["match"], name, values[name])
                )
                at = match.end()
            elif found := _after(sql, at, values, key):
                if after:
                    return None
                at, after = found
            else:
                return None
        if sql.startswith(" and ", at):
            at += len(" and ")
        elif sql.startswith(" ", at):
            return at + 1, tuple(clauses), tuple(searches), after
        else:
            return None


def _after(sql: str, at: int, values: Mapping[str, Any], key: tuple[str, ...]) -> tuple[int, After] | None:
    def behind(match: re.Match[str]) -> tuple[tuple[str, Any], ...]:
        parts = _KEYSET_PART.findall(match["key"].split("\n  or\n")[-1])
        pairs = tuple((plain(name), values[parameter]) for name, parameter in parts)
        if tuple(name for name, _value in pairs) != (key or ("rowid",)):
            raise ValueError("not the key of the table")
        return pairs

    keyset = f"(?P<key>{_KEYSET.pattern})"
    if match := re.compile(keyset).match(sql, at):
        return match.end(), After(behind(match))
    if match := re.compile(
        rf"\((?P<c>{_NAME}) (?P<op>[<>]) :(?P<p>p\d+)(?P<null> or (?P=c) is null)? or \((?P=c) = :(?P=p) and {keyset}\)\)"
    ).match(sql, at):
        descending = match["op"] == "<"
        if descending != bool(match["null"]):
            return None
        return match.end(), After(behind(match), plain(match["c"]), descending, values[match["p"]])
    if match := re.compile(
        rf"\((?:(?P<asc>(?P<d>{_NAME}) is not null or \())?(?P<c>{_NAME}) is null and {keyset}\)(?(asc)\))"
    ).match(sql, at):
        if match["asc"] and match["d"] != match["c"]:
            return None
        return match.end(), After(behind(match), plain(match["c"]), not match["asc"], None, is_null=True)
    return None
