"""Which file is given back in which form."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from babel.numbers import format_decimal

from pipelines.catalogue import Catalogue
from pipelines.intake.limits import Limits
from pipelines.intake.mapping import instructions_for
from pipelines.intake.sources import RawTable, SourceFile
from pipelines.intake.unpack import unpack
from pipelines.records import StagedPackage
from pipelines.reporting import translations
from pipelines.returning.delimited import return_delimited
from pipelines.returning.listing import ListSheet
from pipelines.returning.overview import Overview
from pipelines.returning.parts import UnpatchableError
from pipelines.returning.patch import SheetMarks, mark_workbook, write_bare_workbook
from pipelines.returning.problems import Problems
from pipelines.returning.records import DelimitedFile, UnreturnableError
from pipelines.returning.sheet_part import areas
from pipelines.returning.view import sheet_title, write_records, write_values
from pipelines.templates import load_words, problem_sheets
from pipelines.validation import read_report

MAX_NOTES = 5_000
"""Notes in one workbook: programs draw each as a box of its own, and slow down with more."""

MAX_AREAS = 20_000
"""Coloured areas in one workbook; cells below each other are one."""

_UNREADABLE = (
    "unreadable-file", "password-protected", "workbook-with-macros", "archive-too-large", "unknown-format",
    "not-a-table", "empty-file",
)  # fmt: skip
_TABLES = ("csv", "xlsx", "xls", "ods", "json", "jsonl")


@dataclass(slots=True)
class _Job:
    """One file to give back. instructions: what the sender told of its form."""

    file: SourceFile
    problems: Problems
    report_folder: Path
    target_folder: Path
    work: Path
    instructions: Mapping[str, Any]
    taken: set[str]

    def target(self, ending: str) -> Path:
        """A path in the folder that no file has yet: what is there is never written over."""
        name = PurePosixPath(self.file.name)
        serial, path = 1, self.target_folder / f"{name.stem}{ending}"
        while path.exists() or path.name.casefold() in self.taken:
            serial += 1
            path = self.target_folder / f"{name.stem} ({serial}){ending}"
        self.taken.add(path.name.casefold())
        return path


def return_file(
    original: Path,
    report_folder: Path,
    staged: StagedPackage,
    catalogue: Catalogue,
    language: str,
    target_folder: Path,
) -> list[Path]:
    """Write what was sent, marked, into a folder; returns the files written, one or two per table file.

    original: the file or folder as sent (``original`` in the folder of the staged package); an archive gives
    back each table in it. A workbook comes back as itself with marks; a CSV as itself with one column more, and
    as a workbook beside it; XLS and ODS as workbooks of values; of JSON, and of a file that could not be read,
    only the list of problems. No file that exists is written over. A pure function of its arguments.
    """
    target_folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    taken: set[str] = set()
    told = staged.understood.get("instructions", {})
    with (
        tempfile.TemporaryDirectory(prefix="ingp-return-") as folder,
        Problems(report_folder, staged, catalogue, language) as problems,
    ):
        unpacked = unpack([original], Path(folder) / "files", Limits())
        for number, file in enumerate(_table_files(unpacked.files, staged)):
            work = Path(folder) / str(number)
            work.mkdir()
            form = instructions_for(RawTable(file.name, file.stem, lambda: iter(())), told)
            job = _Job(file, problems, report_folder, target_folder, work, form, taken)
            written += _return_one(job)
    return written


def _table_files(files: list[SourceFile], staged: StagedPackage) -> Iterator[SourceFile]:
    """Files that were read as tables, or should have been."""
    known = {each["file"] for each in staged.understood.get("files", ())}
    named = {finding.source_file for finding in staged.findings if finding.code in _UNREADABLE}
    for file in files:
        if file.format in _TABLES and (file.name in known or file.name in named or not known):
            yield file
    # What could not even be opened is not among the unpacked files, but has its list of problems.
    for name in sorted(named - {file.name for file in files} - {None}, key=str):
        yield SourceFile(str(name), Path(str(name)), "other")


def _return_one(job: _Job) -> list[Path]:
    unreadable = {
        finding.source_file for finding in job.problems.staged.findings if finding.code in _UNREADABLE
    }
    if job.file.name in unreadable:
        return [_list_only(job, [])]
    if job.file.format == "csv":
        return _return_csv(job)
    if job.file.format == "xlsx":
        return [_return_workbook(job)]
    if job.file.format in ("xls", "ods"):
        _ = translations(job.problems.sentences.language).gettext
        note = _(
            "Your file was of the kind {format}. It comes back as Excel workbook (.xlsx) with its values and merged cells, without its colours, formulas and charts."
        )
        return [_return_values(job, [note.format(format=job.file.format.upper())])]
    return [_list_only(job, [])]


def _overview(job: _Job, sheets: dict[str | None, str]) -> Overview:
    return Overview(job.problems, read_report(job.report_folder), job.file.name, sheets)


def _sheets_sent(job: _Job) -> dict[str | None, str]:
    """Names of the sheets that findings may name."""
    understood = job.problems.staged.understood.get("files", ())
    return {
        each["sheet"]: each["sheet"] for each in understood if each["file"] == job.file.name and each["sheet"]
    }


def _marks(
    job: _Job, overview: Overview, sheets: dict[str | None, str]
) -> tuple[dict[str, SheetMarks], list[str]]:
    """Marks per sheet of the workbook, and what to tell where there are more than it can carry."""
    _ = translations(overview.language).gettext
    marks, notes_left, areas_left = {}, MAX_NOTES, MAX_AREAS
    cells_in_all, uncoloured = 0, False
    for sent, name in sheets.items():
        own = SheetMarks()
        for severity, cells in job.problems.cells(job.file.name, sent).items():
            cells_in_all += len(cells)
            found = areas(cells)
            uncoloured = uncoloured or len(found) > areas_left
            if found[:areas_left]:
                own.colours[severity] = found[:areas_left]
            areas_left -= len(found[:areas_left])
        first = job.problems.first_cells(job.file.name, sent, notes_left)
        own.notes = {cell: overview.note(found) for cell, found in first.items()}
        notes_left -= len(first)
        marks[name] = own
    told = []
    if cells_in_all > MAX_NOTES:
        told.append(
            _("The first {count} cells carry a note; the others are coloured.").format(
                count=format_decimal(MAX_NOTES, locale=overview.language)
            )
        )
    if uncoloured:
        told.append(
            _(
                "There are too many bad cells to colour them all: mend a whole column at a time, then send the file again."
            )
        )
    return marks, told


def _how_to_go_on(overview: Overview) -> str:
    _ = translations(overview.language).gettext
    return _(
        "Correct the cells in the sheets that follow, save, and send this same workbook again: this list and the colours are not read as data."
    )


def _return_workbook(job: _Job) -> Path:
    sheets = _sheets_sent(job)
    overview = _overview(job, sheets)
    marks, told = _marks(job, overview, sheets)
    target = job.target(".xlsx")
    try:
        lists = overview.sheets_in_front([_how_to_go_on(overview), *told])
        mark_workbook(job.file.path, target, marks, lists, problem_sheets())
    except UnpatchableError:
        _ = translations(overview.language).gettext
        note = _(
            "This workbook is built in an unusual way. It comes back with its values and merged cells, without its colours, formulas and charts."
        )
        return _return_values(job, [note], target)
    return target


def _return_values(job: _Job, notes: list[str], target: Path | None = None) -> Path:
    """A workbook of values only, marked."""
    sheets = _sheets_sent(job)
    overview = _overview(job, sheets)
    base = job.work / "values.xlsx"
    write_values(job.file.path, base, load_words()[overview.language].date_format)
    marks, told = _marks(job, overview, sheets)
    lists = overview.sheets_in_front([*notes, _how_to_go_on(overview), *told])
    target = target or job.target(".xlsx")
    mark_workbook(base, target, marks, lists, problem_sheets())
    return target


def _return_csv(job: _Job) -> list[Path]:
    try:
        file = DelimitedFile(job.file.path, job.instructions)
    except UnreturnableError:
        return [_list_only(job, [])]
    heading_row = job.problems.heading_row(job.file.name, None)
    title = sheet_title(job.file.stem)
    overview = _overview(job, {None: title})
    _ = translations(overview.language).gettext
    suffix = PurePosixPath(job.file.name).suffix
    own = job.target(suffix if suffix.lower() in (".csv", ".tsv", ".txt") else ".csv")
    return_delimited(file, own, overview, heading_row)
    note = _(
        "This workbook is for looking: every cell is text. Correct the file {name}, whose last column says what is wrong in each row; that column is not read when the file comes back."
    ).format(name=own.name)
    base = job.work / "view.xlsx"
    if not write_records(file.records(), base, title, heading_row):
        more = _("The file has more rows or columns than a workbook can hold, so only the CSV is marked.")
        return [own, _list_only(job, [note, more])]
    sheets: dict[str | None, str] = {None: title}
    marks, told = _marks(job, overview, sheets)
    view = job.target(".xlsx")
    mark_workbook(base, view, marks, overview.sheets_in_front([note, *told]), problem_sheets())
    return [own, view]


def _list_only(job: _Job, notes: list[str]) -> Path:
    """A workbook with nothing but the list of problems."""
    overview = _overview(job, {})
    base, target = job.work / "bare.xlsx", job.target(".xlsx")
    write_bare_workbook(base)
    lists: list[ListSheet] = overview.sheets_in_front(notes)
    mark_workbook(base, target, {}, lists, problem_sheets())
    return target
