"""Where a page can be found for ever, how it is cited, what describes it, and where a row comes from.

A permanent address pins the release: ``/v/<release>/ingp/…`` with the question of the page. Citations of it are
downloads at ``/v/<release>/cite/<form>?of=ingp/…``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from datasette import NotFound, Request, Response, hookimpl
from datasette.utils.asgi import BadRequest
from markupsafe import Markup

from pipelines.exceptions import UnknownError
from pipelines.publication.metadata.citation import CITATIONS, apa, iso690
from pipelines.publication.metadata.described import describe
from pipelines.publication.metadata.places import described_at
from pipelines.publication.metadata.schemaorg import script
from pipelines.publication.origins import file_and_sheet

NAMES = {"bibtex": "BibTeX", "ris": "RIS", "csl-json": "CSL-JSON", "apa": "APA", "iso690": "ISO 690"}
OWN = {"_lang", "_nofacet", "_nocount", "_dl", "_stream"}


def place_of(request: Request) -> str:
    """Address of a page below its release: ``ingp/<table>?…``, without what does not change what it says."""
    asked = [(key, value) for key, value in parse_qsl(request.query_string, True) if key not in OWN]
    return request.path.strip("/") + (f"?{urlencode(asked)}" if asked else "")


async def citation(datasette: Any, request: Request) -> Response:
    """A citation as a file for reference managers."""
    release = datasette.releases.get(request.url_vars["release"])
    form = request.url_vars["form"]
    if release is None or form not in CITATIONS:
        raise NotFound("There is no such release or form of citation")
    try:
        described = described_at(
            release.descriptor, datasette.published.catalogue, request.args.get("of") or "ingp"
        )
    except UnknownError as error:
        raise BadRequest(str(error)) from None
    write, media_type, extension = CITATIONS[form]
    headers = datasette.open_headers | {
        "content-disposition": f'attachment; filename="ingp-{release.name}-{form}.{extension}"',
        "cache-control": "public, max-age=31536000, immutable",
        "content-language": request.scope["language"],
    }
    return Response(write(described, request.scope["language"], ""), headers=headers, content_type=media_type)


def _cite(datasette: Any, request: Request) -> dict[str, Any]:
    """What the box "Cite / permanent link" shows."""
    release, place = datasette.releases.served, place_of(request)
    package = datasette.published.release.descriptor
    language = request.scope["language"]
    try:
        described = described_at(package, datasette.published.catalogue, place)
    except UnknownError:
        return {}
    return {
        "address": described.landing,
        "path": datasette.urls.path(f"/v/{release}/{place}"),
        "apa": apa(described, language),
        "iso690": iso690(described, language),
        "agencies": described.agencies,
        "licence": described.licence_titles[language],
        "licence_path": described.licence["path"],
        "files": [
            (name, datasette.urls.path(f"/v/{release}/cite/{form}?{urlencode({'of': place})}"))
            for form, name in NAMES.items()
        ],
    }


def _script(datasette: Any, request: Request, table: str | None) -> Markup:
    """JSON-LD for the head of a page: with the files that hold all rows; those of members are in the documents."""
    package, language = datasette.published.release.descriptor, request.scope["language"]
    try:
        described = describe(package, datasette.published.catalogue, table=table)
    except UnknownError:
        return Markup("")
    whole = [
        each for each in described.resources if not each.get("member") and (table or not each.get("table"))
    ]
    text = script(replace(described, resources=whole), language, f"{package['homepage'].rstrip('/')}/")
    return Markup(f'<script type="application/ld+json">{text}</script>')


def _origin(datasette: Any, table: str, record: Mapping[str, Any]) -> dict[str, Any] | None:
    """What brought a row: submission, day, standard, rules, file and sheet; None for rows of no version."""
    known = datasette.published.tables.get(table)
    for version in datasette.published.release.descriptor["versions"]:
        if (
            known
            and version["member"] == record.get("member_code")
            and version["package_type"] == known.package_type
        ):
            parts = {part["period"] for part in version["tables"] if part["table"] == known.name}
            brought = [
                each
                for each in version.get("periods", ())
                if each["number"] == record.get("version_number") and each["period"] in parts
            ]
            if not brought:
                continue
            file, sheet = file_and_sheet(str(record.get("source_file") or ""))
            question = {
                "member_code": version["member"],
                "package_type": known.package_type,
                "table_name": known.name,
            }
            return {
                "submission": brought[0]["submission_id"],
                "accepted_at": brought[0]["accepted_at"],
                "standard": brought[0]["schema_version"],
                "rules": brought[0]["rules"],
                "periods": [each["period"] for each in brought],
                "file": file,
                "sheet": sheet,
                "versions": datasette.urls.path(f"/ingp/release_versions?{urlencode(question)}"),
            }
    return None


@hookimpl
def extra_template_vars(datasette: Any, request: Request | None) -> dict[str, Callable[..., Any]]:
    if request is None:
        return {}
    return {
        "cite_here": lambda: _cite(datasette, request),
        "schemaorg_of": lambda table=None: _script(datasette, request, table),
        "file_and_sheet": file_and_sheet,
        "origin_of": lambda table, record: _origin(datasette, table, dict(record)),
    }


@hookimpl(tryfirst=True)
def register_routes() -> list[tuple[str, Any]]:
    return [(r"^/v/(?P<release>[^/]+)/cite/(?P<form>[a-z0-9-]+)$", citation)]
