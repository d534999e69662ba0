"""A file read as the intake reads it, kept in both forms: as written, and as it counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.catalogue import PROVENANCE, Catalogue, PackageType
from pipelines.intake.canonical import Canonicaliser
from pipelines.intake.labels import LabelIndex
from pipelines.intake.limits import Limits
from pipelines.intake.mapping import check_instructions, instructions_for
from pipelines.intake.plan import Planned, choose_package_type, plan_table
from pipelines.intake.readers import read_tables
from pipelines.intake.readers.sheets import column_number
from pipelines.intake.sources import RawTable, SourceFile
from pipelines.intake.tabular import Part, stage_raw_table
from pipelines.intake.unpack import unpack
from pipelines.records import Finding, Severity
from pipelines.templates import guide_sheets


class UnfixableError(Exception):
    """The file cannot be mended as it is. findings: why, as far as the intake knows."""

    def __init__(self, reason: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(reason)
        self.findings = findings


@dataclass(slots=True)
class TableRead:
    """A sheet or file: the raw table, what it was planned as, and its parts (one per table of the standard)."""

    raw: RawTable
    planned: Planned
    parts: list[Part]


@dataclass(slots=True)
class FileRead:
    """One file, read. told: the mapping file. is_template: made from our template, whose dropdowns offer labels."""

    file: SourceFile
    package_type: PackageType
    told: Mapping[str, Any]
    tables: list[TableRead] = field(default_factory=list)

    is_template: bool = False


def read_file(path: Path, catalogue: Catalogue, instructions: Mapping[str, Any], work: Path) -> FileRead:
    """Read one CSV or XLSX. Raises UnfixableError for everything else, and for what the intake refuses."""
    unpacked = unpack([path], work / "files", Limits())
    refused = tuple(each for each in unpacked.findings if catalogue.severity(each.code) is Severity.ERROR)
    if refused:
        raise UnfixableError("refused", refused)
    if len(unpacked.files) != 1 or unpacked.files[0].format not in ("csv", "xlsx"):
        raise UnfixableError("kind")
    file = unpacked.files[0]
    names = {table.name for each in catalogue.package_types.values() for table in each.tables}
    told, objections = check_instructions(dict(instructions), names)
    if objections:
        raise UnfixableError("mapping", tuple(objections))
    indexes = {name: LabelIndex.build(catalogue, each) for name, each in catalogue.package_types.items()}
    form = instructions_for(RawTable(file.name, file.stem, lambda: iter(())), told)
    raws = list(read_tables(file, form, Limits()))
    unreadable = tuple(
        finding
        for raw in raws
        for finding in raw.findings
        if finding.code in ("unreadable-file", "password-protected")
    )
    if unreadable:
        raise UnfixableError("refused", unreadable)
    has_guide = any(raw.sheet in guide_sheets() for raw in raws)
    raws = [raw for raw in raws if raw.sheet not in guide_sheets()]
    name = choose_package_type(raws, indexes, catalogue, told) or "procurement"
    read = FileRead(file, catalogue.package_type(name), told, is_template=has_guide)
    parts = work / "parts"
    parts.mkdir(parents=True)
    for serial, raw in enumerate(raws):
        planned = plan_table(raw, indexes[name], told)
        staged = stage_raw_table(raw, planned.plans, parts, serial, planned.heading_row)
        read.tables.append(TableRead(raw, planned, staged.parts))
    return read


def changed_part(part: Part, change: Callable[[str], str], path: Path) -> Part:
    """The part with every text changed that is not plain ASCII."""
    table = pq.read_table(part.path)
    columns = []
    for name in part.columns:
        column = table.column(name).combine_chunks().dictionary_encode()
        words = [
            word if word is None or word.isascii() else change(word) for word in column.dictionary.to_pylist()
        ]
        columns.append(pa.array(words, pa.string()).take(column.indices))
    arrays = [*columns, *(table.column(name) for name in PROVENANCE)]
    pq.write_table(pa.table(arrays, names=[*part.columns, *PROVENANCE]), path, compression="zstd")
    return replace(part, path=path)


def canonical(
    con: duckdb.DuckDBPyConnection, catalogue: Catalogue, package_type: PackageType, part: Part, folder: Path
) -> tuple[Path, list[Finding]]:
    """A part as the intake stages it: path of the Parquet, and what it found on the way."""
    folder.mkdir(parents=True)
    canonicaliser = Canonicaliser(con, catalogue)
    tables, _ = canonicaliser.stage(package_type, [part], folder)
    return Path(tables[0].path), canonicaliser.findings


def columns_of(part: Part) -> dict[str, int]:
    """Field -> column of the file, counted from 0, for fields that come from one column."""
    return {name: column_number(letter) for name, letter in part.letters.items()}
