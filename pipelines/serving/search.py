"""Search over all tables: what is looked for, in which columns of which tables, and how far.

The words of a search become phrases in quotes, so that no sign of a reader is an operator. Of each table the first
`MOST` rows are found, counted and sorted into facets; where there are more, the answer says so.
"""

import re
import sqlite3
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.engine import quote_name, quote_text
from pipelines.publication.formats.pages import FLOAT, NUMBER
from pipelines.serving.questions import YEARS, read_amount

MOST = 10_000
"""Rows of a table that a search counts and sorts; of more it says "more than 10,000"."""

LOOKED_AT = 300_000
"""Found rows of a table that are looked at when they must also match a facet."""

RANKED = 1_000
"""Up to so many found rows the best come first; more are shown in the order of their key."""

LONGEST, MOST_WORDS = 300, 16
OPENED, CLOSED = "\ue000", "\ue001"
"""Signs around a found word until the text is escaped. They are private to each program, and no word holds them."""

FACETS = ("member", "year", "method", "category", "status", "amount")
RANGES = (0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
"""Lower ends of the ranges of amounts, in whatever currency."""

_STATUS = ("contract_status", "tender_status", "status")
_TITLES = ("contract_title", "tender_title", "title", "name", "description")
"""Columns that name a row, the best first; a row without any is named by its first text."""
_AMOUNT = ("contract_value_amount", "tender_value_amount", "value_amount", "budget_amount")


@dataclass(frozen=True, slots=True)
class Words:
    """expression: for FTS5, "" when nothing can be searched; plain: the same for the search of a table page."""

    plain: str
    expression: str
    words: tuple[str, ...]
    is_cut: bool


def read_words(text: str) -> Words:
    """The words of any text: phrases in quotes stay together, all other signs are spaces."""
    whole = text.replace("\0", " ").strip()
    cut = whole[:LONGEST]
    phrases = []
    for quoted, bare in re.findall(r'"([^"]*)"|([^\s"]+)', cut):
        words = " ".join((quoted or bare).split())
        if any(letter.isalnum() for letter in words):
            phrases.append(words.translate(dict.fromkeys(map(ord, OPENED + CLOSED))))
    kept = tuple(dict.fromkeys(phrases))[:MOST_WORDS]
    plain = " ".join(f'"{each}"' if " " in each else each for each in kept)
    is_cut = len(whole) > LONGEST or len(set(phrases)) > MOST_WORDS
    return Words(plain, " ".join(f'"{each}"' for each in kept), kept, is_cut)


@dataclass(frozen=True, slots=True)
class Searched:
    """A table with an index of its words. columns: facet -> column, where the table has one; status: its codelist."""

    table: str
    words: tuple[str, ...]
    columns: Mapping[str, str]
    status: str
    key: tuple[str, ...]


def searched_tables(
    con: sqlite3.Connection,
    kinds: Mapping[str, Collection[str]],
    codelists: Mapping[tuple[str, str], str | None],
) -> list[Searched]:
    """The tables of a release that have an index. kinds: table -> columns; codelists: (table, column) -> codelist."""
    found = []
    for table, own in kinds.items():
        if not con.execute("SELECT 1 FROM sqlite_master WHERE name = ?", [f"{table}_fts"]).fetchone():
            continue
        words = tuple(row[1] for row in con.execute(f"PRAGMA table_info({quote_name(table + '_fts')})"))
        described = con.execute(f"PRAGMA table_info({quote_name(table)})").fetchall()
        key = tuple(name for _place, name in sorted((each[5], each[1]) for each in described if each[5]))
        columns = {"member": "member_code", "year": "year", "method": "procurement_method", "category": "main_procurement_category"}  # fmt: skip
        status = next((name for name in _STATUS if name in own and codelists.get((table, name))), "")
        amount = next((name for name in _AMOUNT if name in own), "")
        columns |= {"status": status, "amount": amount, "currency": amount.replace("_amount", "_currency")}
        there = {facet: column for facet, column in columns.items() if column in own}
        found.append(Searched(table, words, there, codelists.get((table, status)) or "", key))
    return found


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Facets that a reader chose; all empty when none. over is inclusive, below is not: a range of `RANGES`."""

    member: str = ""
    year: int | None = None
    method: str = ""
    category: str = ""
    status: str = ""
    currency: str = ""
    over: int | None = None
    below: int | None = None

    def pairs(self) -> list[tuple[str, str]]:
        return [
            (name, str(value)) for name in self.__slots__ if (value := getattr(self, name)) not in ("", None)
        ]

    @property
    def asked(self) -> set[str]:
        """Properties that a row must have."""
        names = {name for name, _value in self.pairs()}
        return (names - {"over", "below"}) | ({"amount"} if names & {"over", "below"} else set())

    def conditions(self, table: Searched) -> list[str]:
        """SQL over the columns of a table; the member is not in it, since its rows are a range of numbers."""
        found = []
        for name in ("method", "category", "status", "currency"):
            if value := getattr(self, name):
                found.append(f"{quote_name(table.columns[name])} = {quote_text(value)}")
        if self.year is not None:
            found.append(f"{quote_name(table.columns['year'])} = {self.year}")
        if self.over is not None:
            found.append(f"{_amount(table)} >= {self.over}")
        if self.below is not None:
            found.append(f"{_amount(table)} < {self.below}")
        return found

    def page_filters(self, table: Searched) -> list[tuple[str, str]]:
        """The same as filters of the table's page."""
        pairs = []
        for name in ("member", "year", "method", "category", "status", "currency"):
            if (value := getattr(self, name)) not in ("", None):
                pairs.append((table.columns[name], str(value)))
        pairs += [(f"{table.columns['amount']}__gte", str(self.over))] if self.over is not None else []
        pairs += [(f"{table.columns['amount']}__lt", str(self.below))] if self.below is not None else []
        return pairs


def read_narrowing(pairs: Iterable[tuple[str, str]]) -> Narrowing:
    """The facets of an address; what is no code, no year and no amount is not looked at."""
    values: dict[str, Any] = {}
    for name, value in pairs:
        if (
            (name in ("method", "category", "status") and re.fullmatch(r"\w{1,60}", value, re.ASCII))
            or (name == "member" and re.fullmatch(r"[A-Z]{2,8}", value))
            or (name == "currency" and re.fullmatch(r"[A-Z]{3}", value))
        ):
            values[name] = value
        elif (
            name == "year" and re.fullmatch(r"\d{4}", value, re.ASCII) and YEARS[0] <= int(value) <= YEARS[1]
        ):
            values[name] = int(value)
        elif name in ("over", "below") and (amount := read_amount(value)) is not None:
            values[name] = int(amount)
    return Narrowing(**values)


def _amount(table: Searched) -> str:
    return quote_name(table.columns["amount"] + FLOAT)


@dataclass
class Found:
    """Numbers of found rows of a table, in order. is_all: there are no more; looked_at: found before facets were asked."""

    numbers: np.ndarray
    is_all: bool
    looked_at: int
    is_in_time: bool = True


def find(
    con: sqlite3.Connection, table: Searched, expression: str, low: int, high: int, most: int, seconds: float
) -> Found:
    """The first `most` rows between two numbers whose words match, or as many of them as the time allows."""
    index = quote_name(f"{table.table}_fts")
    deadline = time.monotonic() + seconds
    con.set_progress_handler(lambda: time.monotonic() > deadline, 2_000)
    numbers: list[int] = []
    try:
        cursor = con.cursor()
        cursor.row_factory = None
        cursor.execute(
            f"SELECT rowid FROM {index} WHERE {index} MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid",
            (expression, low, high),
        )
        # In small blocks: the one that time cuts short is lost.
        while len(numbers) <= most and (block := cursor.fetchmany(2_000)):
            numbers += [number for (number,) in block]
        in_time = True
    except sqlite3.OperationalError as error:
        if error.args != ("interrupted",):
            raise
        in_time = False
    finally:
        con.set_progress_handler(None, 0)
    is_all = in_time and len(numbers) <= most
    found = np.array(numbers[:most], dtype=np.int64)
    return Found(found, is_all, len(found), in_time)


@dataclass
class Hit:
    """A found row: its key, its texts with the signs around found words, and what it is about."""

    table: str
    key: tuple[Any, ...]
    member: str
    texts: list[tuple[str, str]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


def read_hits(
    con: sqlite3.Connection,
    table: Searched,
    expression: str,
    numbers: Sequence[int] | None,
    limit: int,
    offset: int,
) -> list[Hit]:
    """Rows with their found words marked. numbers: in this order; None: the best first."""
    index, own = quote_name(f"{table.table}_fts"), quote_name(table.table)
    parts = ", ".join(f"snippet({index}, {place}, ?, ?, '…', 24)" for place in range(len(table.words)))
    marks = [OPENED, CLOSED] * len(table.words)
    if numbers is None:
        sql = f"SELECT rowid, {parts} FROM {index} WHERE {index} MATCH ? ORDER BY rank LIMIT ? OFFSET ?"
        rows = con.execute(sql, [*marks, expression, limit, offset]).fetchall()
    else:
        sql = f"SELECT rowid, {parts} FROM {index} WHERE {index} MATCH ? AND rowid = ?"
        rows = [
            tuple(row) for number in numbers for row in con.execute(sql, [*marks, expression, int(number)])
        ]
    facts = [table.columns[name] for name in ("year", "method", "category", "status", "amount", "currency") if name in table.columns]  # fmt: skip
    names = [*table.key, *facts]
    hits = []
    for number, *texts in map(tuple, rows):
        values = con.execute(
            f"SELECT {', '.join(map(quote_name, ('member_code', *names)))} FROM {own} WHERE rowid = ?",
            [number],
        ).fetchone()
        member, *others = tuple(values)
        shown = [(name, text) for name, text in zip(table.words, texts, strict=True) if text]
        shown.sort(key=lambda each: _TITLES.index(each[0]) if each[0] in _TITLES else len(_TITLES))
        marked = [each for each in shown[1:] if OPENED in each[1]]
        hits.append(
            Hit(
                table.table, tuple(others[: len(table.key)]), member, [*shown[:1], *marked[:2]],
                dict(zip(facts, others[len(table.key) :], strict=True)),
            )
        )  # fmt: skip
    return hits


def filter_sql(table: Searched, narrowing: Narrowing) -> str:
    """SQL of the numbers, among those of ``found``, of rows that the facets leave."""
    conditions = " AND ".join([f"{NUMBER} IN (SELECT number FROM found)", *narrowing.conditions(table)])
    return f"SELECT {NUMBER} FROM {quote_name(table.table)} WHERE {conditions} ORDER BY 1"


def facets_sql(table: Searched) -> str:
    """SQL of (facet, value, currency, count) over the rows of ``found``."""
    columns = {name: quote_name(column) for name, column in table.columns.items() if name in FACETS}
    if "amount" in columns:
        bounds = " ".join(f"WHEN {_amount(table)} >= {low} THEN {low}" for low in reversed(RANGES))
        columns["amount"] = f"CASE {bounds} END"
    currency = quote_name(table.columns["currency"]) if "currency" in table.columns else "NULL"
    values = ", ".join(
        f"CAST({value} AS VARCHAR) AS {quote_name('f ' + name)}" for name, value in columns.items()
    )
    sets = ", ".join(
        f"({quote_name('f ' + name)}, currency)" if name == "amount" else f"({quote_name('f ' + name)})" for name in columns
    )  # fmt: skip
    names = list(columns)
    ids = " ".join(f"WHEN grouping({quote_name('f ' + name)}) = 0 THEN {quote_text(name)}" for name in names)
    value = f"coalesce({', '.join(quote_name('f ' + name) for name in names)})"
    told = "currency" if "amount" in columns else "NULL AS currency"
    return (
        f"SELECT CASE {ids} END AS facet, {value} AS value, {told}, count(*) AS n FROM "
        f"(SELECT {values}, {currency} AS currency FROM {quote_name(table.table)} "
        f"WHERE {NUMBER} IN (SELECT number FROM found)) GROUP BY GROUPING SETS ({sets})"
    )


def member_ranges_sql(table: Searched) -> str:
    """SQL of (member, first number, last number): rows are numbered by their key, which begins with the member."""
    return f"SELECT member_code, min({NUMBER}), max({NUMBER}) FROM {quote_name(table.table)} GROUP BY 1"
