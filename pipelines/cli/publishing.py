"""``ingp publish`` and ``ingp serve``."""

from typing import Annotated

import typer

from pipelines.cli.checking import Json
from pipelines.cli.show import Exit, err, grid, number, out, print_json, progress_bar
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
    app.command(help=_("Serve the current release on this machine; moves to the next release by itself."))(
        serve
    )
