"""Metadata documents as bytes: of a release, a table, a member's part, a member's part of a table."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pipelines.catalogue import Catalogue
from pipelines.exceptions import UnknownError
from pipelines.publication.metadata.csvw import csvw
from pipelines.publication.metadata.dcat import graph, jsonld, turtle
from pipelines.publication.metadata.described import Described, describe, package_part
from pipelines.publication.metadata.schemaorg import schemaorg

DOCUMENTS = {
    "datapackage.json": ("Data Package", "application/json"),
    "dcat.jsonld": ("DCAT-AP (JSON-LD)", "application/ld+json"),
    "dcat.ttl": ("DCAT-AP (Turtle)", "text/turtle"),
    "schemaorg.jsonld": ("schema.org", "application/ld+json"),
    "csvw.json": ("CSVW", "application/csvm+json"),
}
"""File name -> name of the standard, media type."""


def document(
    package: Mapping[str, Any], catalogue: Catalogue, kind: str, table: str | None, member: str | None
) -> bytes:
    """One of `DOCUMENTS`. Raises UnknownError for what the release has not."""
    described = describe(package, catalogue, table=table, member=member)
    home = package["homepage"].rstrip("/")
    if kind.startswith("dcat."):
        node = graph(_datasets(package, catalogue, described), home)
        return (turtle(node) if kind == "dcat.ttl" else jsonld(node)).encode()
    if kind == "csvw.json":
        files = _csv_of_member(package, described, member) if member else described.resources
        return _json(csvw(replace(described, resources=files)))
    if kind == "schemaorg.jsonld":
        return _json(schemaorg(described, "en", f"{home}/"))
    if kind == "datapackage.json":
        part = package_part(package, table=table, member=member)
        # The descriptor does not lie beside its files: their paths are whole addresses.
        files = [{**each, "path": f"{described.base}/{each['path']}"} for each in part["resources"]]
        return _json({**part, "resources": files})
    raise UnknownError(f"no metadata {kind!r}")


def _datasets(package: Mapping[str, Any], catalogue: Catalogue, described: Described) -> list[Described]:
    """The data set asked for; of a whole release its own files, then a data set for each table."""
    if described.level != "release":
        return [described]
    tables = dict.fromkeys(each["table"] for each in package["resources"] if each.get("table"))
    own = replace(described, resources=[each for each in described.resources if not each.get("table")])
    return [own, *(describe(package, catalogue, table=name) for name in tables)]


def _csv_of_member(package: Mapping[str, Any], described: Described, member: str) -> list[Mapping[str, Any]]:
    """The CSV files of a member, which are made on request, with the schema of the whole table's."""
    own = {each.get("table") for each in described.resources}
    return [
        {**each, "path": f"csv/{member}/{each['table']}.csv"}
        for each in package["resources"]
        if "schema" in each and each["table"] in own
    ]


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=1).encode()
