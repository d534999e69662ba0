"""What the commands print: for people with rich, for scripts as JSON."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from functools import partial
from typing import Any

from babel.numbers import format_decimal
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from pipelines.catalogue import Catalogue
from pipelines.cli.words import LANGUAGE, _, ngettext
from pipelines.exceptions import StoppedError
from pipelines.records import ChangeSummary, Severity, ValidationReport, Verdict
from pipelines.reporting import Sentences
from pipelines.reporting.comparison import Comparison
from pipelines.reporting.details import Details
from pipelines.reporting.document import Document, Problem, build_document

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}
_TONES = {"good": "green", "fair": "yellow", "bad": "red"}
_PLACES = 5
"""Places shown of a problem; a page has ten, and the CSV of findings all."""


class Exit(IntEnum):
    """Exit codes that scripts can use."""

    OK = 0
    DATA = 1
    """The data was refused, or waits for a person."""
    USAGE = 2
    """The command was not understood (Typer's own code)."""
    MACHINE = 3
    """Something outside the data failed."""


def number(value: int | float) -> str:
    """A figure as the language writes it: whole ones whole, others with six decimals at most."""
    return format_decimal(value, format="#,##0.######", locale=LANGUAGE)


def labelled(name: str, value: str) -> str:
    """``name: value``, with the colon as the language writes it."""
    return _("{name}: {value}").format(name=name, value=value)


def print_json(data: Any) -> None:
    out.print_json(json.dumps(data, ensure_ascii=False, default=str))


def grid(headings: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[int] = ()) -> Table:
    """A table; `right` are the columns of figures."""
    table = Table(show_edge=False, pad_edge=False, header_style="bold")
    for position, heading in enumerate(headings):
        table.add_column(heading, justify="right" if position in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(cell) for cell in row))
    return table


def fits(table: Table) -> bool:
    """Whether a table fits the terminal without folding its cells."""
    return out.measure(table, options=out.options.update(width=10_000)).maximum <= out.width


def blocks(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Group:
    """The rows of a table for a narrow terminal: the first two cells as a title, the others below it."""
    lines: list[RenderableType] = []
    for first, second, *others in rows:
        named = zip(headings[2:], others, strict=True)
        lines.append(f"[bold]{escape(first)}[/]  {escape(second)}")
        cells = "  ·  ".join(labelled(escape(name), escape(cell)) for name, cell in named if cell)
        lines.append(Padding(cells, (0, 0, 1, 2)))
    return Group(*lines)


@contextmanager
def progress_bar(quiet: bool, tables: Mapping[str, str] | None = None) -> Any:
    """A function (what, done, of) that draws a bar; silent for scripts and when nobody looks.

    tables: names and titles, when what is watched is a validation: done and of are then rows, and shown as such.
    """
    if quiet or not err.is_terminal:
        yield lambda *_ignored: None
        return
    rows_column = TextColumn("{task.fields[rows]}")
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        rows_column,
        TimeElapsedColumn(),
    )
    titles = tables or {}
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=None, rows="")
        steps = {"rules": _("Rules"), "hashes": _("Checksums"), "verify": _("Checking the release")}

        def tell(what: str, done: int, of: int) -> None:
            shown = rows_progress(done, of) if what in titles or (titles and what == "rules") else ""
            name = escape(titles.get(what) or steps.get(what, what))
            bar.update(task, description=name, completed=done, total=of, rows=shown)

        yield tell


def rows_progress(done: int, of: int) -> str:
    """``checked 1,200,000 of 1,200,000 rows``"""
    text = ngettext("checked {checked} of {rows} row", "checked {checked} of {rows} rows", of)
    return text.format(checked=number(done), rows=number(of))


def stopped_sentence(error: StoppedError) -> str:
    """Why a validation ended early, and how far it had come."""
    text = (
        _("the time allowed was over after {checked} of {rows} rows. Nothing was judged.")
        if error.reason == "budget"
        else _("it was stopped after {checked} of {rows} rows. Nothing was judged.")
    )
    return text.format(checked=number(error.checked), rows=number(error.total))


def table_titles(catalogue: Catalogue) -> dict[str, str]:
    """Titles of all tables in the reader's language, for `progress_bar`."""
    return {
        table.name: catalogue.texts.table(LANGUAGE, package_type.name, table.name).title
        for package_type in catalogue.package_types.values()
        for table in package_type.tables
    }


