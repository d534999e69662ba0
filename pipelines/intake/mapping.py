"""Mapping files: what a sender tells of the form of files instead of leaving it to a guess (docs/mapping.md)."""

import codecs
from collections.abc import Callable, Collection, Mapping
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Any

import duckdb

from pipelines.intake.sources import Instructions, RawTable
from pipelines.records import Finding


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _is_encoding(value: Any) -> bool:
    try:
        return bool(codecs.lookup(value).name)
    except (LookupError, TypeError, ValueError):
        return False


def _is_time_zone(value: Any) -> bool:
    """Asked of DuckDB, which is going to read the times."""
    return _is_text(value) and bool(
        duckdb.execute("SELECT 1 FROM pg_timezone_names() WHERE name = ?", [value]).fetchall()
    )


def _is_column(value: Any) -> bool:
    if isinstance(value, dict):
        return set(value) == {"value"} and isinstance(value["value"], str | int | float | bool)
    return _is_text(value) or (
        isinstance(value, list) and bool(value) and all(_is_text(each) for each in value)
    )


def _are_columns(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_column(each) for each in value.values())


def _are_codes(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(codes, dict) and all(isinstance(code, str) for code in codes.values())
        for codes in value.values()
    )


def _are_own_codes(value: Any) -> bool:
    """Codelist -> codes of one's own, each with what it means: a code that nobody explains is not documented."""
    return isinstance(value, dict) and all(
        isinstance(codes, list) and bool(codes) and all(_is_own_code(code) for code in codes)
        for codes in value.values()
    )


def _is_own_code(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and {"code", "title"} <= set(value) <= {"code", "title", "description"}
        and all(_is_text(each) for each in value.values())
    )


_FORM: Mapping[str, Callable[[Any], bool]] = {
    "title": _is_text,
    "description": _is_text,
    "encoding": _is_encoding,
    "delimiter": lambda value: _is_text(value) and len(value) == 1,
    "quote": lambda value: _is_text(value) and len(value) == 1,
    "heading_row": lambda value: isinstance(value, int) and not isinstance(value, bool) and value > 0,
    "decimal": lambda value: value in (".", ","),
    "date_order": lambda value: value in ("dmy", "mdy"),
    "time_zone": _is_time_zone,
    "join": lambda value: isinstance(value, str),
    "columns": _are_columns,
    "codes": _are_codes,
    "missing": _are_texts,
    "ignore": _are_texts,
    "others": lambda value: value in ("ignore", "tell"),
}
"""Keys that may stand at the top, for all files, and in an entry of ``tables``, for the files it names."""


def check_instructions(instructions: Any, tables: Collection[str]) -> tuple[dict[str, Any], list[Finding]]:
    """The part of a mapping file that can be followed, and ``mapping-invalid`` for each key that cannot.

    tables: names of the tables of all package types. Whether a field exists is asked when planning the table.
    """
    findings: list[Finding] = []

    def keep(place: str, data: Any, form: Mapping[str, Callable[[Any], bool]]) -> dict[str, Any]:
        if not isinstance(data, Mapping):
            findings.append(_invalid(place or "mapping", data))
            return {}
        kept = {}
        for key, value in data.items():
            if key in form and form[key](value):
                kept[key] = value
            else:
                findings.append(_invalid(f"{place}{key}", value))
        return kept

    top = {
        **_FORM,
        "package_type": _is_text,
        "codelists": _are_own_codes,
        "tables": lambda value: isinstance(value, list),
    }
    entry = {
        **_FORM,
        "file": _is_text,
        "sheet": _is_text,
        "table": lambda value: isinstance(value, str) and value in tables,
        "skip": lambda value: isinstance(value, bool),
    }
    checked = keep("", instructions, top)
    if "tables" in checked:
        checked["tables"] = [
            keep(f"tables[{position}].", each, entry) for position, each in enumerate(checked["tables"])
        ]
    return checked, findings


def _invalid(key: str, value: Any) -> Finding:
    return Finding("mapping-invalid", parameters={"key": key, "value": str(value)[:100]})


def _fits(entry: Mapping[str, Any], raw: RawTable) -> bool:
    pattern = entry.get("file", "*")
    names = (raw.source_file, PurePosixPath(raw.source_file).name)
    # The name itself first: brackets in a name are not meant as a pattern.
    return (
        any(name == pattern or fnmatch(name, pattern) for name in names)
        and entry.get("sheet", raw.sheet) == raw.sheet
    )


def all_instructions_for(raw: RawTable, instructions: Instructions) -> list[Mapping[str, Any]]:
    """What was told of this file and sheet: the general part with each entry that speaks of it.

    The first entry that fits counts. Further ones count when they name the very same file and sheet and give
    columns: one sheet then becomes rows of several tables.
    """
    general = {key: value for key, value in instructions.items() if key != "tables"}
    fits = [entry for entry in instructions.get("tables", ()) if _fits(entry, raw)]
    if not fits:
        return [general]
    first = fits[0]
    same = [
        entry
        for entry in fits[1:]
        if first.get("columns")
        and entry.get("columns")
        and all(entry.get(key) == first.get(key) for key in ("file", "sheet"))
    ]
    return [{**general, **entry} for entry in (first, *same)]


def instructions_for(raw: RawTable, instructions: Instructions) -> Mapping[str, Any]:
    """What was told of the form of this file and sheet: heading, encoding, delimiter."""
    return all_instructions_for(raw, instructions)[0]
