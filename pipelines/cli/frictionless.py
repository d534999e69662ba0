"""``ingp frictionless``: the Frictionless report of a file or descriptor, for whoever knows Frictionless already."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pipelines.cli.checking import Json
from pipelines.cli.show import Exit, err, grid, number, out, print_json, progress_bar
from pipelines.cli.words import _, ngettext

_SHOWN = 10
"""Errors of a table that are shown; ``--json`` gives all."""


def _readable(given: Path | None) -> Path | None:
    if given is not None and not given.exists():
        raise typer.BadParameter(
            _("{path} does not exist. Is the name right, and the folder?").format(path=given)
        )
    return given


def frictionless(
    source: Annotated[
        Path,
        typer.Argument(
            metavar=_("FILE"),
            help=_("A table (CSV, TSV, XLSX …), or the descriptor of a resource or data package."),
            callback=_readable,
        ),
    ],
    schema: Annotated[
        Path | None,
        typer.Option(
            "--schema",
            metavar=_("FILE"),
            help=_("Table Schema for a table; without it Frictionless infers one."),
            callback=_readable,
        ),
    ] = None,
    limit_errors: Annotated[
        int, typer.Option("--limit-errors", metavar=_("NUMBER"), min=1, help=_("Stop after so many errors."))
    ] = 1000,
    as_json: Json = False,
) -> None:
    # Imported here: `ingp --help` and mistyped options answer at once.
    from frictionless import FrictionlessException

    from pipelines.validation.exact import explain

    try:
        subject = _subject(source, schema)
    except FrictionlessException as error:
        raise typer.BadParameter(
            _("{path} is no table and no descriptor that Frictionless understands.").format(
                path=schema or source
            )
            + f" ({error.error.message})"
        ) from None
    with progress_bar(as_json) as bar, _interruptible() as cancelled:

        def progress(done: int, total: int) -> None:
            said = _("checked {done} of {total} rows").format(done=number(done), total=number(total))
            bar(said, done, total)

        outcome = explain(subject, limit_errors=limit_errors, progress=progress, cancelled=cancelled)
    if as_json:
        print_json(outcome.report.to_descriptor())
    else:
        _print(outcome)
    stopped = any(route.stopped for route in outcome.routes)
    raise typer.Exit(Exit.OK if outcome.report.valid and not stopped else Exit.DATA)


def _subject(source: Path, schema: Path | None) -> Any:
    """What is to be validated: a package or resource by its descriptor, or a table with a schema or without."""
    from frictionless import Detector, Package, Resource, Schema

    kind = Detector.detect_metadata_type(str(source))
    if kind == "package":
        return Package.from_descriptor(str(source))
    if kind == "resource":
        return Resource.from_descriptor(str(source))
    # As contents: a schema that remembers its absolute path is refused as unsafe.
    told: dict[str, Any] = (
        {"schema": Schema.from_descriptor(Schema.metadata_retrieve(str(schema)))} if schema else {}
    )
    return Resource(path=source.name, basepath=str(source.parent), **told)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """A function that tells whether somebody has pressed Ctrl-C: the first time ends the run with what is known."""
    pressed = False

    def press(_number: int, _frame: Any) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    before = signal.signal(signal.SIGINT, press)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def _print(outcome: Any) -> None:
    """A line for each table with how far it was checked, then its first errors in Frictionless's own words."""
    report, ways = (
        outcome.report,
        {
            "fast": _("fast"),
            "rewritten": _("read by Frictionless, checked fast"),
            "workbook": _("fast"),
            "frictionless": _("by Frictionless itself"),
        },
    )
    for error in report.errors:
        out.print(f"[red]✗[/] {escape(error.message)}")
    for task, route in zip(report.tasks, outcome.routes, strict=False):
        colour, mark = ("green", "✓") if task.valid else ("red", "✗")
        checked, total = number(route.rows_checked), number(route.rows_total or route.rows_checked)
        said = _("checked {done} of {total} rows").format(done=checked, total=total)
        out.print(f"[{colour}]{mark}[/] [bold]{escape(task.place)}[/]: {said} ({ways[route.path]})")
        if route.stopped:
            err.print(
                "[yellow]" + _("Stopped before the end: what comes after has not been checked.") + "[/]"
            )
        for warning in task.warnings if not route.stopped else ():
            out.print(f"[yellow]![/] {escape(warning)}")
        if task.errors:
            _print_errors(task.errors)


def _print_errors(errors: list[Any]) -> None:
    count = len(errors)
    out.print(ngettext("{count} error", "{count} errors", count).format(count=number(count)))
    rows = []
    for error in errors[:_SHOWN]:
        told = error.to_descriptor()
        rows.append((str(told.get("rowNumber", "")), told.get("fieldName", ""), error.type, error.message))
    out.print(grid((_("Row"), _("Field"), _("Kind"), _("Message")), rows, right=(0,)))
    if count > _SHOWN:
        out.print(_("… and {count} more: --json shows all.").format(count=number(count - _SHOWN)))


def register(app: typer.Typer) -> None:
    app.command(help=_("The Frictionless report of any table or descriptor, by the fast engine."))(
        frictionless
    )
