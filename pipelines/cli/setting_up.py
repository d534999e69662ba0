"""``ingp init`` and ``ingp template``."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.show import out
from pipelines.cli.words import LANGUAGE, _
from pipelines.settings import Settings


def init() -> None:
    from pipelines.workflow import Installation

    site = Installation.open()
    for member in site.catalogue.members.values():
        if member.kind == "member":
            (site.zones.inbox / member.code).mkdir(exist_ok=True)
    out.print(_("Ready. Data lives in {folder}.").format(folder=site.zones.root))
    out.print(_("Next: ingp submit FILE --member PRY"))


def template(
    package_type: Annotated[
        str, typer.Option("--type", metavar=_("TYPE"), help=_("procurement or activity."))
    ] = "procurement",
    member: Annotated[
        str | None, typer.Option("--member", metavar=_("CODE"), help=_("Member code, for example PRY."))
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar=_("PATH"), help=_("File or folder to write."))
    ] = None,
    package: Annotated[
        bool, typer.Option("--package", help=_("A data package folder instead of a workbook."))
    ] = False,
) -> None:
    from pipelines.catalogue import load_catalogue
    from pipelines.templates import write_package_template, write_workbook

    settings = Settings()
    catalogue = load_catalogue(settings.schemas_dir, settings.datapackages_dir)
    if package_type not in catalogue.package_types:
        known = ", ".join(catalogue.package_types)
        raise typer.BadParameter(
            _("“{name}” is not a kind of package. Known are: {known}.").format(name=package_type, known=known)
        )
    if member is not None and member not in catalogue.members:
        raise typer.BadParameter(_("{member} is not the code of a member.").format(member=member))
    if package:
        target = output or Path(package_type)
        write_package_template(catalogue, package_type, target)
    else:
        target = output or Path(f"{package_type}.{LANGUAGE}.xlsx")
        write_workbook(catalogue, package_type, LANGUAGE, target, member=catalogue.members.get(member or ""))
    out.print(_("Written: {path}").format(path=target))


def register(app: typer.Typer) -> None:
    app.command(help=_("Create the data folder and one inbox per member."))(init)
    app.command(help=_("Write an empty workbook or data package to fill in."))(template)
