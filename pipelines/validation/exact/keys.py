"""Unique values, primary and foreign keys: hashes propose, the judge decides.

Equal values have equal canonical texts, so equal hashes: rows whose hash occurs once cannot be duplicates and need no
further look. The reverse need not hold, and is not used: every proposed row is read by Frictionless. A reference is
proved by the text itself, never by its hash.
"""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from frictionless import Field
from frictionless.resources import TableResource
from frictionless.table import create_cell_handlers

from pipelines.engine import quote_text
from pipelines.validation.exact.arrays import rank_array, text_array
from pipelines.validation.exact.screen import missing_values


class UncoveredError(Exception):
    """Frictionless has to do it alone; the text is the reason, for the record of routes."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the table. kind: unique, primary or foreign. positions: columns, from 0.

    kinds: per column, how its values are written canonically (text, number or date).
    """

    kind: str
    names: tuple[str, ...]
    positions: tuple[int, ...]
    kinds: tuple[str, ...]
    source: str = ""
    source_key: tuple[str, ...] = ()


def canonical_kind(field: Field) -> str:
    """How the values of a field compare. Raises `UncoveredError` for types whose equality is not that of a text."""
    if field.type in ("string", "any"):
        return "text"
    if field.type in ("integer", "year"):
        return "number"
    if field.type == "number" and not field.float_number and field.decimal_char == ".":  # type: ignore[attr-defined]
        return "number"
    if field.type == "date" and field.format == "default":
        return "date"
    raise UncoveredError(f"key of type {field.type}")


def canonical_text(value: Any, kind: str) -> str | None:
    """The text that equal values share; None for a value that no clean cell can be equal to."""
    if kind == "text":
        return value if isinstance(value, str) else None
    if kind == "date":
        return value.isoformat() if type(value) is datetime.date else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if isinstance(value, int):
        return str(value) if abs(value) < 10**40 else None
    if not value.is_finite() or abs(value.adjusted()) > 40:
        return None
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def canonical_proof(field: Field, column: str) -> str:
    """SQL: the cell, already proved clean, is also spelled canonically."""
    if field.type == "integer":
        return f"(regexp_full_match({column}, '-?(0|[1-9]\\d{{0,17}})') AND {column} <> '-0')"
    if field.type == "year":
        return f"regexp_full_match({column}, '[1-9]\\d{{3}}')"
    if field.type == "date":
        return f"regexp_full_match({column}, '\\d{{4}}-\\d{{2}}-\\d{{2}}')"
    if field.type == "number":
        return f"(regexp_full_match({column}, '-?(0|[1-9]\\d{{0,19}})(\\.\\d{{0,17}}[1-9])?') AND {column} <> '-0')"
    return "true"


def key_part(field: Field, column: str) -> str:
    """SQL: the canonical text of a clean cell, NULL where Frictionless reads None."""
    missing = missing_values(field)
    others = [text for text in missing if text]
    part = column if "" in missing else f"coalesce({column}, '')"
    if others:
        part = f"CASE WHEN {column} IN ({', '.join(map(quote_text, others))}) THEN NULL ELSE {part} END"
    return part


def composed(parts: Sequence[str]) -> str:
    """SQL: one text for several, NULL when all are; the lengths keep ('a', 'bc') and ('ab', 'c') apart."""
    if len(parts) == 1:
        return parts[0]
    pieces = ", ".join(
        f"CASE WHEN {part} IS NULL THEN '-' ELSE strlen({part}) || ':' || {part} END" for part in parts
    )
    return (
        f"CASE WHEN {' AND '.join(f'{part} IS NULL' for part in parts)} THEN NULL ELSE concat({pieces}) END"
    )


def compose(texts: Sequence[str | None]) -> str | None:
    """The same text as `composed`, in Python."""
    if len(texts) == 1:
        return texts[0]
    if all(text is None for text in texts):
        return None
    return "".join("-" if text is None else f"{len(text.encode())}:{text}" for text in texts)


class Lookup:
    """The keys of a referenced table as Frictionless reads them, and their texts as a DuckDB ENUM for the screen."""

    def __init__(self, keys: set[tuple[Any, ...]]) -> None:
        self.keys = keys

    def texts(self, kinds: Sequence[str]) -> set[str]:
        """Canonical texts of the keys that a clean cell may be equal to."""
        if tuple(kinds) == ("text",):
            return {key[0] for key in self.keys if isinstance(key[0], str)}
        found = set()
        for key in self.keys:
            texts = [canonical_text(value, kind) for value, kind in zip(key, kinds, strict=True)]
            if all(text is not None or value is None for text, value in zip(texts, key, strict=True)):
                text = compose(texts)
                if text is not None:
                    found.add(text)
        return found


def read_lookup(resource: TableResource, source: str, key: tuple[str, ...]) -> Lookup:
    """Read the referenced table as `TableResource` does, but only the cells of the key."""
    table: Any
    if source == resource.name or not source:
        table = resource.to_copy()
    else:
        assert resource.package
        table = resource.package.get_resource(source).to_copy()
    if table.schema:
        table.schema.foreign_keys = []
    keys: set[tuple[Any, ...]] = set()
    with table:
        fields = table.header.get_expected_fields()
        handlers = create_cell_handlers(fields)
        readers = [handlers.get(name) for name in key]
        stream = table.dialect.read_enumerated_content_stream(table.cell_stream)
        if len(readers) == 1 and readers[0] and _is_plain_text(readers[0].field):
            place = readers[0].field_number - 1
            texts = {cells[place] for _, cells in stream if len(cells) > place}
            missing = missing_values(fields[place])
            return Lookup({(text,) for text in texts if text not in missing})
        for _, cells in stream:
            values = tuple(
                reader.reader(cells[reader.field_number - 1] if len(cells) >= reader.field_number else None)[
                    0
                ]
                if reader
                else None
                for reader in readers
            )
            if any(value is not None for value in values):
                keys.add(values)
    return Lookup(keys)


def _is_plain_text(described: Field) -> bool:
    """Whether a cell is its own value: most keys are such, and reading them one by one is half of the time."""
    return described.type == "string" and described.format == "default"


def create_enum(con: duckdb.DuckDBPyConnection, name: str, texts: Iterable[str]) -> bool:
    """A DuckDB ENUM of these texts; False when there are none, as DuckDB has no empty ENUM."""
    values = list(texts)
    if not values:
        return False
    con.register("enum_values", pa.table({"value": text_array(values)}))
    con.execute(f"CREATE TYPE {name} AS ENUM (SELECT value FROM enum_values)")
    con.unregister("enum_values")
    return True


def hash_texts(con: duckdb.DuckDBPyConnection, texts: Sequence[str | None]) -> npt.NDArray[np.uint64]:
    """The hashes that the screen gives these texts."""
    con.register("hash_values", pa.table({"rank": rank_array(len(texts)), "value": text_array(texts)}))
    found = con.execute("SELECT hash(value) FROM hash_values ORDER BY rank").fetchnumpy()
    con.unregister("hash_values")
    return np.asarray(next(iter(found.values())), np.uint64)


def repeated(hashes: npt.NDArray[np.uint64], present: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Places whose hash occurs more than once among those present."""
    ordered = np.sort(hashes[present])
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice):
        return np.empty(0, np.int64)
    return np.flatnonzero(present & np.isin(hashes, np.unique(twice)))
