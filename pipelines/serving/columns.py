"""Answers the questions of table pages from columns, exactly as SQLite would answer them from rows.

The two engines compare differently; what is written here follows SQLite (https://sqlite.org/datatype3.html, 4.2):
a text against a number column becomes a number if it looks like one, LIKE knows only the case of A to Z, NULL
sorts first. What cannot be said the same way raises UnlikeError and is left to SQLite.
"""

import re
import threading
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.engine import quote_name, quote_text
from pipelines.publication.formats.pages import FLOAT, NUMBER
from pipelines.serving.shapes import After, Clause, Shape

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_EXACT = 2**53
_LONGEST = 1_000
"""Characters of a text that may be a number; Python reads no whole number of more than 4,300."""

_UPPER, _LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"


class UnlikeError(Exception):
    """The question means something in SQLite that has no equal here."""


class TooSlowError(Exception):
    """The answer was not ready in the time given."""


class Columns:
    """The numbered columns of a release. Safe to use from several threads; each has a cursor of its own."""

    def __init__(
        self,
        path: Path,
        days: Mapping[str, Collection[str]] | None = None,
        memory_limit: str = "1GB",
        threads: int = 2,
    ) -> None:
        """days: table -> columns that hold a date or an instant."""
        self._con = duckdb.connect(
            str(path),
            read_only=True,
            config={
                "memory_limit": memory_limit,
                "threads": threads,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                # Pages take 50 wide rows of millions: their columns are read only after the rows are chosen.
                "late_materialization_max_rows": 5000,
            },
        )
        self._con.execute(
            "SET temp_directory = ''; SET enable_external_access = false; SET lock_configuration = true"
        )
        self._own = threading.local()
        self._days = days or {}
        self.kinds: dict[str, dict[str, str]] = {}
        for table, column, kind in self._con.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal ORDER BY column_index"
        ).fetchall():
            if not column.endswith(FLOAT):
                self.kinds.setdefault(table, {})[column] = kind
        self.counts: dict[str, int] = {
            table: self._con.execute(f"SELECT count(*) FROM {quote_name(table)}").fetchall()[0][0]
            for table in self.kinds
        }

    def close(self) -> None:
        self._con.close()

    # Questions

    def fetch(self, sql: str, seconds: float, numbers: pa.Table | None = None) -> list[tuple[Any, ...]]:
        """Rows of a query of this module. Raises TooSlowError. numbers: rows found by a search, named ``found``."""
        cursor = getattr(self._own, "cursor", None)
        if cursor is None:
            cursor = self._own.cursor = self._con.cursor()
        if numbers is not None:
            cursor.register("found", numbers)
        watch = threading.Timer(seconds, cursor.interrupt)
        watch.start()
        try:
            return cursor.execute(sql).fetchall()
        except duckdb.InterruptException as error:
            raise TooSlowError from error
        finally:
            watch.cancel()
            if numbers is not None:
                cursor.unregister("found")

    def where(self, shape: Shape, found: bool = False) -> str:
        """WHERE of a shape, without where the page begins. found: rows must be among those that a search found."""
        conditions = [self._clause(shape.table, clause) for clause in shape.clauses]
        if found:
            conditions.append(f"{NUMBER} IN (SELECT number FROM found)")
        return " WHERE " + " AND ".join(conditions) if conditions else ""

    def count(self, shape: Shape, found: bool = False) -> str:
        return f"SELECT count(*) FROM {quote_name(shape.table)}{self._from(shape, found)}"

    def facet(self, shape: Shape, found: bool = False) -> str:
        """SQL of (value, count), the most frequent first, equals by value."""
        value = self.value(shape.table, shape.facet)
        if shape.by_day:
            value = self._day(shape.table, shape.facet)
        return (
            f"SELECT {value} AS value, count(*) AS count FROM {quote_name(shape.table)}{self._from(shape, found)} "
            f"GROUP BY 1 HAVING value IS NOT NULL ORDER BY 2 DESC, 1 LIMIT {shape.limit}"
        )

    def numbers(self, shape: Shape, found: bool = False) -> str:
        """SQL of the numbers of the rows of a page, in its order."""
        table = quote_name(shape.table)
        if not shape.sort:
            return f"SELECT {NUMBER} FROM {table}{self._from(shape, found)} ORDER BY {NUMBER} LIMIT {shape.limit}"
        column, descending = shape.sort
        value = self.value(shape.table, column)
        order = f"{{}} {'DESC NULLS LAST' if descending else 'ASC NULLS FIRST'}, {NUMBER}"
        if not shape.after:
            where = self.where(shape, found)
            return f"SELECT {NUMBER} FROM {table}{where} ORDER BY {order.format(value)} LIMIT {shape.limit}"
        # Rows equal to the last one and rows behind it are looked for apart: either is found by the smallest and largest
        # values of a block, both joined by OR only by reading everything.
        where = self.where(shape, found)
        where += " AND " if where else " WHERE "
        parts = [
            f"(SELECT {place} AS part, {value} AS sorted, {NUMBER} FROM {table}{where}{condition} "
            f"ORDER BY {order.format(value)} LIMIT {shape.limit})"
            for place, condition in enumerate(self._parts(shape.table, shape.after))
        ]
        return (
            f"SELECT {NUMBER} FROM ({' UNION ALL '.join(parts)}) ORDER BY part, {order.format('sorted')} "
            f"LIMIT {shape.limit}"
        )

    def _from(self, shape: Shape, found: bool) -> str:
        where = self.where(shape, found)
        if shape.after:
            where += (" AND " if where else " WHERE ") + self._after(shape.table, shape.after)
        return where

    # Values and conditions

    def value(self, table: str, column: str) -> str:
        """SQL of a column with the values that SQLite has."""
        kind = self._kind(table, column)
        if kind.startswith("DECIMAL"):
            return quote_name(column + FLOAT)
        if kind == "BOOLEAN":
            return f"CAST({quote_name(column)} AS BIGINT)"
        return quote_name(NUMBER if column == "rowid" else column)

    def _kind(self, table: str, column: str) -> str:
        if column == "rowid":
            return "BIGINT"
        try:
            return self.kinds[table][column]
        except KeyError:
            raise UnlikeError(f"{table} has no column {column}") from None

    def _day(self, table: str, column: str) -> str:
        if column not in self._days.get(table, ()):
            raise UnlikeError("SQLite reads more as a date than dates")
        return f"left({quote_name(column)}, 10)"

    def _clause(self, table: str, clause: Clause) -> str:
        kind, column = self._kind(table, clause.column), self.value(table, clause.column)
        is_text = kind == "VARCHAR"
        negative = "not" in clause.operator
        if clause.kind == "null":
            return f"{column} IS {'NOT ' if negative else ''}NULL"
        if clause.kind == "blank":
            if not is_text:
                return f"{column} IS {'NOT ' if negative else ''}NULL"
            return (
                f"({column} IS NOT NULL AND {column} <> '')"
                if negative
                else f"({column} IS NULL OR {column} = '')"
            )
        if clause.kind == "date":
            return f"{self._day(table, clause.column)} = {quote_text(_text(clause.values[0]))}"
        if clause.kind == "like":
            return self._like(column, kind, clause, negative)
        if clause.kind == "in":
            equal = [self._compare(column, is_text, "=", value) for value in clause.values]
            either = f"({' OR '.join(equal)})" if equal else "false"
            if not negative:
                return either
            return f"({column} IS NOT NULL AND NOT {either})" if equal else "true"
        return self._compare(column, is_text, clause.operator, clause.values[0])

    def _compare(self, column: str, is_text: bool, operator: str, value: Any) -> str:
        if is_text:
            return f"{column} {operator} {quote_text(_text(value))}"
        number = _number(value)
        if number is not None:
            return f"{column} {operator} {number}"
        # SQLite: every number is less than every text.
        return f"{column} IS NOT NULL" if operator in ("<", "<=", "!=") else "false"

    def _like(self, column: str, kind: str, clause: Clause, negative: bool) -> str:
        if kind != "VARCHAR":
            if kind.startswith("DECIMAL"):
                raise UnlikeError("SQLite writes numbers in its own way")
            column = f"CAST({column} AS VARCHAR)"
        pattern = _text(clause.values[0]).translate(str.maketrans(_UPPER, _LOWER))
        folded = f"translate({column}, '{_UPPER}', '{_LOWER}')"
        inner = pattern[1:-1]
        if len(pattern) > 2 and pattern[0] == pattern[-1] == "%" and "%" not in inner and "_" not in inner:
            found = f"contains({folded}, {quote_text(inner)})"
        else:
            found = f"{folded} LIKE {quote_text(pattern)}"
        return f"NOT {found}" if negative else found

    def _after(self, table: str, after: After) -> str:
        return f"({' OR '.join(self._parts(table, after))})"

    def _parts(self, table: str, after: After) -> list[str]:
        """Conditions for the rows behind a row, in the order of the page; no row meets two of them."""
        behind = self._behind(table, after.key)
        if after.column is None:
            return [behind]
        column = self.value(table, after.column)
        if after.is_null:
            null = f"({column} IS NULL AND {behind})"
            return [null] if after.descending else [null, f"{column} IS NOT NULL"]
        is_text = self._kind(table, after.column) == "VARCHAR"
        same = f"({self._compare(column, is_text, '=', after.value)} AND {behind})"
        past = self._compare(column, is_text, "<" if after.descending else ">", after.value)
        return [same, past, f"{column} IS NULL"] if after.descending else [same, past]

    def _behind(self, table: str, key: tuple[tuple[str, Any], ...]) -> str:
        """Rows are numbered in the order of their key: those behind a key have a number above the last up to it."""
        conditions = []
        for last in range(len(key)):
            equal = [
                self._compare(self.value(table, name), self._kind(table, name) == "VARCHAR", "=", value)
                for name, value in key[:last]
            ]
            name, value = key[last]
            beyond = self._compare(self.value(table, name), self._kind(table, name) == "VARCHAR", ">", value)
            conditions.append(f"({' AND '.join([*equal, beyond])})")
        return f"({' OR '.join(conditions)})"


def _text(value: Any) -> str:
    """A parameter against a text column, as SQLite turns it into a text."""
    if isinstance(value, bool | float) or not isinstance(value, str | int):
        raise UnlikeError("SQLite writes this number in its own way")
    text = str(value)
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UnlikeError("not a text that can be written down")
    return text


def _number(value: Any) -> str | None:
    """A parameter against a number column as an SQL number; None when it does not look like one."""
    if isinstance(value, str):
        if len(value) > _LONGEST:
            raise UnlikeError("too many digits to count with")
        if not _NUMBER.fullmatch(value) or not value.isascii():
            return None
        value = float(value) if re.search(r"[.eE]", value) else int(value)
    if isinstance(value, int) and abs(value) <= _EXACT:
        return f"({value})"
    if isinstance(value, float) and abs(value) < _EXACT:
        return f"(CAST({value!r} AS DOUBLE))"
    raise UnlikeError("not every engine counts so far")
