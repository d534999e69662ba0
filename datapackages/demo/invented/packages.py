"""Data packages of CSV files, with the schema of the standard for the columns that are there."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.catalogue import PackageType
from pipelines.templates.package import LICENCE, describe_resource, write_json

Row = dict[str, Any]


def write_package(
    folder: Path,
    package_type: PackageType,
    member: str,
    about: Mapping[str, str],
    tables: Mapping[str, Sequence[Row]],
) -> None:
    """Write ``datapackage.json`` and ``data/<table>.csv`` with the columns that some row fills.

    about: name, title and description of the package.
    """
    (folder / "data").mkdir(parents=True, exist_ok=True)
    resources = []
    for table in package_type.tables:
        rows = tables.get(table.name)
        if not rows:
            continue
        columns = [name for name in table.by_name if any(row.get(name) not in (None, "") for row in rows)]
        with (folder / "data" / f"{table.name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows([_text(row.get(name)) for name in columns] for row in rows)
        resource = describe_resource(table)
        schema = resource["schema"]
        schema["fields"] = [field for field in schema["fields"] if field["name"] in columns]
        keys = [key for key in schema.pop("foreignKeys", ()) if set(key["fields"]) <= set(columns)]
        if keys:
            schema["foreignKeys"] = keys
        resources.append(resource)
    descriptor = {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": about["name"],
        "memberCode": member,
        "packageType": package_type.name,
        "schemaVersion": package_type.version,
        "title": about["title"],
        "description": about["description"],
        "licenses": [LICENCE],
        "resources": resources,
    }
    write_json(folder / "datapackage.json", descriptor)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.2f}"
    return str(value)
