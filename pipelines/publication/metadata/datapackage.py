"""``datapackage.json`` (Data Package v2) of a release: every file with its size, hash and rows, every column described."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.identifiers import ReleaseId
from pipelines.publication.gather import PublishedColumn, PublishedTable
from pipelines.publication.metadata.licences import licence_of
from pipelines.publication.texts import load_texts
from pipelines.records import ReleaseFile

PROVENANCE_TYPES = {
    "member_code": "string",
    "version_number": "integer",
    "year": "year",
    "source_file": "string",
    "source_row_number": "integer",
}
PROVENANCE_TEXTS = {
    name: (kind, *load_texts()["en"]["provenance"][name]) for name, kind in PROVENANCE_TYPES.items()
}
MEDIA_TYPES = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "db": "application/vnd.sqlite3",
    "duckdb": "application/vnd.duckdb",
    "zip": "application/zip",
}
TITLE = "Public procurement and network activity of the Inter-American Network on Government Procurement"


def field_descriptor(catalogue: Catalogue, table: PublishedTable, column: PublishedColumn) -> dict[str, Any]:
    """Table Schema field of a published column, with titles and descriptions in all languages."""
    if column.field is None:
        kind, title, description = PROVENANCE_TEXTS[column.name]
        texts = {language: load_texts()[language]["provenance"][column.name] for language in LANGUAGES}
        return {
            "name": column.name,
            "type": kind,
            "title": title,
            "description": description,
            "titles": {language: text[0] for language, text in texts.items()},
            "descriptions": {language: text[1] for language, text in texts.items()},
        }
    kept = (
        "name",
        "type",
        "title",
        "description",
        "example",
        "format",
        "delimiter",
        "itemType",
        "codelist",
        "unit",
    )
    descriptor = {key: value for key, value in column.field.descriptor.items() if key in kept}
    texts = {
        language: catalogue.texts.field(language, table.table.package_type, table.table.name, column.name)
        for language in LANGUAGES
    }
    descriptor["titles"] = {language: text.title for language, text in texts.items()}
    descriptor["descriptions"] = {language: text.description for language, text in texts.items()}
    return descriptor


def table_schema(catalogue: Catalogue, table: PublishedTable) -> dict[str, Any]:
    """Table Schema of a published table."""
    schema: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "fields": [field_descriptor(catalogue, table, column) for column in table.columns],
        "missingValues": [""],
    }
    if table.key:
        schema["primaryKey"] = list(table.key)
    return schema


def datapackage(
    catalogue: Catalogue,
    release_id: ReleaseId,
    released_at: datetime,
    licence: str,
    base_url: str,
    tables: Sequence[PublishedTable],
    files: Sequence[ReleaseFile],
    versions: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """The descriptor. One resource per file; CSV resources carry the schema, the others name it."""
    by_name = {table.name: table for table in tables}
    resources = []
    for file in files:
        extension = file.path.rsplit(".", 1)[-1]
        resource: dict[str, Any] = {
            "name": file.path.replace("/", "_").replace(".", "_").lower(),
            "path": file.path,
            "format": extension,
            "mediatype": MEDIA_TYPES.get(extension, "application/octet-stream"),
            "bytes": file.bytes,
            "hash": f"sha256:{file.sha256}",
        }
        if file.rows is not None:
            resource["rows"] = file.rows
        table = by_name.get(file.table or "")
        if file.member:
            resource["member"] = file.member
        if file.year and file.year.isdigit():
            resource["years"] = [int(file.year)]
        if table:
            resource["table"] = table.name
            text = catalogue.texts.table("en", table.table.package_type, table.table.name)
            part = ", ".join(each for each in (file.member, file.year) if each)
            resource["title"] = f"{text.title} ({part})" if part else text.title
            resource["description"] = text.description
            resource["titles"] = {
                language: catalogue.texts.table(language, table.table.package_type, table.table.name).title
                for language in LANGUAGES
            }
        if table and extension == "csv":
            resource["encoding"] = "utf-8"
            resource["schema"] = table_schema(catalogue, table)
        resources.append(resource)
    members = sorted({version["member"] for version in versions})
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "ingp-open-data",
        "id": f"{base_url}/#{release_id}",
        "title": TITLE,
        "description": "Tenders, awards and contracts submitted by the procurement agencies of the network's members, and the "
        "network's own activity, validated against one standard and published with their history.",
        "homepage": base_url,
        "version": str(release_id),
        "created": released_at.isoformat(),
        "licenses": [licence_of(catalogue, licence)],
        "contributors": [
            {"title": "Inter-American Network on Government Procurement (INGP)", "roles": ["publisher"]},
            {
                "title": "Organization of American States, Technical Secretariat of the INGP",
                "roles": ["contact"],
            },
            *(
                {"title": catalogue.members[code].institution, "organization": code, "roles": ["creator"]}
                for code in members
            ),
        ],
        "keywords": ["public procurement", "open contracting", "OCDS", "Americas", "INGP", "RICG"],
        "languages": list(LANGUAGES),
        "versions": list(versions),
        "resources": resources,
    }
