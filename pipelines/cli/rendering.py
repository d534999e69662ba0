"""``--format``, ``-o`` and ``--against``: one stored report, written in the form that was asked for."""

import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from pipelines.catalogue import Catalogue
from pipelines.cli.show import err, labelled, print_document, print_json
from pipelines.cli.words import LANGUAGE, _
from pipelines.reporting.comparison import Comparison
from pipelines.reporting.document import build_document

FORMS = ("terminal", "markdown", "html", "json", "csv", "frictionless")
_BY_ENDING = {".html": "html", ".htm": "html", ".md": "markdown", ".json": "json", ".csv": "csv"}


def _known(form: str) -> str:
    if form and form not in FORMS:
        raise typer.BadParameter(
            _("There is no format “{name}”. There are: {known}.").format(name=form, known=", ".join(FORMS))
        )
    return form


Form = Annotated[
    str,
    typer.Option(
        "--format",
        metavar=_("FORMAT"),
        help=_("terminal, markdown, html, json, csv or frictionless; by the ending of -o when not given."),
        callback=_known,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar=_("FILE"), help=_("Where to write it, instead of the screen.")),
]
Excel = Annotated[bool, typer.Option("--excel", help=_("CSV with the mark by which Excel knows accents."))]
Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar=_("REPORT"),
        help=_("Earlier report (file or submission): what was fixed, is left, is new."),
    ),
]


def chosen_form(form: str, output: Path | None, as_json: bool) -> str:
    """The form asked for: told, or by the ending of the file, or for people."""
    by_ending = _BY_ENDING.get(output.suffix.lower(), "") if output else ""
    return "json" if as_json else form or by_ending or "terminal"


def earlier_report(against: str | None) -> Path | None:
    """The report that `--against` names: a report folder, a ``report.json``, or a stored submission."""
    if against is None:
        return None
    path = Path(against)
    if path.exists():
        from pipelines.reporting.comparison import report_files

        report, findings = report_files(path)
        if not report.is_file() or not findings.is_file():
            raise typer.BadParameter(
                _("{path} is not a report with all its findings beside it.").format(path=path)
            )
        return path
    from pipelines import workflow

    site = workflow.Installation.open()
    folder: Path = site.zones.report_folder(workflow.find_submission(site, against))
    return folder


def write_rendering(
    folder: Path,
    catalogue: Catalogue,
    form: str,
    *,
    output: Path | None = None,
    excel: bool = False,
    comparison: Comparison | None = None,
) -> None:
    """Write the report of a folder. Beside a page, a text or JSON in a file go all findings, as a table."""
    from pipelines.reporting import markdown
    from pipelines.reporting.findings_file import findings_lines
    from pipelines.reporting.html import render_html
    from pipelines.validation.report import (
        FINDINGS,
        frictionless_part,
        read_details,
        read_report,
        read_stored,
    )

    report = read_report(folder)
    findings = folder / FINDINGS
    lines = findings_lines(findings, catalogue, report.package_type, LANGUAGE, excel=excel)
    if form == "csv":
        _write(lines, output)
        return
    if form in ("json", "frictionless"):
        data = read_stored(folder)
        if form == "frictionless":
            data = frictionless_part(data)
        elif comparison is not None:
            data["comparison"] = comparison.to_dict()
        if output is None:
            print_json(data)
        else:
            text = json.dumps(data, ensure_ascii=False, indent=1)
            copy = output.with_name(f"{output.stem}-{FINDINGS}")
            _write([text.encode("utf-8", "backslashreplace")], output)
            shutil.copyfile(findings, copy)
            err.print(labelled(_("Written"), f"{output}, {copy}"), markup=False)
        return
    document = build_document(
        report, catalogue, LANGUAGE, details=read_details(folder), comparison=comparison
    )
    if form == "terminal" and output is None:
        print_document(document)
        return
    if form == "terminal":
        assert output is not None
        with output.open("w", encoding="utf-8") as file:
            print_document(document, to=Console(file=file, width=100, highlight=False))
        return
    beside = output.with_name(f"{output.stem}-findings.csv") if output and report.groups else None
    if form == "html":
        page = render_html(document, findings=beside.name if beside else None)
    else:
        page = markdown.markdown(document, findings=beside.name if beside else None)
    _write([page.encode("utf-8", "backslashreplace")], output)
    if beside:
        _write(lines, beside)
        err.print(labelled(_("Written"), f"{output}, {beside}"), markup=False)


def _write(parts: Iterable[bytes], output: Path | None) -> None:
    if output is None:
        for part in parts:
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()
        return
    with output.open("wb") as file:
        file.writelines(parts)
