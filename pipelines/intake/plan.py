"""Decide what a raw table is: its heading row, the table of the standard, which column is which field.

What is decided is written into the manifest; what the sender told (a mapping file) wins over what is guessed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pipelines.catalogue import Catalogue, PackageType, Table
from pipelines.intake.flattened import plan_flattened
from pipelines.intake.labels import LabelIndex, fold
from pipelines.intake.mapping import all_instructions_for, instructions_for
from pipelines.intake.sources import Instructions, RawTable
from pipelines.records import Finding

HEADING_SEARCH_ROWS = 50
"""A heading is looked for in this many rows: exports put titles, logos and dates above it."""


@dataclass(slots=True)
class ColumnPlan:
    """Where a field's text comes from: source columns (joined with `joiner` when several), or a constant."""

    indexes: tuple[int, ...] = ()
    joiner: str = "-"
    constant: str | None = None


@dataclass(slots=True)
class TablePlan:
    """How the rows of a raw table become rows of a table of the standard.

    heading_row: row number of the heading, 0 when the format names the columns itself.
    only_if: source columns of which one must hold something (repeated groups of flattened OCDS); empty = every row.
    leftovers: source columns -> path, for what no column takes and ``additional_fields`` keeps.
    """

    table: Table
    columns: dict[str, ColumnPlan]
    heading_row: int
    labels: list[str]
    only_if: tuple[int, ...] = ()
    leftovers: dict[int, str] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)

    def understood(self) -> dict[str, Any]:
        """What the manifest says of the plan."""
        columns: dict[str, Any] = {}
        for name, column in self.columns.items():
            if column.constant is not None:
                columns[name] = {"value": column.constant}
            else:
                names = [self.labels[index] for index in column.indexes]
                columns[name] = names[0] if len(names) == 1 else names
        return {"table": self.table.name, "heading_row": self.heading_row, "columns": columns}


@dataclass(slots=True)
class Planned:
    plans: list[TablePlan]
    findings: list[Finding]


def _letter(index: int) -> str:
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_letter(index: int) -> str:
    """0 -> ``A``, 26 -> ``AA``: the letter a spreadsheet shows above a column."""
    return _letter(index)


def _head(raw: RawTable) -> list[tuple[int, list[str | None]]]:
    if raw.labels is not None:
        return [(0, list(raw.labels))]
    return list(islice(raw.rows(), HEADING_SEARCH_ROWS))


def _told_labels(told: Mapping[str, Any]) -> set[str]:
    labels: set[str] = set()
    for source in told.get("columns", {}).values():
        if isinstance(source, str):
            labels.add(fold(source))
        elif isinstance(source, list):
            labels.update(fold(each) for each in source)
    return labels


def _best_heading(
    head: Sequence[tuple[int, list[str | None]]], score: Mapping[int, int], told: Mapping[str, Any]
) -> tuple[int, list[str | None]] | None:
    """The heading row: told, else the row with most known labels, else the first of the widest rows."""
    if "heading_row" in told:
        return next((row for row in head if row[0] == told["heading_row"]), None)
    if score and max(score.values()) > 0:
        best = max(score.values())
        return next(row for row in head if score[row[0]] == best)
    filled = {number: sum(1 for cell in cells if cell and cell.strip()) for number, cells in head}
    widest = max(filled.values(), default=0)
    return next((row for row in head if filled[row[0]] == widest and widest > 0), None)


def choose_package_type(
    raws: Iterable[RawTable], indexes: Mapping[str, LabelIndex], catalogue: Catalogue, instructions: Instructions
) -> str | None:
    """The package type that most headings speak of; None when nothing is recognised."""
    if "package_type" in instructions:
        return str(instructions["package_type"])
    scores = dict.fromkeys(indexes, 0)
    for raw in raws:
        told = instructions_for(raw, instructions)
        head = _head(raw)
        for name, index in indexes.items():
            if told.get("table") in catalogue.package_type(name).by_name:
                scores[name] += 100
            if index.table_named(raw.name):
                scores[name] += 5
            if any("ocid" in [fold(cell) for cell in cells if cell] for _, cells in head) and name == "procurement":
                scores[name] += 5
            scores[name] += max(
                (index.hits(table.name, cells) for _, cells in head for table in index.package_type.tables), default=0
            )
    best = max(scores, key=scores.__getitem__, default=None)
    return best if best and scores[best] > 1 else None


def plan_table(raw: RawTable, index: LabelIndex, instructions: Instructions) -> Planned:
    """What a raw table is. No plan and a ``table-unknown`` or ``no-heading`` finding when it cannot be told."""
    told, *further = all_instructions_for(raw, instructions)
    planned = _plan_one(raw, index, told)
    # Further tables from the same rows share their heading: one reading of the file serves all of them.
    for each in further if planned.plans else ():
        more = _plan_one(raw, index, {**each, "heading_row": planned.plans[0].heading_row})
        planned.plans += more.plans
        planned.findings += [finding for finding in more.findings if finding.code != "heading-not-first"]
    return planned