def print_report(
    report: ValidationReport,
    catalogue: Catalogue,
    *,
    details: Details | None = None,
    comparison: Comparison | None = None,
    notices: bool = True,
) -> None:
    """A report in the terminal: the sum of it, then what was found, gravest first, then the rows."""
    print_document(
        build_document(report, catalogue, LANGUAGE, details=details, comparison=comparison), notices=notices
    )


def print_document(document: Document, *, notices: bool = True, to: Console | None = None) -> None:
    to = to or out
    say = partial(to.print, markup=False)
    summary = f"[bold]{escape(document.summary)}[/]\n{escape(document.verdict)}"
    if document.comparison:
        summary += f"\n[bold]{escape(document.comparison)}[/]. {escape(document.comparison_note)}"
    to.print(Panel(summary, border_style=_TONES[document.tone]))
    if document.fixed:
        to.print(f"\n[bold green]{escape(_('Fixed since then'))}[/]\n")
        for line in document.fixed:
            to.print(Padding(f"[green]✓[/] {escape(line)}", (0, 0, 0, 1)))
    for section in document.sections:
        if section.severity is Severity.NOTICE and not notices:
            continue
        to.print(f"\n[bold {_COLOURS[section.severity]}]{escape(section.title)}[/]")
        for problem in section.problems:
            _print_problem(problem, to)
        if section.more:
            say(f"\n {section.more}", style="dim")
    say()
    headings = (_("Table"), _("Rows read"), _("Accepted"), _("Refused"))
    to.print(grid(headings, document.tables, right=(1, 2, 3)))
    if document.skipped and notices:
        count = sum(len(names) for _why, names in document.skipped)
        text = ngettext(
            "{count} check was not applied; the HTML report says which and why.",
            "{count} checks were not applied; the HTML report says which and why.",
            count,
        )
        say()
        say(text.format(count=number(count)), style="dim")
    say()
    say(f"{document.checked} {document.rows}")


def _print_problem(problem: Problem, to: Console) -> None:
    times = f" [dim]×{problem.count}[/]" if problem.count else ""
    status = f" [bold cyan]{escape(problem.status)}[/]" if problem.status else ""
    number_shown = f"{problem.number}. "
    to.print()
    title = f"[bold]{number_shown}{escape(problem.what[0])}[/]{times}{status} [dim]{problem.code}[/]"
    to.print(Padding(title, (0, 0, 0, 1)))
    inset = (0, 0, 0, 1 + len(number_shown))
    for what in problem.what[1:]:
        to.print(Padding(f"• {escape(what)}", inset))
    if problem.severity is not Severity.NOTICE:
        to.print(Padding(f"[dim]{escape(problem.why)}[/]", inset))
        to.print(Padding(f"[bold]→[/] {escape(problem.fix)}", inset))
    if not problem.places:
        return
    shown = problem.places[:_PLACES]
    table = Table.grid(padding=(0, 2))
    for _column in range(3):
        table.add_column(overflow="fold")
    for each in shown:
        where = ", ".join(part for part in (each.file, each.where) if part)
        table.add_row(Text(where, style="dim"), Text(each.value), Text(each.suggestion, style="green"))
    to.print(Padding(table, inset))
    if rest := problem.findings - len(shown):
        text = ngettext("… and {count} more place", "… and {count} more places", rest)
        to.print(Padding(f"[dim]{escape(text.format(count=number(rest)))}[/]", inset))


def verdict_title(verdict: Verdict) -> str:
    """A verdict in one or two words."""
    return {
        Verdict.ACCEPTED: _("accepted"),
        Verdict.ACCEPTED_WITH_WARNINGS: _("accepted, with warnings"),
        Verdict.REJECTED: _("refused"),
    }[verdict]


def print_changes(changes: ChangeSummary, catalogue: Catalogue, package_type: str) -> None:
    sentences = Sentences(catalogue, catalogue.package_type(package_type), LANGUAGE)
    headings = (_("Table"), _("Added"), _("Removed"), _("Changed"), _("Unchanged"))
    rows = [
        (
            sentences.table_title(each.table),
            *(number(value) for value in (each.added, each.removed, each.changed, each.unchanged)),
        )
        for each in changes.tables
    ]
    out.print(grid(headings, rows, right=(1, 2, 3, 4)))
