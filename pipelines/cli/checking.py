"""``ingp validate``, ``ingp recheck``, ``ingp doctor``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.judging import catalogue_for, judged
from pipelines.cli.rendering import (
    Against,
    Excel,
    Form,
    Output,
    chosen_form,
    earlier_report,
    write_rendering,
)
from pipelines.cli.show import (
    Exit,
    err,
    grid,
    labelled,
    out,
    print_json,
    progress_bar,
    verdict_title,
)
from pipelines.cli.words import _
from pipelines.reporting.comparison import Comparison
from pipelines.settings import Settings


def _existing(given: list[Path]) -> list[Path]:
    """Typer's own check of a path speaks English only."""
    for path in given:
        if not path.exists():
            raise typer.BadParameter(
                _("{path} does not exist. Is the name right, and the folder?").format(path=path)
            )
    return given


def _existing_file(given: Path | None) -> Path | None:
    return _existing([given])[0] if given else None


Files = Annotated[
    list[Path],
    typer.Argument(
        metavar=_("FILE …"),
        help=_("Files or folders: CSV, XLSX, ODS, JSON, ZIP, data package."),
        callback=_existing,
    ),
]
Mapping = Annotated[
    Path | None,
    typer.Option(
        "--mapping",
        metavar=_("FILE"),
        help=_("Mapping file: which column is which field."),
        callback=_existing_file,
    ),
]
PackageTypeName = Annotated[
    str | None,
    typer.Option("--type", metavar=_("TYPE"), help=_("procurement or activity; recognised when not given.")),
]
Json = Annotated[bool, typer.Option("--json", help=_("Answer as JSON, for scripts."))]
RowsPolicy = Annotated[
    bool, typer.Option("--rows", help=_("Set rows with errors aside instead of refusing everything."))
]


def read_mapping(path: Path | None) -> dict[str, object]:
    """A mapping file; a file that is no JSON object ends the command."""
    if path is None:
        return {}
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise typer.BadParameter(
            _("{path} is not a mapping file.").format(path=path) + f" ({error})"
        ) from None
    if not isinstance(data, dict):
        raise typer.BadParameter(_("{path} is not a mapping file.").format(path=path))
    return data


def validate(
    files: Files,
    member: Annotated[
        str,
        typer.Option(
            "--member", metavar=_("CODE"), help=_("Member code, for checks that depend on the member.")
        ),
    ] = "XZZ",
    package_type: PackageTypeName = None,
    mapping: Mapping = None,
    rows: RowsPolicy = False,
    form: Form = "",
    output: Output = None,
    excel: Excel = False,
    against: Against = None,
    as_json: Json = False,
) -> None:
    from pipelines.records import Verdict

    settings = Settings()
    catalogue = catalogue_for(settings, member)
    form = chosen_form(form, output, as_json)
    before = earlier_report(against)
    told = read_mapping(mapping)
    with judged(
        files,
        member,
        catalogue,
        settings,
        package_type=package_type,
        instructions=told,
        rows=rows,
        quiet=as_json,
    ) as found:
        comparison = _compared(before, found.folder)
        write_rendering(found.folder, catalogue, form, output=output, excel=excel, comparison=comparison)
        refused = found.report.verdict is Verdict.REJECTED
    raise typer.Exit(Exit.DATA if refused else Exit.OK)


def _compared(before: Path | None, after: Path) -> Comparison | None:
    """Two reports of different members or package types are a slip of the command line."""
    from pipelines.reporting.comparison import compare_reports

    if before is None:
        return None
    try:
        return compare_reports(before, after)
    except ValueError as error:
        raise typer.BadParameter(
            _("The two reports are not of the same member and package type.") + f" ({error})"
        ) from None


def report(
    submission: Annotated[
        str, typer.Argument(metavar=_("SUBMISSION"), help=_("Submission, or the beginning of its name."))
    ],
    form: Form = "",
    output: Output = None,
    excel: Excel = False,
    against: Against = None,
    as_json: Json = False,
) -> None:
    from pipelines import workflow
    from pipelines.reporting.comparison import read_comparison

    site = workflow.Installation.open()
    form = chosen_form(form, output, as_json)
    before = earlier_report(against)
    folder = site.zones.report_folder(workflow.find_submission(site, submission))
    comparison = _compared(before, folder) or read_comparison(folder)
    write_rendering(folder, site.catalogue, form, output=output, excel=excel, comparison=comparison)


def recheck(as_json: Json = False) -> None:
    from pipelines.workflow import Installation
    from pipelines.workflow import recheck as recheck_accepted

    site = Installation.open()
    with progress_bar(as_json) as progress:
        results = recheck_accepted(site, progress=progress)
    changed = [each for each in results if each.is_otherwise]
    if as_json:
        print_json(
            [
                {
                    "submission_id": each.submission_id,
                    "before": each.before,
                    "after": each.after,
                    "new_codes": each.new_codes,
                }
                for each in results
            ]
        )
    else:
        rows = [
            (
                each.submission_id,
                verdict_title(each.before),
                verdict_title(each.after),
                ", ".join(each.new_codes),
            )
            for each in changed
        ]
        out.print(
            _("{count} accepted submissions checked again, {changed} would be judged otherwise.").format(
                count=len(results), changed=len(changed)
            )
        )
        if rows:
            out.print(grid((_("Submission"), _("Then"), _("Now"), _("New findings")), rows))
    raise typer.Exit(Exit.DATA if any(each.after == "rejected" for each in changed) else Exit.OK)


def doctor(as_json: Json = False) -> None:
    from pipelines.cli.health import examine

    results = examine(Settings())
    if as_json:
        print_json([{"check": each.title, "ok": each.ok, "detail": each.detail} for each in results])
    else:
        for each in results:
            mark = "[green]✓[/]" if each.ok else "[red]✗[/]"
            out.print(f"{mark} {labelled(each.title, each.detail)}")
        if all(each.ok for each in results):
            err.print(_("Everything is in order."))
    raise typer.Exit(Exit.OK if all(each.ok for each in results) else Exit.MACHINE)


def register(app: typer.Typer) -> None:
    app.command(help=_("Check files without submitting anything. Needs no set-up."))(validate)
    app.command(help=_("Show the report of a submission again, in any language and form."))(report)
    app.command(help=_("Try the rules of now on everything accepted, without changing anything."))(recheck)
    app.command(help=_("Look whether this installation is in order."))(doctor)
