"""Frictionless opens the file itself: encoding, dialect, labels, header errors and expected fields are its own findings."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frictionless import Checklist, Error, Field
from frictionless.formats.csv import CsvControl
from frictionless.resources import TableResource
from frictionless.table import create_cell_handlers

from pipelines.validation.exact.keys import Key, UncoveredError, canonical_kind

MAX_COLUMNS = 500
"""DuckDB plans wider tables for minutes."""


@dataclass(slots=True)
class Probe:
    """A table as Frictionless sees it before the first row.

    resource: a copy, opened and closed, without foreign keys; its stats are filled in by the engine. path: the file.
    encoding: as Frictionless found it. config: the dialect of its csv.reader. plain: whether that dialect is RFC 4180
    and the file UTF-8, so that the structure may be proved. first: number of the first content row, from 1.
    unasked: tables and keys that no column here refers to, though the schema does: Frictionless reads them all the same,
    and stops where it cannot.
    """

    resource: TableResource
    path: Path
    encoding: str
    config: Any
    plain: bool
    reason: str
    labels: list[str]
    start_errors: list[Error]
    fields: list[Field]
    handlers: dict[str, Any]
    first: int
    bytes_read: int
    unique: list[Key]
    primary: Key | None
    foreign: list[Key]
    unasked: list[tuple[str, tuple[str, ...]]]


def cover(resource: Any, checklist: Checklist | None, small_bytes: int) -> Path:
    """The local file of a resource that the engine may take. Raises `UncoveredError`."""
    if not isinstance(resource, TableResource):
        raise UncoveredError("not a table")
    if checklist is not None and checklist.checks:
        raise UncoveredError("extra checks")
    if resource.data is not None or not resource.path:
        raise UncoveredError("inline data")
    if resource.multipart or resource.extrapaths:
        raise UncoveredError("several parts")
    if resource.scheme != "file" or resource.remote:
        raise UncoveredError("not a local file")
    if resource.format not in ("csv", "tsv"):
        raise UncoveredError(f"format {resource.format}")
    if not resource.closed:
        raise UncoveredError("already open")
    path = Path((resource.normpath or "").removeprefix("file://"))
    if not path.is_file():
        raise UncoveredError("no such file")
    if path.stat().st_size < small_bytes:
        raise UncoveredError("small file")
    return path


def open_probe(resource: TableResource, path: Path, checks: list[Any]) -> Probe:
    """Open a copy and take down what Frictionless found. Raises `UncoveredError`, and whatever Frictionless raises."""
    copy = resource.to_copy()
    foreign_keys: list[dict[str, Any]] = []
    if copy.schema:
        foreign_keys = list(copy.schema.foreign_keys)
        copy.schema.foreign_keys = []
    for check in checks:
        check.connect(copy)
    with copy:
        start_errors = [error for check in checks for error in check.validate_start()]
        fields = copy.header.get_expected_fields()
        control = CsvControl.from_dialect(copy.dialect)
        config = control.to_python()
        labels = copy.labels
        bytes_read = copy.stats.bytes or 0
    handlers = create_cell_handlers(fields)
    if not fields or len(handlers) != len(fields):
        raise UncoveredError("no fields")
    if len(fields) > MAX_COLUMNS:
        raise UncoveredError("too many columns")
    reason = _oddness(copy, path, config)
    probe = Probe(
        resource=copy,
        path=path,
        encoding=str(copy.encoding),
        config=config,
        plain=not reason,
        reason=reason,
        labels=labels,
        start_errors=start_errors,
        fields=fields,
        handlers=handlers,
        first=copy.dialect.create_first_content_row(),
        bytes_read=bytes_read,
        unique=[],
        primary=None,
        foreign=[],
        unasked=[],
    )
    _find_keys(probe, foreign_keys)
    return probe


def _oddness(resource: TableResource, path: Path, config: Any) -> str:
    """Why only Python's csv.reader can read this file; empty when it is plain."""
    if resource.compression:
        return f"compressed ({resource.compression})"
    if resource.encoding not in ("utf-8", "utf-8-sig", "ascii"):
        return f"encoding {resource.encoding}"
    if config.quotechar != '"' or config.quoting != csv.QUOTE_MINIMAL or config.escapechar is not None:
        return "quoting"
    if config.skipinitialspace:
        return "initial spaces skipped"
    mark = config.delimiter
    if len(mark) != 1 or not mark.isascii() or mark in '"\r\n\x00':
        return "delimiter"
    if resource.format != "csv" and _has_return(path):
        # Frictionless reads other formats than csv with universal newlines, inside quotes too.
        return "carriage returns in a file that is not csv"
    return ""


def _has_return(path: Path) -> bool:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if b"\r" in block:
                return True
    return False


def _find_keys(probe: Probe, foreign_keys: list[dict[str, Any]]) -> None:
    """The keys that `TableResource` checks, under its own conditions."""
    places = {field.name: place for place, field in enumerate(probe.fields)}

    def key(kind: str, names: tuple[str, ...], **options: Any) -> Key:
        kinds = tuple(canonical_kind(probe.fields[places[name]]) for name in names)
        return Key(kind, names, tuple(places[name] for name in names), kinds, **options)

    probe.unique = [key("unique", (field.name,)) for field in probe.fields if field.constraints.get("unique")]
    schema = probe.resource.schema
    wanted = set(schema.primary_key)
    if wanted and wanted.issubset(places):
        if not probe.resource.dialect.header_case:
            raise UncoveredError("primary key without regard to case")
        probe.primary = key("primary", tuple(schema.primary_key))
    for each in foreign_keys:
        names, source = tuple(each["fields"]), each["reference"]["resource"]
        source_key = tuple(each["reference"]["fields"])
        if set(names).issubset(places):
            probe.foreign.append(key("foreign", names, source=source, source_key=source_key))
        else:
            probe.unasked.append((source, source_key))
