"""What DuckDB is asked of every row: one bit (may Frictionless object?), the length, and a hash per key."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine import quote_text
from pipelines.validation.exact.arrays import bits, text_array
from pipelines.validation.exact.keys import (
    Key,
    Lookup,
    canonical_proof,
    composed,
    create_enum,
    key_part,
)
from pipelines.validation.exact.probe import Probe
from pipelines.validation.exact.screen import Screen, missing_values, screen_field
from pipelines.validation.exact.source import Source

SAMPLE_ROWS = 50_000
"""Rows that tell which columns are full of odd spellings."""

FEW_TEXTS = 50_000
"""Referenced keys up to which foreign keys are compared outside DuckDB."""

ODD_CELLS = 0.002
"""Share of suspect cells in the sample above which a column is read by its distinct values."""


@dataclass(slots=True)
class Plan:
    """conditions: per column, and for the row; none of them is false for a row that is clean. hashes: per key.
    references: SQL text of a foreign key, and the texts that it may have.
    """

    probe: Probe
    source: Source
    conditions: dict[int, str]
    row_conditions: list[str]
    hashes: list[str]
    references: dict[str, set[str]]
    adapted: bool = False
    enums: int = 0
    distinct: list[int] = field(default_factory=list)
    members: dict[str, pa.Array] = field(default_factory=dict)

    def query(self, part: Path, extra: Sequence[str] = ()) -> str:
        """SQL of the pass over a part of the file; `extra` expressions come last."""
        asked = [each for each in [*self.conditions.values(), *self.row_conditions] if each != "true"]
        suspect = f"NOT coalesce({' AND '.join(asked)}, true)" if asked else "false"
        suspect = f"({suspect})::UTINYINT"
        length = " + ".join(f"coalesce(strlen(c{place}), 0)" for place in range(len(self.probe.fields)))
        hashes = "".join(
            f", CASE WHEN {text} IS NULL THEN NULL ELSE hash({text}) END AS h{place}"
            for place, text in enumerate(self.hashes)
        )
        texts = "".join(f", {text} AS r{place}" for place, text in enumerate(self.references))
        others = "".join(f", {text} AS x{place}" for place, text in enumerate(extra))
        return f"SELECT {suspect} AS suspect, {length} AS length{hashes}{texts}{others} FROM {csv_scan(self.source, part)}"

    def strangers(self, text: str, column: pa.Array) -> Any:
        """Which cells of a foreign key are not in the referenced table; a missing one refers to nothing."""
        if text not in self.members:
            self.members[text] = text_array(list(self.references[text]))
        known = pc.is_in(column, value_set=self.members[text])
        return bits(pc.and_(column.is_valid(), pc.invert(known)))

    def adapt(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Read by distinct values the columns that are full of odd spellings; whether there were any. Once only."""
        self.adapted = True
        open_columns = [
            place for place, text in self.conditions.items() if text != "true" and place not in self.distinct
        ]
        counts = ", ".join(
            f"count(*) FILTER (NOT coalesce({self.conditions[place]}, true))" for place in open_columns
        )
        if not counts:
            return False
        sample = con.execute(
            f"SELECT count(*), {counts} FROM (FROM {csv_scan(self.source, self.source.path)} LIMIT {SAMPLE_ROWS})"
        ).fetchall()[0]
        chosen = [
            place
            for place, count in zip(open_columns, sample[1:], strict=True)
            if count > ODD_CELLS * sample[0]
        ]
        for place in chosen:
            self.read_distinct(con, place)
        return bool(chosen)

    def read_distinct(self, con: duckdb.DuckDBPyConnection, place: int) -> None:
        """Let Frictionless read every different text of a column once, and remember those that it refuses."""
        described = self.probe.fields[place]
        reader = self.probe.handlers[described.name].reader
        refused = [
            text for text in _distinct_texts(con, self.source, place) if not _is_accepted(reader, text)
        ]
        accepts_empty = _is_accepted(reader, "")
        self.enums += 1
        if create_enum(con, f"refused_{self.enums}", refused):
            condition = f"try_cast(c{place} AS refused_{self.enums}) IS NULL"
        else:
            condition = "true"
        self.conditions[place] = condition if accepts_empty else f"({condition} AND c{place} IS NOT NULL)"
        self.distinct.append(place)


def _distinct_texts(con: duckdb.DuckDBPyConnection, source: Source, place: int) -> Iterator[str]:
    query = (
        f"SELECT DISTINCT c{place} AS text FROM {csv_scan(source, source.path)} WHERE c{place} IS NOT NULL"
    )
    for batch in con.sql(query).to_arrow_reader(100_000):
        yield from batch.column(0).to_pylist()


def _is_accepted(reader: Any, text: str) -> bool:
    try:
        return not reader(text)[1]
    except Exception:
        return False  # the judge meets the same exception, and it is Frictionless' to raise


