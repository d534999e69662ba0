"""The template as a data package: a descriptor and CSV files that hold their headings only."""

import csv
import json
from pathlib import Path
from typing import Any

from pipelines.catalogue import Catalogue, Field, Table
from pipelines.templates.workbook import template_tables

LICENCE = {
    "name": "CC-BY-4.0",
    "title": "Creative Commons Attribution 4.0 International",
    "path": "https://creativecommons.org/licenses/by/4.0/",
}

_FIELD_KEYS = (
    "name",
    "type",
    "format",
    "delimiter",
    "itemType",
    "title",
    "description",
    "example",
    "constraints",
    "codelist",
)


def write_package_template(catalogue: Catalogue, package_type_name: str, folder: Path) -> None:
    """Write ``datapackage.json`` (Data Package v2) and ``data/<table>.csv`` with headings into `folder`.

    The member code ``XXX`` is to be replaced. Linked tables only: who has one flat table needs no package.
    """
    package_type = catalogue.package_type(package_type_name)
    tables = [table for table in template_tables(package_type) if table.name != package_type.flat]
    descriptor = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": f"xxx-{package_type.name}",
        "memberCode": "XXX",
        "packageType": package_type.name,
        "schemaVersion": package_type.version,
        "title": package_type.descriptor["title"],
        "description": package_type.descriptor["description"],
        "licenses": [LICENCE],
        "resources": [describe_resource(table) for table in tables],
    }
    (folder / "data").mkdir(parents=True, exist_ok=True)
    write_json(folder / "datapackage.json", descriptor)
    for table in tables:
        with (folder / "data" / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow(field.name for field in table.fields)


def write_json(path: Path, data: Any) -> None:
    """JSON as all descriptors of the repository are written: indented, UTF-8, a newline at the end."""
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def describe_resource(table: Table) -> dict[str, Any]:
    """The resource of a table, with the part of its schema that concerns whoever fills it in."""
    schema: dict[str, Any] = {
        "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
        "fields": [_describe_field(field) for field in table.fields],
        "missingValues": [""],
    }
    if table.primary_key:
        schema["primaryKey"] = list(table.primary_key)
    if table.foreign_keys:
        schema["foreignKeys"] = [
            {
                "fields": list(key.fields),
                "reference": {"resource": key.table, "fields": list(key.reference_fields)},
            }
            for key in table.foreign_keys
        ]
    return {
        "name": table.name,
        "type": "table",
        "title": table.descriptor["title"],
        "description": table.descriptor["description"],
        "path": f"data/{table.name}.csv",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "dialect": {"delimiter": ","},
        "schema": schema,
    }


def _describe_field(field: Field) -> dict[str, Any]:
    return {key: field.descriptor[key] for key in _FIELD_KEYS if key in field.descriptor}
