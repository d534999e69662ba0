"""What the commands print: for people with rich, for scripts as JSON."""

import json
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

from babel.numbers import format_decimal
from rich.console import Console, Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.panel import Panel
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from pipelines.catalogue import Catalogue
from pipelines.cli.words import LANGUAGE, _
from pipelines.records import ChangeSummary, FindingGroup, Severity, ValidationReport, Verdict, count_rows
from pipelines.reporting import Sentences, place, severity_title, verdict_sentence

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}
_PLACES = 5


class Exit(IntEnum):
    """Exit codes that scripts can use."""

    OK = 0
    DATA = 1
    """The data was refused, or waits for a person."""
    USAGE = 2
    """The command was not understood (Typer's own code)."""
    MACHINE = 3
    """Something outside the data failed."""


def number(value: int) -> str:
    return format_decimal(value, locale=LANGUAGE)


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
def progress_bar(quiet: bool) -> Any:
    """A function (what, done, of) that draws a bar; silent for scripts and when nobody looks."""
    if quiet or not err.is_terminal:
        yield lambda *_ignored: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=None)
        steps = {"rules": _("Rules"), "hashes": _("Checksums"), "verify": _("Checking the release")}
        yield lambda what, done, of: bar.update(
            task, description=steps.get(what, what), completed=done, total=of
        )


def print_report(report: ValidationReport, catalogue: Catalogue, *, notices: bool = True) -> None:
    """A report in the terminal: verdict, rows, then what was found, gravest first."""
    sentences = Sentences(catalogue, catalogue.package_type(report.package_type), LANGUAGE)
    colour = {Verdict.ACCEPTED: "green", Verdict.ACCEPTED_WITH_WARNINGS: "yellow", Verdict.REJECTED: "red"}[
        report.verdict
    ]
    out.print(Panel(verdict_sentence(report, LANGUAGE), border_style=colour))
    rows_in, accepted, refused = count_rows(report.sources)
    summary = _("{rows} rows read, {accepted} accepted, {refused} refused.")
    out.print(summary.format(rows=number(rows_in), accepted=number(accepted), refused=number(refused)))
    out.print()
    headings = (_("Table"), _("Rows read"), _("Accepted"), _("Refused"))
    rows = [
        (
            sentences.table_title(count.table) + (f" ({_('derived')})" if count.derived else ""),
            number(count.rows_in),
            number(count.rows_accepted),
            number(count.rows_refused),
        )
        for count in report.counts
    ]
    out.print(grid(headings, rows, right=(1, 2, 3)))
    for severity in Severity:
        groups = [group for group in report.groups if group.severity is severity]
        if not groups or (severity is Severity.NOTICE and not notices):
            continue
        out.print(f"\n[bold {_COLOURS[severity]}]{escape(severity_title(severity, LANGUAGE))}[/]")
        for group in groups:
            _print_group(group, sentences)


def _print_group(group: FindingGroup, sentences: Sentences) -> None:
    text = sentences.group(group)
    times = f" [dim]×{number(group.count)}[/]" if group.count > 1 else ""
    out.print(f"\n [bold]{escape(text.what)}[/]{times} [dim]{group.code}[/]")
    if group.severity is not Severity.NOTICE:
        out.print(Padding(escape(text.why), (0, 0, 0, 3)))
        out.print(Padding(f"[bold]→[/] {escape(text.fix)}", (0, 0, 0, 3)))
    for example in group.examples[:_PLACES]:
        where = place(example)
        if not example.row_number:
            continue
        shown = f"   [dim]{escape(where)}[/]"
        if example.value:
            shown += f"  {escape(example.value[:80])}"
        suggestion = sentences.suggestion(example)
        if suggestion:
            shown += f"  [green]{escape(suggestion)}[/]"
        out.print(shown)
    if group.count > _PLACES and any(example.row_number for example in group.examples):
        out.print(f"   [dim]{escape(_('… and {count} more').format(count=number(group.count - _PLACES)))}[/]")


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