def make_plan(con: duckdb.DuckDBPyConnection, probe: Probe, source: Source, lookups: list[Lookup]) -> Plan:
    """The plan for a table; reads by distinct values what has no predicate in SQL."""
    screens: list[Screen] = []
    conditions: dict[int, str] = {}
    for place, described in enumerate(probe.fields):
        screen = screen_field(described, f"c{place}", probe.handlers[described.name].reader)
        screens.append(screen)
        conditions[place] = screen.condition()
    keys = [*probe.unique, *([probe.primary] if probe.primary else [])]
    plan = Plan(probe, source, conditions, [], [composed(_parts(probe, key)) for key in keys], {})
    plan.row_conditions += _blank_conditions(probe)
    plan.row_conditions += _canonical_conditions(probe, [*keys, *probe.foreign])
    if probe.primary:
        plan.row_conditions.append(f"{composed(_parts(probe, probe.primary))} IS NOT NULL")
    _add_references(con, plan, lookups)
    for place, screen in enumerate(screens):
        if screen.proof is None or (
            "pattern" in probe.fields[place].constraints and not _compiles(con, screen.proof, place)
        ):
            plan.read_distinct(con, place)
    return plan


def _compiles(con: duckdb.DuckDBPyConnection, proof: str, place: int) -> bool:
    """Whether DuckDB takes the predicate: RE2 has limits of size that Python has not."""
    try:
        con.execute(f"SELECT {proof} FROM (SELECT 'x' AS c{place})").fetchall()
    except duckdb.Error:
        return False
    return True


def _parts(probe: Probe, key: Key) -> list[str]:
    return [key_part(probe.fields[position], f"c{position}") for position in key.positions]


def _canonical_conditions(probe: Probe, keys: list[Key]) -> list[str]:
    """Cells of keys are compared as text, so their spelling has to be the canonical one."""
    positions = sorted({position for key in keys for position in key.positions})
    conditions = []
    for position in positions:
        described, column = probe.fields[position], f"c{position}"
        proof = canonical_proof(described, column)
        if proof != "true":
            conditions.append(f"({proof} OR {key_part(described, column)} IS NULL)")
    return conditions


def _blank_conditions(probe: Probe) -> list[str]:
    """Rows that Frictionless calls blank, or leaves out."""
    dialect = probe.resource.dialect
    conditions = []
    columns = [f"c{place}" for place in range(len(probe.fields))]
    if dialect.comment_char:
        conditions.append(f"NOT starts_with(c0, {quote_text(dialect.comment_char)})")
    if dialect.skip_blank_rows:
        conditions.append(f"coalesce({', '.join(columns)}) IS NOT NULL")
    # A row of which one cell may not be missing is suspected for that cell.
    if all(
        missing and _is_accepted(probe.handlers[described.name].reader, missing[0])
        for described in probe.fields
        for missing in [missing_values(described)]
    ):
        parts = [key_part(described, column) for described, column in zip(probe.fields, columns, strict=True)]
        conditions.append(f"coalesce({', '.join(parts)}) IS NOT NULL")
    return conditions


def _add_references(con: duckdb.DuckDBPyConnection, plan: Plan, lookups: list[Lookup]) -> None:
    """Foreign keys, by their texts. A join would lose the order of rows; a cast to an ENUM keeps it, for large
    tables, and for small ones comparing outside DuckDB costs a quarter of that.
    """
    known: dict[tuple[int, tuple[str, ...]], set[str]] = {}
    for place, (key, lookup) in enumerate(zip(plan.probe.foreign, lookups, strict=True)):
        text = composed(_parts(plan.probe, key))
        name = (id(lookup), key.kinds)
        if name not in known:
            known[name] = lookup.texts(key.kinds)
        texts = known[name]
        if len(texts) <= FEW_TEXTS and text not in plan.references:
            plan.references[text] = texts
            continue
        held = f" OR try_cast({text} AS reference_{place}) IS NOT NULL"
        if not create_enum(con, f"reference_{place}", texts):
            held = ""
        plan.row_conditions.append(f"({text} IS NULL{held})")


def csv_scan(source: Source, path: Path) -> str:
    """DuckDB's reader of the file, or of a part of it: every cell as text, records of another width left out.

    One thread reads it: with more, one may begin in the middle of a quoted cell and take its lines for rows.
    """
    columns = ", ".join(f"'c{place}': 'VARCHAR'" for place in range(source.width))
    newline = {1: "\\n", 2: "\\r\\n"}[source.newline]
    return (
        f"read_csv({quote_text(path)}, auto_detect = false, header = false, delim = {quote_text(source.delimiter)}, "
        f"quote = '\"', escape = '\"', new_line = '{newline}', ignore_errors = true, parallel = false, columns = {{{columns}}})"
    )
