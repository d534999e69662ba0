"""``/template/<package type>.xlsx``: the workbook of a member, with its institution, currency and lists, in the reader's language."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from datasette import NotFound, Request, Response, hookimpl

from pipelines.desk import Action, Person, may
from pipelines.templates import write_workbook

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _workbook(datasette: Any, name: str, language: str, member: str) -> bytes:
    catalogue = datasette.desk.site.catalogue
    with tempfile.TemporaryDirectory(dir=datasette.desk.site.zones.tmp) as folder:
        path = Path(folder) / "template.xlsx"
        write_workbook(catalogue, name, language, path, member=catalogue.members.get(member))
        return path.read_bytes()


async def template(datasette: Any, request: Request) -> Any:
    person, name = await asyncio.to_thread(datasette.journey.person, request), request.url_vars["name"]
    if person is None:
        return datasette.journey.to_sign_in(request)
    if person.member is None or not may(person, Action.SUBMIT, person.member):
        return await datasette.journey.error(request, 403)
    if name not in datasette.desk.site.catalogue.package_types:
        raise NotFound("no such template")
    language = datasette.language_of(request)
    body = await asyncio.to_thread(_workbook, datasette, name, language, person.member)
    file = f'attachment; filename="{name}-{person.member}-{language}.xlsx"'
    headers = {"content-disposition": file, "cache-control": "no-store"}
    return Response(body, content_type=XLSX, headers=headers)


@hookimpl
def extra_template_vars(datasette: Any) -> dict[str, Any]:
    """``templates_of(person)``: names of package types, the one that the member sent last before the others."""

    def templates_of(person: Person) -> list[str]:
        desk = datasette.desk
        last = next(iter(desk.site.ledger.submissions(person.member)), None)
        own = last.package_type if last else ""
        return sorted(desk.site.catalogue.package_types, key=lambda name: (name != own, name))

    return {"templates_of": templates_of}


@hookimpl
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/template/(?P<name>[a-z][a-z0-9_-]*)\.xlsx$", template)]
