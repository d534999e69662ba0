"""Read ``schemas/`` into a `Catalogue`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pipelines.catalogue.model import (
    LANGUAGES,
    Code,
    Codelist,
    Field,
    FindingPolicy,
    ForeignKey,
    Member,
    OcdsSource,
    PackageType,
    Table,
)
from pipelines.catalogue.texts import Text, Texts, load_texts, read_rows
from pipelines.exceptions import CatalogueError
from pipelines.identifiers import ANYBODY
from pipelines.records import Severity


@dataclass(frozen=True)
class Catalogue:
    """The standard: package types by name (newest version), codelists, members, finding policies, texts."""

    package_types: Mapping[str, PackageType]
    codelists: Mapping[str, Codelist]
    members: Mapping[str, Member]
    findings: Mapping[str, FindingPolicy]
    texts: Texts
    folder: Path

    def package_type(self, name: str) -> PackageType:
        try:
            return self.package_types[name]
        except KeyError:
            raise CatalogueError(
                f"no package type {name!r}; known: {', '.join(self.package_types)}"
            ) from None

    def severity(self, code: str) -> Severity:
        try:
            return self.findings[code].severity
        except KeyError:
            raise CatalogueError(f"finding code {code!r} is not in findings.csv") from None

    def frictionless_schema(self, table: Table, columns: tuple[str, ...] | None = None) -> dict[str, Any]:
        """Table Schema descriptor for Frictionless: closed codelists as ``enum``, keys left to DuckDB.

        columns: only these fields, in this order (those that were delivered); all by default.
        """
        fields = []
        for name in columns or tuple(table.by_name):
            field = table.by_name[name]
            descriptor = dict(field.descriptor)
            constraints = dict(descriptor.get("constraints", {}))
            codelist = self.codelists.get(field.codelist or "")
            if codelist and codelist.closed and field.type == "string":
                constraints["enum"] = list(codelist.codes)
            if constraints:
                descriptor["constraints"] = constraints
            fields.append(descriptor)
        return {
            "$schema": "https://datapackage.org/profiles/2.0/tableschema.json",
            "missingValues": [""],
            "fields": fields,
        }


def _tuple(value: str | list[str] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _load_table(package_type: str, path: Path) -> Table:
    descriptor = json.loads(path.read_text(encoding="utf-8"))
    fields = tuple(
        Field(each["name"], each["type"], each.get("level", "optional"), each)
        for each in descriptor["fields"]
    )
    foreign_keys = tuple(
        ForeignKey(
            _tuple(key["fields"]),
            key["reference"]["resource"],
            _tuple(key["reference"]["fields"]),
            Severity(key.get("severity", "error")),
        )
        for key in descriptor.get("foreignKeys", ())
    )
    sources = tuple(
        OcdsSource(source["path"], source.get("set", {}))
        for source in descriptor.get("ocds", {}).get("sources", ())
    )
    return Table(
        package_type,
        descriptor["name"],
        fields,
        _tuple(descriptor.get("primaryKey")),
        foreign_keys,
        sources,
        descriptor,
    )


def _load_package_type(folder: Path) -> PackageType:
    profile = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
    name = profile["name"]
    tables = tuple(_load_table(name, folder / f"{table}.table.json") for table in profile["tables"])
    unlisted = {path.name.removesuffix(".table.json") for path in folder.glob("*.table.json")} - set(
        profile["tables"]
    )
    if unlisted:
        raise CatalogueError(f"{folder}: tables not listed in profile.json: {', '.join(sorted(unlisted))}")
    return PackageType(
        name, profile["version"], tables, _tuple(profile["minimum"]), profile.get("flat"), profile
    )


def _load_codelists(folder: Path) -> dict[str, Codelist]:
    codelists = {}
    synonyms: dict[str, dict[str, str]] = {}
    for row in read_rows(folder / "synonyms.csv"):
        synonyms.setdefault(row["codelist"], {})[row["said"]] = row["code"]
    known = ("code", "title", "description", "status")
    for name, descriptor in json.loads((folder / "codelists.json").read_text(encoding="utf-8")).items():
        codes = {
            row["code"]: Code(
                row["code"],
                row["title"],
                row["description"],
                row["status"],
                {key: value for key, value in row.items() if key not in known},
            )
            for row in read_rows(folder / f"{name}.csv")
        }
        if not codes:
            raise CatalogueError(f"codelist {name} has no codes")
        codelists[name] = Codelist(name, descriptor["closed"], codes, descriptor, synonyms.get(name, {}))
    return codelists


def _load_members(path: Path, kind: str) -> dict[str, Member]:
    def split(text: str) -> tuple[str, ...]:
        return tuple(part for part in text.split(";") if part)

    return {
        row["code"]: Member(
            row["code"],
            row["alpha2"],
            {language: row[f"name_{language}"] for language in LANGUAGES},
            row["institution"],
            row["area"],
            split(row["languages"]),
            row["currency"],
            split(row["ocid_prefixes"]),
            split(row["identifier_schemes"]),
            row["time_zone"],
            kind,
        )
        for row in read_rows(path)
    }


def _english(package_types: Mapping[str, PackageType], codelists: Mapping[str, Codelist]) -> dict[str, Any]:
    tables, fields = {}, {}
    for package_type in package_types.values():
        for table in package_type.tables:
            key = (package_type.name, table.name)
            tables[key] = Text(table.descriptor["title"], table.descriptor["description"])
            for field in table.fields:
                fields[*key, field.name] = Text(field.descriptor["title"], field.descriptor["description"])
    codes = {
        (name, code.code): code.title
        for name, codelist in codelists.items()
        for code in codelist.codes.values()
    }
    return {"tables": tables, "fields": fields, "codes": codes}


@cache
def load_catalogue(schemas: Path, datapackages: Path) -> Catalogue:
    """The standard as objects; read once per process.

    schemas: the folder ``schemas/``; datapackages: the folder whose ``demo/members.csv`` names invented members.
    """
    package_types: dict[str, PackageType] = {}
    for profile in sorted(schemas.glob("*/*/profile.json")):
        package_type = _load_package_type(profile.parent)
        package_types[package_type.name] = package_type
    codelists = _load_codelists(schemas / "codelists")
    members = {
        **_load_members(schemas / "members.csv", "member"),
        **_load_members(schemas / "publishers.csv", "network"),
        **_load_members(datapackages / "demo" / "members.csv", "demo"),
    }
    prefixes = tuple(prefix for member in members.values() for prefix in member.ocid_prefixes)
    members[ANYBODY] = Member(
        ANYBODY, "XZ", dict.fromkeys(LANGUAGES, ""), "", "", LANGUAGES, "", prefixes, (), "UTC", "anybody"
    )
    findings = {
        row["code"]: FindingPolicy(
            row["code"], Severity(row["severity"]), row["level"], row["since"], row["source"]
        )
        for row in read_rows(schemas / "findings.csv")
    }
    texts = load_texts(schemas, _english(package_types, codelists))
    return Catalogue(package_types, codelists, members, findings, texts, schemas)
