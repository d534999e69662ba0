"""The problems of one file as the two sheets that a returned workbook begins with."""

import json
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from babel.numbers import format_decimal

from pipelines.intake.readers.log import column_letter
from pipelines.records import Finding, Severity, ValidationReport
from pipelines.reporting import translations, verdict_sentence
from pipelines.reporting.findings_file import severity_name
from pipelines.reporting.places import where
from pipelines.reporting.visible import visible
from pipelines.returning.listing import Cell, Link, ListSheet, blank
from pipelines.returning.problems import FIRST_PLACES, Found, Kind, Problems
from pipelines.templates import load_words

MAX_LISTED = 20_000
"""Places in the second sheet: each is a link, and Excel takes 65,530 in a sheet."""

_WIDTHS = (13, 11, 26, 34, 58, 58, 58)
_PLACES_WIDTHS = (13, 26, 30, 40, 70, 70)
_VALUE = 200
_MAX_SAID = 50_000
"""Sentences kept."""


class Said(NamedTuple):
    """What happened, what to do, and a near miss if there is one."""

    what: str
    fix: str
    hint: str


def _names_place(sentence: str) -> bool:
    return "{row}" in sentence or "{cell}" in sentence


def _bare(sentence: str, found: Found) -> str:
    """A sentence without the value that stands beside it."""
    return sentence.replace(visible(found.finding.value or "", 60), "")