def _plan_one(raw: RawTable, index: LabelIndex, told: Mapping[str, Any]) -> Planned:
    package_type = index.package_type
    head = _head(raw)
    if not any(cell and cell.strip() for _, cells in head for cell in cells):
        return Planned([], [_finding(raw, "no-heading")])
    if told.get("table") and told["table"] not in package_type.by_name:
        known = [table.name for table in package_type.tables]
        return Planned([], [_finding(raw, "table-unknown", name=told["table"], known=known)])

    told_labels = _told_labels(told)
    name = told.get("table") or index.table_named(raw.name)
    flattened = plan_flattened(raw, head, package_type) if not told.get("columns") and not told.get("table") else None
    if flattened is not None:
        return Planned([TablePlan(**each) for each in flattened], [])

    score: dict[int, int] = {}
    best_table, best_hits = name, -1
    for number, cells in head:
        told_hits = sum(1 for cell in cells if cell and fold(cell) in told_labels)
        if name:
            score[number] = told_hits + index.hits(name, cells)
            continue
        for table in package_type.tables:
            hits = index.hits(table.name, cells)
            score[number] = max(score.get(number, 0), hits + told_hits)
            # A table is what most of the labels say; between equals the one with fewer columns of its own.
            if hits > best_hits:
                best_table, best_hits = table.name, hits
    if best_table is None or (not name and best_hits < 2):
        known = [table.name for table in package_type.tables]
        return Planned([], [_finding(raw, "table-unknown", name=raw.name, known=known)])
    heading = _best_heading(head, score, told)
    if heading is None:
        return Planned([], [_finding(raw, "no-heading")])
    return _plan_columns(raw, index, package_type.table(best_table), heading, told)


def _finding(raw: RawTable, code: str, **parameters: Any) -> Finding:
    return Finding(code, source_file=raw.source_file, sheet=raw.sheet, parameters=parameters)


def _plan_columns(
    raw: RawTable, index: LabelIndex, table: Table, heading: tuple[int, list[str | None]], told: Mapping[str, Any]
) -> Planned:
    number, cells = heading
    labels = [(cell or "").strip() for cell in cells]
    by_label: dict[str, int] = {}
    for position, label in enumerate(labels):
        by_label.setdefault(fold(label), position)
    findings: list[Finding] = []
    columns: dict[str, ColumnPlan] = {}

    def place(field: str, plan: ColumnPlan) -> None:
        if field not in table.by_name:
            findings.append(_table_finding(raw, table, "column-unknown", label=field, suggestion=index.nearest(table.name, field)))
        else:
            columns[field] = plan

    used: set[int] = set()
    for name, source in told.get("columns", {}).items():
        if isinstance(source, dict):
            place(name, ColumnPlan(constant=str(source["value"])))
            continue
        wanted = [source] if isinstance(source, str) else list(source)
        found = [by_label.get(fold(label)) for label in wanted]
        if None in found:
            missing = wanted[found.index(None)]
            findings.append(_table_finding(raw, table, "column-missing", name=missing))
            continue
        positions = tuple(position for position in found if position is not None)
        used.update(positions)
        place(name, ColumnPlan(positions, told.get("join", "-")))

    ignored = {fold(label) for label in told.get("ignore", ())}
    free = [None if at in used or fold(cell or "") in ignored else cell for at, cell in enumerate(cells)]
    known, unknown = index.match(table, free)
    for position, field in known.items():
        if field in columns:
            if not told.get("columns") or field not in told["columns"]:
                findings.append(
                    _table_finding(raw, table, "column-twice", column=column_letter(position), label=labels[position])
                )
            continue
        columns[field] = ColumnPlan((position,))
    for position, label in unknown.items():
        if told.get("columns") and told.get("others", "ignore") == "ignore":
            continue
        near = index.nearest(table.name, label)
        findings.append(
            _table_finding(raw, table, "column-unknown", column=column_letter(position), label=label, suggestion=near)
        )
    for field in table.fields:
        if field.name not in columns and field.descriptor.get("constraints", {}).get("required"):
            findings.append(
                Finding("column-missing", table=table.name, field=field.name, source_file=raw.source_file, sheet=raw.sheet, parameters={"name": field.name})
            )
    if number > 1:
        findings.append(_table_finding(raw, table, "heading-not-first", row_number=number))
    return Planned([TablePlan(table, columns, number, labels, told=told)], findings)


def _table_finding(raw: RawTable, table: Table, code: str, column: str | None = None, **parameters: Any) -> Finding:
    return Finding(
        code, table=table.name, source_file=raw.source_file, sheet=raw.sheet, column=column, parameters=parameters
    )


def minimum_missing(package_type: PackageType, present: Iterable[str]) -> list[Finding]:
    """``table-missing`` for each table of the minimum that is not there; a flat table stands for all of them."""
    names = set(present)
    if package_type.flat in names:
        return []
    return [
        Finding("table-missing", table=name, parameters={"name": name}) for name in package_type.minimum if name not in names
    ]
