"""Decide what a raw table is: its heading row, the table of the standard, which column is which field.

What is decided is written into the manifest; what the sender told (a mapping file) wins over what is guessed.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pipelines.catalogue import Catalogue, PackageType, Table
from pipelines.intake.flattened import plan_flattened
from pipelines.intake.labels import LabelIndex, fold
from pipelines.intake.mapping import all_instructions_for, instructions_for
from pipelines.intake.sources import Instructions, RawTable
from pipelines.records import Finding
from pipelines.templates import problem_labels

NAME_POINTS = 2
"""How many recognised headings the name of a file or sheet is worth."""

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
    leftovers: dict[int, str] = dataclasses.field(default_factory=dict)
    told: Mapping[str, Any] = dataclasses.field(default_factory=dict)

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
    """heading_row: where the heading seems to be when no plan says it, so that it is not counted as data."""

    plans: list[TablePlan]
    findings: list[Finding]
    heading_row: int = 0


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
    raws: Iterable[RawTable],
    indexes: Mapping[str, LabelIndex],
    catalogue: Catalogue,
    instructions: Instructions,
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
            if (
                any("ocid" in [fold(cell) for cell in cells if cell] for _, cells in head)
                and name == "procurement"
            ):
                scores[name] += 5
            scores[name] += max(
                (index.hits(table.name, cells) for _, cells in head for table in index.package_type.tables),
                default=0,
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
        return _unknown_table(raw, package_type, told, str(told["table"]))

    told_labels = _told_labels(told)
    flattened = (
        plan_flattened(raw, head, package_type) if not told.get("columns") and not told.get("table") else None
    )
    if flattened is not None:
        return Planned([TablePlan(**each) for each in flattened], [])

    candidates = [package_type.table(told["table"])] if told.get("table") else package_type.tables
    named = index.table_named(raw.name)
    score: dict[int, int] = {}
    best_table, best_points = None, 0
    for number, cells in head:
        told_hits = sum(1 for cell in cells if cell and fold(cell) in told_labels)
        for table in candidates:
            hits = index.hits(table.name, cells) + told_hits
            score[number] = max(score.get(number, 0), hits)
            # The headings say which table it is; the name of the file or sheet decides between near equals:
            # a file called "contracts" with the columns of the flat table is the flat table.
            points = hits + (NAME_POINTS if table.name == named else 0)
            if hits and points > best_points:
                best_table, best_points = table.name, points
    if told.get("table"):
        best_table = told["table"]
    elif best_table is None and named:
        best_table = named
    elif best_table is None or (best_points < 2 and best_table != named):
        return _unknown_table(raw, package_type, told, raw.name)
    heading = _best_heading(head, score, told)
    if heading is None:
        return Planned([], [_finding(raw, "no-heading")])
    return _plan_columns(raw, index, package_type.table(best_table), heading, told)


def _unknown_table(raw: RawTable, package_type: PackageType, told: Mapping[str, Any], name: str) -> Planned:
    """No plan: which tables there are, and which columns the simplest of them cannot do without."""
    simplest = package_type.table(package_type.flat or package_type.minimum[0])
    required = [
        field.name for field in simplest.fields if field.descriptor.get("constraints", {}).get("required")
    ]
    needed = f"{simplest.name}: {', '.join(required)}"
    known = [table.name for table in package_type.tables]
    guess = _best_heading(_head(raw), {}, told)
    return Planned(
        [], [_finding(raw, "table-unknown", name=name, known=known, needed=needed)], guess[0] if guess else 0
    )


def _finding(raw: RawTable, code: str, **parameters: Any) -> Finding:
    return Finding(code, source_file=raw.source_file, sheet=raw.sheet, parameters=parameters)


def _plan_columns(
    raw: RawTable,
    index: LabelIndex,
    table: Table,
    heading: tuple[int, list[str | None]],
    told: Mapping[str, Any],
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
            findings.append(
                _table_finding(
                    raw, table, "column-unknown", label=field, suggestion=index.nearest(table.name, field)
                )
            )
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

    # The column of problems in a CSV that we returned (`pipelines.returning`) is none of the member's.
    ignored = {fold(label) for label in (*told.get("ignore", ()), *problem_labels())}
    free = [None if at in used or fold(cell or "") in ignored else cell for at, cell in enumerate(cells)]
    known, unknown = index.match(table, free)
    for position, name in known.items():
        if name in columns:
            if not told.get("columns") or name not in told["columns"]:
                findings.append(
                    _table_finding(
                        raw, table, "column-twice", column=column_letter(position), label=labels[position]
                    )
                )
            continue
        columns[name] = ColumnPlan((position,))
    for position, label in unknown.items():
        if told.get("columns") and told.get("others", "ignore") == "ignore":
            continue
        near = index.nearest(table.name, label)
        findings.append(
            _table_finding(
                raw, table, "column-unknown", column=column_letter(position), label=label, suggestion=near
            )
        )
    for field in table.fields:
        if field.name not in columns and field.descriptor.get("constraints", {}).get("required"):
            findings.append(
                Finding(
                    "column-missing",
                    table=table.name,
                    field=field.name,
                    source_file=raw.source_file,
                    sheet=raw.sheet,
                    parameters={"name": field.name},
                )
            )
    if not columns:
        # The name says which table it is, and not one heading agrees: nothing could be read from its rows.
        return Planned([], findings or [_finding(raw, "no-heading")], number)
    if number > 1:
        findings.append(_table_finding(raw, table, "heading-not-first", row_number=number))
    return Planned([TablePlan(table, columns, number, labels, told=told)], findings)


def _table_finding(
    raw: RawTable, table: Table, code: str, column: str | None = None, **parameters: Any
) -> Finding:
    return Finding(
        code,
        table=table.name,
        source_file=raw.source_file,
        sheet=raw.sheet,
        column=column,
        parameters=parameters,
    )


def minimum_missing(package_type: PackageType, present: Iterable[str]) -> list[Finding]:
    """``table-missing`` for each table of the minimum that is not there; a flat table stands for all of them."""
    names = set(present)
    if package_type.flat in names:
        return []
    return [
        Finding("table-missing", table=name, parameters={"name": name})
        for name in package_type.minimum
        if name not in names
    ]
