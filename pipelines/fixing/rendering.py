"""Fixes in words, in the language of the reader."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace

from babel.numbers import format_decimal
from rich.markup import escape

from pipelines.catalogue import Catalogue, PackageType
from pipelines.fixing.proposals import Fix, FixGroup, Left, Proposal
from pipelines.fixing.reading import UnfixableError
from pipelines.intake.plan import column_letter
from pipelines.reporting import Sentences, translations
from pipelines.reporting.findings_file import guarded, taken
from pipelines.reporting.places import sheet_name
from pipelines.reporting.visible import visible

_VALUE = 60


class FixWords:
    """Renders the fixes of one package type in one language."""

    def __init__(self, catalogue: Catalogue, package_type: PackageType, language: str) -> None:
        self.sentences = Sentences(catalogue, package_type, language)
        self.language = language
        self._ = translations(language).gettext

    def kind(self, kind: str) -> str:
        _ = self._
        return {
            "trim": _("Blanks at the ends taken off"),
            "dates": _("Dates written as year-month-day"),
            "numbers": _("Numbers written with a point for decimals"),
            "codes": _("Codes of the standard"),
            "encoding": _("Letters repaired that were in the wrong encoding"),
        }[kind]

    def column(self, position: int, table: str | None, field: str | None) -> str:
        title = self.sentences.field_title(table, field)
        letter = column_letter(position)
        return f"{title} ({letter})" if title else self._("column {column}").format(column=letter)

    def group_title(self, group: FixGroup) -> str:
        where = self.column(group.column, group.table, group.field)
        sheet = f"{visible(group.sheet, _VALUE)}, " if group.sheet else ""
        return f"{self.kind(group.kind)}: {sheet}{where}"

    def place(self, fix: Fix) -> str:
        return f"{sheet_name(fix.sheet)}!{fix.cell}" if fix.sheet else fix.cell

    def change(self, fix: Fix) -> str:
        """The change as markup of rich."""
        before, after = (escape(visible(text, _VALUE)) for text in (fix.before, fix.after))
        return f'"{before}" → [green]"{after}"[/]'

    def summary(self, file: str, count: int, applied: bool) -> str:
        _ = self._
        name = escape(visible(file, 120))
        shown = format_decimal(count, locale=self.language)
        if not count:
            return _("{file}: nothing that could be mended with certainty.").format(file=name)
        if applied:
            return _("{file}: {count} cells mended in a new file. Yours is as it was.").format(
                file=name, count=shown
            )
        return _(
            "{file}: {count} cells can be mended. Nothing is changed yet; please look through them."
        ).format(file=name, count=shown)

    def left(self, left: Left) -> str:
        """What is left, and why."""
        _ = self._
        reasons = {
            "dates-ambiguous": _(
                "“{example}” may be day and month or month and day. Write the dates of this column as year-month-day, or say their order in a mapping file (date_order)."
            ),
            "numbers-ambiguous": _(
                "“{example}” may be a thousand or a decimal. Write the numbers of this column without a sign for thousands, or say the decimal sign in a mapping file (decimal)."
            ),
            "numbers-mixed": _(
                "“{example}” may be a thousand or a decimal, since the column has both ways of writing. Write its numbers in one way, without a sign for thousands."
            ),
            "formatted": _(
                "{count} cells, for example “{example}”, hold a formula or letters formatted one by one, or cannot be cut out of their row. Please change them by hand."
            ),
        }
        text = reasons[left.reason].format(
            example=visible(left.example, _VALUE), count=format_decimal(left.count, locale=self.language)
        )
        if left.column is None:
            return text
        sheet = f"{visible(left.sheet, _VALUE)}, " if left.sheet else ""
        where = f"{sheet}{self.column(left.column, left.table, left.field)}"
        return _("{name}: {value}").format(name=where, value=text)


def combined(left: Sequence[Left]) -> list[Left]:
    """One entry per reason and column."""
    found: dict[tuple[str, str | None, int | None], Left] = {}
    for each in left:
        key = (each.reason, each.sheet, each.column)
        known = found.get(key)
        if known is None:
            found[key] = each
        elif each.reason == "formatted":
            found[key] = replace(known, count=known.count + each.count)
    return list(found.values())


def diff_lines(proposal: Proposal, catalogue: Catalogue, language: str) -> Iterator[bytes]:
    """Every change as CSV: UTF-8 with byte order mark, comma, CRLF. Nothing in it begins a formula."""
    _ = translations(language).gettext
    words = FixWords(catalogue, proposal.read.package_type, language)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow((_("Kind"), _("Sheet"), _("Cell"), _("Before"), _("After")))
    yield b"\xef\xbb\xbf"
    for fix in proposal.fixes():
        texts = (words.kind(fix.kind), fix.sheet or "", fix.cell, fix.before, fix.after)
        writer.writerow([guarded(text) for text in texts])
        if buffer.tell() > 2**16:
            yield taken(buffer)
    yield taken(buffer)


def refusal(error: UnfixableError, catalogue: Catalogue, language: str) -> str:
    """Why a file cannot be mended; holds ``{file}``."""
    _ = translations(language).gettext
    reasons = {
        "kind": _(
            "{file}: only CSV files and Excel workbooks (.xlsx) can be mended, one by one. Please save the table as one of them."
        ),
        "mapping": _("{file}: the mapping file has entries that cannot be followed."),
        "unstable": _(
            "{file}: no change could be made without changing what other cells mean. Nothing was written."
        ),
        "not-flat": _(
            "{file}: only one wide table of contracts, sent alone, can be split into linked tables."
        ),
        "refused": _("{file} cannot be read."),
    }
    lines = [reasons[str(error)]]
    sentences = Sentences(catalogue, catalogue.package_type("procurement"), language)
    for finding in error.findings:
        text = sentences.finding(finding)
        lines.append(f"{text.what} {text.fix}".replace("{", "{{").replace("}", "}}"))
    return "\n".join(lines)
