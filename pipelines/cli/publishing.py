"""``ingp publish``, ``ingp unpublish`` and ``ingp serve``."""

import getpass
from dataclasses import asdict
from typing import Annotated

import typer

from pipelines.cli.checking import Json
from pipelines.cli.show import Exit, err, grid, number, out, print_json, progress_bar
from pipelines.cli.submitting import By
from pipelines.cli.words import _
from pipelines.settings import Settings


def publish(
    force: Annotated[bool, typer.Option("--force", help=_("Publish although nothing is new."))] = False,
    as_json: Json = False,
) -> None:
    from pipelines import workflow

    site = workflow.Installation.open()
    with progress_bar(as_json) as progress:
        release = workflow.publish(site, progress=progress, force=force)
    if as_json:
        print_json(
            {
                "release_id": release.release_id if release else None,
                "files": len(release.files) if release else 0,
            }
        )
        return
    if release is None:
        out.print(_("Nothing is new since the last release."))
        return
    tables = {file.table: file.rows or 0 for file in release.files if file.table and not file.member}
    out.print(
        grid(
            (_("Table"), _("Rows")), [(name or "", number(rows)) for name, rows in tables.items()], right=(1,)
        )
    )
    for name, count in release.replaced.items():
        out.print(
            _(
                "{table}: {count} rows came again with a later submission; the later ones are published."
            ).format(table=name, count=number(count))
        )
    out.print(
        _("Release {release} is published, with {count} files.").format(
            release=release.release_id, count=len(release.files)
        )
    )


def unpublish(
    table: Annotated[
        str,
        typer.Argument(metavar=_("TABLE"), help=_("Published table, or “*” for every table of a release.")),
    ],
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            metavar=_("TEXT"),
            help=_("Why; shown to readers in every language that has no text of its own."),
        ),
    ] = "",
    reason_es: Annotated[
        str, typer.Option("--reason-es", metavar=_("TEXT"), help=_("The reason in Spanish."))
    ] = "",
    reason_en: Annotated[
        str, typer.Option("--reason-en", metavar=_("TEXT"), help=_("The reason in English."))
    ] = "",
    reason_pt: Annotated[
        str, typer.Option("--reason-pt", metavar=_("TEXT"), help=_("The reason in Portuguese."))
    ] = "",
    reason_fr: Annotated[
        str, typer.Option("--reason-fr", metavar=_("TEXT"), help=_("The reason in French."))
    ] = "",
    release: Annotated[
        list[str] | None,
        typer.Option(
            "--release",
            metavar=_("RELEASE"),
            help=_("Only in this release; may be repeated. All when not given."),
        ),
    ] = None,
    restore: Annotated[bool, typer.Option("--restore", help=_("Give it back to readers."))] = False,
    by: By = "",
    as_json: Json = False,
) -> None:
    from pipelines import workflow
    from pipelines.publication.withdrawn import restore_table

    site = workflow.Installation.open()
    if restore:
        entries = restore_table(site.zones.releases, table)
        if as_json:
            print_json([asdict(each) for each in entries])
        elif entries:
            out.print(_("{table} is given out again.").format(table=table))
        else:
            err.print(_("{table} was not withdrawn.").format(table=table))
            raise typer.Exit(Exit.DATA)
        return
    own = {"es": reason_es, "en": reason_en, "pt": reason_pt, "fr": reason_fr}
    reasons = {language: text.strip() or reason.strip() for language, text in own.items()}
    if not all(reasons.values()):
        raise typer.BadParameter(
            _("Please say why: --reason for all languages, or one text for each of them.")
        )
    if table == "*" and not release:
        raise typer.BadParameter(_("Please name the release with --release."))
    entry = workflow.unpublish(site, table, reasons, releases=release or (), by=by or getpass.getuser())
    if as_json:
        print_json(asdict(entry))
    else:
        out.print(
            _(
                "Withdrawn. From now on the site answers with the reason instead of the data; "
                "“ingp publish” does not bring it back, “--restore” does."
            )
        )


def serve(
    port: Annotated[int, typer.Option("--port", metavar=_("NUMBER"), help=_("Port to listen on."))] = 8001,
    host: Annotated[
        str, typer.Option("--host", metavar=_("ADDRESS"), help=_("Address to listen on."))
    ] = "127.0.0.1",
) -> None:
    from pipelines.cli.site import serve_current

    try:
        serve_current(Settings(), host, port)
    except FileNotFoundError:
        err.print(_("Nothing is published yet. Run “ingp publish” first."))
        raise typer.Exit(Exit.DATA) from None


def register(app: typer.Typer) -> None:
    app.command(help=_("Make a release of everything accepted, and serve it."))(publish)
    app.command(help=_("Take a published table or release off the site, with the reason; or give it back."))(
        unpublish
    )
    app.command(help=_("Serve the current release on this machine; moves to the next release by itself."))(
        serve
    )
