"""Which indicators some data can support, which fields are missing, and what to publish next.

A field is there when one row at least fills it; whether it is filled often enough is the coverage of the figure. The
thresholds of a member are looked up like a field: ``thresholds.amount`` is filled where ``schemas/thresholds.csv``
knows one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipelines.engine import quote_name
from pipelines.indicators.definitions import Indicator

Filled = Mapping[tuple[str, int | None], frozenset[str]]
"""(member, year or None for all years) -> filled fields (``table.column``)."""

COMPUTABILITY = "indicator_computability"
NEXT = "indicator_next_fields"


@dataclass(frozen=True, slots=True)
class Computability:
    """Whether an indicator can be computed from what a member published for a year (None: all years)."""

    member_code: str
    year: int | None
    indicator: str
    computable: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NextField:
    """A field (or fields needed together) that, published alone, makes more indicators computable."""

    member_code: str
    year: int | None
    fields: tuple[str, ...]
    gain: int
    indicators: tuple[str, ...]


def filled_fields(con: duckdb.DuckDBPyConnection, indicators: Iterable[Indicator]) -> Filled:
    """What is filled, by member and year, in the tables that `open_tables` opened: only fields that an indicator needs."""
    by_table: dict[str, set[str]] = {}
    for each in indicators:
        for name in each.fields:
            table, column = name.split(".")
            by_table.setdefault(table, set()).add(column)
    found: dict[tuple[str, int | None], set[str]] = {}
    for member, year in con.execute("SELECT DISTINCT member_code, year FROM process").fetchall():
        for when in {year, None}:
            found.setdefault((member, when), set())
    for table, wanted in by_table.items():
        columns = sorted(wanted)
        counts = ", ".join(f"count(t.{quote_name(column)}) > 0" for column in columns)
        if table == "thresholds":
            rows = con.execute(
                f"SELECT member_code, NULL, {counts} FROM thresholds AS t GROUP BY 1"
            ).fetchall()
        else:
            rows = con.execute(
                f"SELECT t.member_code, coalesce(t.year, p.year), {counts} FROM {quote_name(table)} AS t "
                "LEFT JOIN process AS p USING (member_code, ocid) GROUP BY 1, 2"
            ).fetchall()
        for member, year, *filled in rows:
            names = {f"{table}.{column}" for column, there in zip(columns, filled, strict=True) if there}
            for when in {year, None}:
                found.setdefault((member, when), set()).update(names)
    for (member, year), names in found.items():
        if year is not None:
            names |= {name for name in found.get((member, None), ()) if name.startswith("thresholds.")}
    return {key: frozenset(names) for key, names in found.items()}


def computability(indicators: Mapping[str, Indicator], filled: Filled) -> list[Computability]:
    """The matrix: a line for each member, year and indicator, those that our tables can never support among them."""
    return [
        Computability(member, year, each.code, each.is_computed and not missing, missing)
        for member, year in sorted(filled, key=lambda key: (key[0], key[1] is not None, key[1] or 0))
        for each in indicators.values()
        for missing in (each.missing(filled[member, year]) if each.is_computed else each.absent,)
    ]


def next_best(indicators: Mapping[str, Indicator], filled: Filled) -> list[NextField]:
    """What to publish next, by member and year, the largest gain first: each step alone, as the matrix would then show.

    Fields that the standard cannot take (bids, external lists, thresholds) are left out: a member could not send them.
    """
    found: list[NextField] = []
    for (member, year), names in filled.items():
        lacking: dict[tuple[str, ...], list[str]] = {}
        for each in indicators.values():
            missing = each.missing(names) if each.is_computed else ()
            if missing and not any(name.startswith(_NOT_SENT) for name in missing):
                lacking.setdefault(tuple(sorted(missing)), []).append(each.code)
        for fields in lacking:
            wider = names | set(fields)
            codes = [
                each.code
                for each in indicators.values()
                if each.is_computed and each.missing(names) and not each.missing(wider)
            ]
            found.append(NextField(member, year, fields, len(codes), tuple(codes)))
    return sorted(
        found,
        key=lambda each: (
            each.member_code,
            each.year is not None,
            each.year or 0,
            -each.gain,
            len(each.fields),
            each.fields,
        ),
    )


_NOT_SENT = ("bids.", "bid_tenderers.", "thresholds.")


def create_computability(
    con: duckdb.DuckDBPyConnection, indicators: Mapping[str, Indicator], filled: Filled
) -> None:
    """Tables ``indicator_computability`` and ``indicator_next_fields`` in `con`'s current database."""
    con.execute(
        f"CREATE OR REPLACE TABLE {COMPUTABILITY} "
        "(member_code VARCHAR, year INTEGER, indicator VARCHAR, computable BOOLEAN, missing VARCHAR)"
    )
    lines = [
        (each.member_code, each.year, each.indicator, each.computable, ";".join(each.missing) or None)
        for each in computability(indicators, filled)
    ]
    _insert(con, COMPUTABILITY, lines)
    con.execute(
        f"CREATE OR REPLACE TABLE {NEXT} "
        "(member_code VARCHAR, year INTEGER, fields VARCHAR, gain INTEGER, indicators VARCHAR)"
    )
    steps = [
        (each.member_code, each.year, ";".join(each.fields), each.gain, ";".join(each.indicators))
        for each in next_best(indicators, filled)
    ]
    _insert(con, NEXT, steps)


def _insert(con: duckdb.DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]]) -> None:
    # A row at a time is slow: a member and year have a line for every indicator.
    names = [name for name, *_ in con.execute(f"DESCRIBE {quote_name(table)}").fetchall()]
    if rows:
        lines = pa.table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
        con.register("lines_of_indicators", lines)
        con.execute(f"INSERT INTO {quote_name(table)} SELECT * FROM lines_of_indicators")
        con.unregister("lines_of_indicators")
