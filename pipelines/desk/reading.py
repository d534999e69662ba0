"""How a file was understood, as something that its sender can correct: heading, columns, dates, what is no data.

A correction becomes a mapping file's entry (docs/mapping.md): pages need no second way of reading.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.catalogue import Catalogue
from pipelines.identifiers import SubmissionId
from pipelines.intake import read_staged
from pipelines.intake.heads import CHARACTERS, Head, read_heads
from pipelines.intake.labels import LabelIndex, fold
from pipelines.intake.mapping import instructions_for
from pipelines.intake.plan import column_letter
from pipelines.intake.sources import RawTable
from pipelines.records import StagedPackage
from pipelines.workflow import Installation

ENCODINGS = ("utf-8", "windows-1252", "iso-8859-1", "cp850", "mac-roman", "utf-16")
DELIMITERS = (",", ";", "\t", "|")
DATE_ORDERS = ("dmy", "mdy")
DECIMALS = (",", ".")
EXAMPLES = 2
SHORT = 80
"""Characters shown of an example."""


class MisreadError(Exception):
    """A correction that cannot be followed. code: ``field-unknown``, ``field-twice``, ``heading-twice`` or ``heading-row``; value: what was typed."""

    def __init__(self, code: str, value: str) -> None:
        super().__init__(f"{code}: {value}")
        self.code, self.value = code, value


@dataclass(frozen=True, slots=True)
class ColumnRead:
    """letter: as a spreadsheet shows it. field: of the standard, None where it is not used. examples: first cells below the heading.
    repeated: a column before it has the same heading, or the heading is too long to be kept: nothing can be said of it alone.
    """

    letter: str
    heading: str
    field: str | None
    examples: tuple[str, ...]
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class SourceRead:
    """A file or sheet as it was read. tables: what its rows became; several for a flattened table, whose columns are not corrected here.

    told: the entry that was followed. heading_row: 0 where the format names the columns. delimited: it has an encoding and a separator.
    """

    number: int
    head: Head
    tables: tuple[str, ...]
    heading_row: int
    columns: tuple[ColumnRead, ...]
    rows: int
    delimited: bool
    told: Mapping[str, Any]
    encoding: str = ""
    delimiter: str = ""
    skipped: bool = False
    shared: Mapping[str, int] = field(default_factory=dict)

    @property
    def table(self) -> str | None:
        return self.tables[0] if len(self.tables) == 1 else None

    @property
    def further(self) -> Mapping[str, str | int]:
        """Fields that no column of their own gives: the text told for every row, or the position of the column that gives another as well."""
        told: dict[str, str | int] = {
            name: str(each["value"])
            for name, each in self.told.get("columns", {}).items()
            if _is_constant(each)
        }
        return {**told, **self.shared}

    def labels(self, correction: "Correction") -> tuple[str, ...]:
        """Folded headings of the row that a correction takes as such."""
        row = self.head.heading(correction.heading_row or self.heading_row)
        return tuple(folded for cell in row if (folded := fold(cell)))

    def is_moved(self, correction: "Correction") -> bool:
        """Whether the headings stand in another row than was understood."""
        return self.head.labels is None and correction.heading_row != self.heading_row

    def is_cut_otherwise(self, correction: "Correction") -> bool:
        """Whether cells and their texts are going to be others than were kept."""
        understood = (self.encoding, self.delimiter)
        told = (correction.encoding or self.encoding, correction.delimiter or self.delimiter)
        return self.delimited and told != understood


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person says of one source. columns: heading's position -> title or name of a field, empty for none. further: title or
    name of a field -> the same text in every row, or the position of a heading that another field is taken from already. Others: empty =
    found out.
    """

    table: str = ""
    heading_row: int = 0
    columns: Mapping[int, str] = field(default_factory=dict)
    further: Mapping[str, str | int] = field(default_factory=dict)
    encoding: str = ""
    delimiter: str = ""
    date_order: str = ""
    decimal: str = ""
    skip: bool = False


def sources_read(site: Installation, submission_id: str) -> tuple[StagedPackage, tuple[SourceRead, ...]]:
    """The staged package of a submission, and every file and sheet of tables that was read, in the order in which it was.

    OCDS JSON is not among them: it has nothing to correct.
    """
    staged = read_staged(site.zones.staged_folder(SubmissionId(submission_id)))
    return staged, _sources_of(staged, read_heads(Path(staged.folder)))


def _sources_of(staged: StagedPackage, heads: Sequence[Head]) -> tuple[SourceRead, ...]:
    understood = {(each["file"], each["sheet"]): each for each in staged.understood.get("files", ())}
    return tuple(
        _source(number, head, understood.get((head.file, head.sheet)), staged.understood["instructions"])
        for number, head in enumerate(heads)
    )


