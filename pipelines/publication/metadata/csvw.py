"""CSV on the Web: what a program needs to read each CSV with its types, as ``csv-metadata.json``."""

from collections.abc import Mapping
from typing import Any

from pipelines.publication.metadata.described import Described

_TYPES = {"integer": "integer", "number": "decimal", "boolean": "boolean", "date": "date", "datetime": "dateTime", "year": "gYear"}  # fmt: skip


def csvw(described: Described) -> dict[str, Any]:
    """The table group of all CSV files of what is described."""
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": _natural(described.titles),
        "dc:description": _natural(described.descriptions),
        "dc:license": {"@id": described.licence["path"]},
        "dc:issued": described.day,
        "tables": [_table(described, each) for each in described.resources if "schema" in each],
    }


def _natural(texts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"@value": text, "@language": language} for language, text in texts.items()]


def _table(described: Described, resource: Mapping[str, Any]) -> dict[str, Any]:
    schema = resource["schema"]
    description: dict[str, Any] = {"columns": [_column(field) for field in schema["fields"]]}
    if "primaryKey" in schema:
        description["primaryKey"] = schema["primaryKey"]
    return {
        "url": f"{described.base}/{resource['path']}",
        "dc:title": _natural(resource["titles"]),
        "dialect": {"encoding": "utf-8", "delimiter": ",", "header": True, "lineTerminators": ["\r\n"]},
        "tableSchema": description,
    }


def _column(field: Mapping[str, Any]) -> dict[str, Any]:
    column: dict[str, Any] = {
        "name": field["name"],
        "titles": field["name"],
        "dc:title": _natural(field["titles"]),
        "dc:description": _natural(field["descriptions"]),
        "datatype": _TYPES.get(field["type"], "string"),
        "null": "",
    }
    if field["type"] == "list":
        column["separator"] = field.get("delimiter", ";")
    return column
