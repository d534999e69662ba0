"""Data packages: what ``datapackage.json`` (Data Package v1 or v2) says of the files beside it.

A descriptor is believed about form (which file, which encoding, which delimiter) and never about meaning:
the schema that judges is ours, and where the sender's differs a finding says so.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pipelines.catalogue import Catalogue, PackageType
from pipelines.intake.mapping import check_instructions
from pipelines.intake.sources import SourceFile
from pipelines.records import Finding


@dataclass(slots=True)
class PackageClaims:
    """What a descriptor claims. entries: as the ``tables`` of a mapping file; listed: files that it names."""

    member: str | None = None
    package_type: str | None = None
    entries: list[dict[str, Any]] = field(default_factory=list)
    listed: set[str] = field(default_factory=set)
    schemas: dict[str, dict[str, str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    codelists: dict[str, Any] = field(default_factory=dict)
    """Codes of the sender's own, as the ``codelists`` of a mapping file (OG-41)."""


def read_descriptor(file: SourceFile, files: Sequence[SourceFile]) -> PackageClaims:
    """Read a descriptor; every trouble in it is a finding."""
    claims = PackageClaims()
    try:
        package = json.loads(file.path.read_bytes())
        resources = list(package["resources"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        claims.findings.append(
            Finding("descriptor-invalid", source_file=file.name, parameters={"reason": reason})
        )
        return claims
    claims.member = str(package["memberCode"]) if package.get("memberCode") else None
    claims.package_type = str(package["packageType"]) if package.get("packageType") else None
    claims.summary = {
        key: package[key] for key in ("name", "title", "version", "created", "licenses") if key in package
    }
    if "codelists" in package:
        told, objections = check_instructions({"codelists": package["codelists"]}, ())
        claims.codelists = told.get("codelists", {})
        claims.findings += objections
    base = PurePosixPath(file.name).parent
    present = {each.name for each in files}
    for resource in resources:
        if isinstance(resource, dict):
            _read_resource(resource, file, base, present, claims)
    return claims


def _read_resource(
    resource: dict[str, Any], file: SourceFile, base: PurePosixPath, present: set[str], claims: PackageClaims
) -> None:
    paths = resource.get("path")
    schema = resource.get("schema")
    if isinstance(schema, dict) and isinstance(schema.get("fields"), list):
        claims.schemas[str(resource.get("name"))] = {
            str(each.get("name")): str(each.get("type", "any"))
            for each in schema["fields"]
            if isinstance(each, dict)
        }
    for path in paths if isinstance(paths, list) else [paths]:
        text = str(path)
        if "://" in text:
            claims.findings.append(
                Finding("resource-remote", source_file=file.name, parameters={"path": text})
            )
            continue
        parts = PurePosixPath(text).parts
        if text.startswith(("/", "\\")) or ".." in parts or "\\" in text:
            claims.findings.append(Finding("unsafe-path", source_file=file.name, parameters={"path": text}))
            continue
        name = str(base / text)
        if name not in present:
            claims.findings.append(
                Finding("resource-missing", source_file=file.name, parameters={"path": text})
            )
            continue
        claims.listed.add(name)
        entry: dict[str, Any] = {"file": name}
        if resource.get("name"):
            entry["resource"] = str(resource["name"])
        entry |= _form(resource)
        claims.entries.append(entry)


def _form(resource: dict[str, Any]) -> dict[str, Any]:
    """Encoding and CSV dialect that a resource claims, as keys of a mapping file; what cannot be followed is left out."""
    claimed: dict[str, Any] = {"encoding": resource.get("encoding")}
    dialect = resource.get("dialect")
    if isinstance(dialect, dict):
        # v1 keeps CSV settings at the top of the dialect, v2 too; frictionless-py writes them under "csv".
        own = dialect.get("csv")
        settings = {**dialect, **(own if isinstance(own, dict) else {})}
        rows = settings.get("headerRows")
        claimed["delimiter"] = settings.get("delimiter")
        claimed["quote"] = settings.get("quoteChar")
        claimed["heading_row"] = rows[0] if isinstance(rows, list) and rows else None
    return check_instructions({key: value for key, value in claimed.items() if value is not None}, ())[0]


def name_tables(claims: PackageClaims, package_type: PackageType) -> None:
    """Turn the resource names of a descriptor into tables where they are tables of the standard."""
    for entry in claims.entries:
        name = str(entry.pop("resource", "")).replace("-", "_").removeprefix(f"{package_type.name}_")
        if name in package_type.by_name:
            entry["table"] = name


def compare_schemas(claims: PackageClaims, package_type: PackageType, catalogue: Catalogue) -> list[Finding]:
    """``descriptor-schema-differs`` for each field whose claimed type is not the standard's."""
    findings = []
    for resource, fields in claims.schemas.items():
        name = resource.replace("-", "_").removeprefix(f"{package_type.name}_")
        if name not in package_type.by_name:
            continue
        table = package_type.table(name)
        for field_name, claimed in fields.items():
            known = table.by_name.get(field_name)
            if known and claimed not in (known.type, "any", "string"):
                reason = f"{field_name}: {claimed} / {known.type}"
                findings.append(
                    Finding(
                        "descriptor-schema-differs",
                        table=name,
                        field=field_name,
                        parameters={"reason": reason},
                    )
                )
    return findings