def _source(
    number: int, head: Head, entry: Mapping[str, Any] | None, instructions: Mapping[str, Any]
) -> SourceRead:
    told = dict(instructions_for(RawTable(head.file, "", lambda: iter(()), head.sheet), instructions))
    tables = list((entry or {}).get("tables", ()))
    heading_row = tables[0]["heading_row"] if tables else told.get("heading_row", 0)
    if not tables and not heading_row and head.labels is None:
        heading_row = max(head.rows, key=lambda row: sum(1 for cell in head.rows[row] if cell), default=0)
    heading = head.heading(heading_row)
    placed = _placed(tables[0]["columns"]) if len(tables) == 1 else {}
    shared: dict[str, int] = {}
    seen: set[str] = set()
    below = head.below(heading_row)
    columns = []
    for position, text in enumerate(heading):
        cells = (row[position] for row in below if position < len(row))
        examples = tuple(shortened(cell) for cell in cells if cell)[:EXAMPLES]
        names = placed.pop(fold(text), [])
        shared |= dict.fromkeys(names[1:], position)
        repeated = fold(text) in seen or len(text) >= CHARACTERS
        seen.add(fold(text))
        columns.append(ColumnRead(column_letter(position), text, next(iter(names), None), examples, repeated))
    # A table that was told, and of which not one heading was known: its columns are still to be said.
    names = [each["table"] for each in tables] or [each for each in (told.get("table"),) if each]
    return SourceRead(
        number, head, tuple(names), heading_row, tuple(columns), (entry or {}).get("rows", 0),
        "delimiter" in (entry or {}), told, (entry or {}).get("encoding") or "", (entry or {}).get("delimiter") or "",
        bool(told.get("skip")), shared,
    )  # fmt: skip


def shortened(text: str) -> str:
    """A text for the page, at most `SHORT` characters."""
    return text if len(text) <= SHORT else f"{text[: SHORT - 1]}…"


def _placed(columns: Mapping[str, Any]) -> dict[str, list[str]]:
    """Folded heading -> fields that are taken from it."""
    placed: dict[str, list[str]] = {}
    for name, source in columns.items():
        if not _is_constant(source):
            for label in source if isinstance(source, list) else [source]:
                placed.setdefault(fold(label), []).append(name)
    return placed


def corrected(
    source: SourceRead, correction: Correction, catalogue: Catalogue, instructions: Mapping[str, Any]
) -> dict[str, Any]:
    """The instructions with this source's entry anew; raises `MisreadError`."""
    entry = _entry(source, correction, catalogue)
    same = {"file": source.head.file, **({"sheet": source.head.sheet} if source.head.sheet else {})}
    others = [
        each
        for each in instructions.get("tables", ())
        if (each.get("file"), each.get("sheet")) != (source.head.file, source.head.sheet)
    ]
    return {**instructions, "tables": [{**same, **entry}, *others]}


def _entry(source: SourceRead, correction: Correction, catalogue: Catalogue) -> dict[str, Any]:
    if correction.skip:
        return {"skip": True}
    kept = {
        key: source.told[key]
        for key in ("codes", "missing", "time_zone", "quote", "join")
        if key in source.told
    }
    entry: dict[str, Any] = {**kept, "others": "tell"}
    for key in ("date_order", "decimal"):
        if getattr(correction, key):
            entry[key] = getattr(correction, key)
    for key in ("encoding", "delimiter") if source.delimited else ():
        if getattr(correction, key):
            entry[key] = getattr(correction, key)
    if len(source.tables) > 1:
        return entry
    table = correction.table or source.table
    if table:
        entry["table"] = table
    if source.head.labels is None and correction.heading_row:
        entry["heading_row"] = correction.heading_row
    # Other headings are going to be read: what was said of these would be said of the wrong ones.
    anew = source.is_moved(correction) or source.is_cut_otherwise(correction)
    if table and table == source.table and not anew:
        entry |= _columns(source, correction, table, catalogue)
    return entry


def _columns(source: SourceRead, correction: Correction, table: str, catalogue: Catalogue) -> dict[str, Any]:
    """``columns`` and ``ignore``: what was said before, and what is said now otherwise than it was understood."""
    labels = field_labels(catalogue, table)
    columns = {
        name: each for name, each in source.told.get("columns", {}).items() if name not in source.further
    }
    ignore = list(source.told.get("ignore", ()))
    chosen = {
        position: _field(labels, correction.columns[position])
        for position, column in enumerate(source.columns)
        if column.heading and not column.repeated and position in correction.columns
    }
    # What is left empty is said to be none of the data, and not reported as unknown any more.
    changed = {at: name for at, name in chosen.items() if name is None or name != source.columns[at].field}
    headings = {fold(source.columns[at].heading) for at in changed}
    for name, told in list(columns.items()):
        if any(fold(each) in headings for each in (told if isinstance(told, list) else [told])):
            del columns[name]
    ignore = [each for each in ignore if fold(each) not in headings]
    for at, name in changed.items():
        if name is None:
            ignore.append(source.columns[at].heading)
        else:
            columns[name] = source.columns[at].heading
    before = Counter(each.field for each in source.columns)
    now = Counter(name for name in chosen.values() if name)
    for text, value in correction.further.items():
        name = _field(labels, text)
        if name is not None:
            if isinstance(value, int) and source.columns[value].repeated:
                raise MisreadError("heading-twice", source.columns[value].letter)
            now[name] += 1
            columns[name] = {"value": value} if isinstance(value, str) else source.columns[value].heading
    for name, times in now.items():
        # Two headings make one field only where they did so before: joined, as a mapping file said.
        if times > max(1, before[name]):
            raise MisreadError("field-twice", name)
    return {key: value for key, value in (("columns", columns), ("ignore", ignore)) if value}


def _is_constant(told: Any) -> bool:
    return isinstance(told, Mapping)


def _field(labels: Mapping[str, str], text: str) -> str | None:
    """The field that a title or name means; None for none."""
    if not text.strip():
        return None
    if fold(text) not in labels:
        raise MisreadError("field-unknown", text.strip())
    return labels[fold(text)]


def field_labels(catalogue: Catalogue, table: str) -> Mapping[str, str]:
    """Folded name, title in any language, or OCDS path -> field of the table."""
    package_type = next(each for each in catalogue.package_types.values() if table in each.by_name)
    return LabelIndex.build(catalogue, package_type).fields[table]