class Overview:
    """Writes the list sheets of one file. sheets: name of a sheet as sent (None for a CSV) -> its name here."""

    def __init__(
        self, problems: Problems, report: ValidationReport, file: str, sheets: dict[str | None, str]
    ) -> None:
        self.problems = problems
        self.report = report
        self.file = file
        self.sheets = sheets
        self.language = problems.sentences.language
        self._ = translations(self.language).gettext
        self.words = load_words()[self.language]
        self._said: dict[tuple[object, ...], Said] = {}

    def say(self, finding: Finding) -> Said:
        """A finding in words. What says the same is made once: most of 100,000 findings differ in little."""
        own = self.problems.sentences.catalogue.texts.finding(self.language, finding.code)
        place = (finding.row_number, finding.column) if any(map(_names_place, own)) else None
        parameters = json.dumps(dict(finding.parameters), sort_keys=True, default=str)
        key = (finding.code, finding.table, finding.field, finding.value, finding.sheet, parameters, place)
        said = self._said.get(key)
        if said is None:
            text = self.problems.sentences.finding(finding)
            said = Said(text.what, text.fix, self.problems.sentences.suggestion(finding) or "")
            if len(self._said) < _MAX_SAID:
                self._said[key] = said
        return said

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.language)

    def sheets_in_front(self, notes: Sequence[str]) -> list[ListSheet]:
        """The sheet of problems and, when there are more than it shows, that of all places."""
        total = self.problems.count_places(self.file)
        kinds = self.problems.kinds(self.file)
        has_more = any(kind.group.count > FIRST_PLACES and kind.first[0].row for kind in kinds)
        told = list(notes)
        if has_more and total > MAX_LISTED:
            told.append(
                self._(
                    "The sheet “{sheet}” lists the first {count} places of {total}, the errors first."
                ).format(
                    sheet=self.words.places_sheet, count=self.number(MAX_LISTED), total=self.number(total)
                )
            )
        elif has_more:
            told.append(
                self._("The sheet “{sheet}” lists all {total} places.").format(
                    sheet=self.words.places_sheet, total=self.number(total)
                )
            )
        front = [self._problems_sheet(kinds, told)]
        return [*front, self._places_sheet()] if has_more else front

    def _problems_sheet(self, kinds: Sequence[Kind], notes: Sequence[str]) -> ListSheet:
        _ = self._
        sheet = ListSheet(self.words.problems_sheet, _WIDTHS)

        def line(text: str, look: str = "text") -> None:
            sheet.rows.append([Cell(text, look), *(Cell(None, look) for _each in _WIDTHS[1:])])
            sheet.merged[len(sheet.rows)] = 0

        line(_("Problems in {file}").format(file=visible(PurePosixPath(self.file).name, 120)), "title")
        line(verdict_sentence(self.report, self.language), "strong")
        line(self._counted())
        for note in notes:
            line(note)
        meanings = {
            Severity.ERROR: _("Red, with a solid frame: to be corrected."),
            Severity.WARNING: _("Yellow, with a dashed frame: published, but worth a look."),
            Severity.NOTICE: _("Tells how the file was read; no cell is coloured."),
        }
        for severity, meaning in meanings.items():
            sheet.rows.append(
                [
                    Cell(severity_name(severity, self.language), severity.value),
                    Cell(meaning, "text"),
                    *blank([""] * (len(_WIDTHS) - 2), "text"),
                ]
            )
            sheet.merged[len(sheet.rows)] = 1
        sheet.rows.append(blank([""] * len(_WIDTHS), "text"))
        headings = (
            _("Severity"), _("How many"), _("Place"), _("Value"),
            _("What happened"), _("Why it matters"), _("What to do"),
        )  # fmt: skip
        sheet.rows.append(blank(headings, "heading"))
        for kind in kinds:
            self._add_kind(sheet, kind)
        return sheet

    def _counted(self) -> str:
        _ = self._
        counts = self.problems.counts(self.file)
        names = {
            Severity.ERROR: _("errors: {count}"),
            Severity.WARNING: _("warnings: {count}"),
            Severity.NOTICE: _("notices: {count}"),
        }
        told = [
            text.format(count=self.number(counts[each])) for each, text in names.items() if counts.get(each)
        ]
        return ", ".join(told).capitalize() + "." if told else _("No problems found.")

    def _add_kind(self, sheet: ListSheet, kind: Kind) -> None:
        text = self.problems.sentences.group(kind.group)
        severity = severity_name(kind.group.severity, self.language)
        column = self.problems.sentences.field_title(kind.group.table, kind.group.field)
        sheet.rows.append(
            [
                Cell(severity, kind.group.severity.value),
                Cell(kind.group.count, "number"),
                Cell(column, "group"),
                Cell(None, "group"),
                Cell(text.what, "group"),
                Cell(text.why, "group_text"),
                Cell(text.fix, "group"),
            ]
        )
        bare = _bare(text.what, kind.first[0])
        shown = [each for each in kind.first if each.finding.row_number or each.finding.column]
        for each in shown:
            own = self.say(each.finding)
            sheet.rows.append(
                [
                    Cell(None, "cell"),
                    Cell(None, "cell"),
                    Cell(self._place(each), "link" if self._leads(each) else "cell"),
                    Cell(visible(each.finding.value or "", _VALUE), "value"),
                    Cell(own.what if _bare(own.what, each) != bare else None, "cell"),
                    Cell(None, "cell"),
                    Cell(own.hint or (own.fix if own.fix != text.fix else None), "cell"),
                ]
            )
        if shown and kind.group.count > len(shown):
            more = self._("… and {count} more").format(count=self.number(kind.group.count - len(shown)))
            sheet.rows.append(
                [Cell(None, "cell"), Cell(None, "cell"), Cell(more, "cell"), *blank([""] * 4, "cell")]
            )

    def _places_sheet(self) -> ListSheet:
        _ = self._
        sheet = ListSheet(self.words.places_sheet, _PLACES_WIDTHS, heading_row=1, filtered=True)
        headings = (
            _("Severity"), _("Place"), _("Field"), _("Value"), _("What happened"), _("What to do"),
        )  # fmt: skip
        sheet.rows.append(blank(headings, "heading"))
        sentences = self.problems.sentences
        for each in self.problems.places(self.file, MAX_LISTED):
            text = self.say(each.finding)
            sheet.rows.append(
                [
                    Cell(severity_name(each.severity, self.language), each.severity.value),
                    Cell(self._place(each), "link" if self._leads(each) else "cell"),
                    Cell(sentences.field_title(each.finding.table, each.finding.field), "cell"),
                    Cell(visible(each.finding.value or "", _VALUE), "value"),
                    Cell(text.what, "cell"),
                    Cell(text.hint or text.fix, "cell"),
                ]
            )
        return sheet

    def _leads(self, found: Found) -> bool:
        return bool(found.row and found.column is not None and found.finding.sheet in self.sheets)

    def _place(self, found: Found) -> Link | str:
        told = where(found.finding, self.language)
        if not self._leads(found) or found.row is None or found.column is None:
            return told
        return Link(told, self.sheets[found.finding.sheet], f"{column_letter(found.column)}{found.row}")

    def note(self, found: Sequence[Found]) -> str:
        """The note on a cell: what happened, what to do."""
        pieces = []
        for each in found:
            text = self.say(each.finding)
            severity = severity_name(each.severity, self.language).upper()
            lines = [f"{severity}: {text.what}", *([text.hint] if text.hint else []), f"→ {text.fix}"]
            pieces.append("\n".join(lines))
        return "\n\n".join(pieces)

    def row_message(self, found: Sequence[Found]) -> str:
        """What the last column of a returned CSV says of a row."""
        pieces = []
        for each in found:
            finding: Finding = each.finding
            text = self.say(finding)
            letter = f"{finding.column}: " if finding.column else ""
            pieces.append(f"{letter}{text.what} → {text.hint or text.fix}")
        return " | ".join(pieces)
