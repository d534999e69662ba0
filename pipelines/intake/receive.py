"""inbox -> staged: the bytes are kept, everything that can be read is read, and what was understood is written down."""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.catalogue import Catalogue, PackageType
from pipelines.engine import connect
from pipelines.exceptions import IntakeError
from pipelines.identifiers import ANYBODY, MemberCode, SubmissionId, parse_period
from pipelines.intake.canonical import Canonicaliser
from pipelines.intake.descriptor import PackageClaims, compare_schemas, name_tables, read_descriptor
from pipelines.intake.heads import write_heads
from pipelines.intake.labels import LabelIndex
from pipelines.intake.limits import Limits
from pipelines.intake.manifest import read_staged, write_manifest
from pipelines.intake.mapping import check_instructions, instructions_for
from pipelines.intake.ocds import is_ocds, stage_ocds
from pipelines.intake.plan import choose_package_type, minimum_missing, plan_table
from pipelines.intake.readers import read_tables
from pipelines.intake.sources import Instructions, RawTable, SourceFile
from pipelines.intake.tabular import Part, stage_raw_table
from pipelines.intake.unpack import hash_files, identity_hash, unpack
from pipelines.records import AcceptancePolicy, Finding, StagedPackage, Submission
from pipelines.templates import guide_sheets
from pipelines.zones import Zones


@dataclass(slots=True)
class _Reading:
    """What has been read of a submission so far."""

    parts: list[Part] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    unplaced: list[dict[str, Any]] = field(default_factory=list)
    ocds: dict[str, Any] = field(default_factory=dict)

    def ignore(self, raw: RawTable) -> None:
        """A sheet or file that is not read, and is said to be so."""
        shown = {"file": ", ".join(name for name in (raw.source_file, raw.sheet) if name)}
        self.findings.append(
            Finding("file-ignored", source_file=raw.source_file, sheet=raw.sheet, parameters=shown)
        )


def receive_submission(
    paths: Sequence[Path],
    member: MemberCode,
    zones: Zones,
    catalogue: Catalogue,
    *,
    package_type: str | None = None,
    period: str | None = None,
    instructions: Instructions | None = None,
    limits: Limits | None = None,
    source_name: str | None = None,
    policy: AcceptancePolicy = AcceptancePolicy.WHOLE,
    actor: str = "intake",
    held: bool = False,
) -> StagedPackage:
    """Take files as a member sends them and stage them.

    paths: files or folders: a data package (folder, ZIP, ``datapackage.json``), loose tables (CSV, TSV, XLSX,
    XLS, ODS, JSON), OCDS JSON or JSON Lines, plain, zipped or gzipped; several at once are one submission.
    package_type: told instead of recognised. period: what the submission speaks for (``2014``, default all).
    instructions: a mapping file's JSON. policy: what the sender wants an error to refuse. actor: who sends.
    held: when it is sound, a person decides. All three are remembered in the manifest for whoever goes on after an interruption.

    The same bytes for the same member, type, period and instructions are the same submission: the staged
    package of the first time is returned with `already_received`. Until the last step, a rename, nothing
    is visible; a step that dies leaves only a folder below ``tmp``.
    """
    if str(member) not in catalogue.members:
        raise IntakeError(f"{member} is not a member")
    for path in paths:
        if not path.exists():
            raise IntakeError(f"no such file: {path}")
    period = parse_period(period)
    told = dict(instructions or {})
    if package_type:
        told["package_type"] = catalogue.package_type(package_type).name
    zones.create()
    work = zones.tmp / f"receive-{uuid.uuid4().hex}"
    work.mkdir(parents=True)
    try:
        return _stage(
            paths, member, zones, catalogue, period, told, limits or Limits(), source_name,
            {"policy": policy.value, "actor": actor, "held": held}, work,
        )  # fmt: skip
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _stage(
    paths: Sequence[Path],
    member: MemberCode,
    zones: Zones,
    catalogue: Catalogue,
    period: str,
    told: dict[str, Any],
    limits: Limits,
    source_name: str | None,
    sender: dict[str, Any],
    work: Path,
) -> StagedPackage:
    sent = hash_files(paths)
    identity = _identity(identity_hash(sent), member, period, told)
    known = next(zones.staged.glob(f"{member}-*-{identity[:12]}"), None)
    if known is not None:
        return read_staged(known, already_received=True)

    unpacked = unpack(paths, work, limits)
    reading = _Reading(findings=list(unpacked.findings))
    tables = {table.name for each in catalogue.package_types.values() for table in each.tables}
    told, objections = check_instructions(told, tables)
    reading.findings += objections
    claims, told = _read_claims(unpacked.files, told, reading)
    type_of_package, raws = _recognise(unpacked.files, claims, told, catalogue, limits, reading)
    name_tables(claims, type_of_package)
    form = {**told, "tables": [*told.get("tables", ()), *claims.entries]}
    _read_raw_tables(raws, type_of_package, catalogue, form, work / "parts", reading)
    _read_ocds_files(unpacked.files, type_of_package, catalogue, claims, work / "ocds", reading)

    con = connect(temp=work)
    try:
        canonicaliser = Canonicaliser(con, catalogue)
        (work / "tables").mkdir(exist_ok=True)
        staged, columns = canonicaliser.stage(type_of_package, reading.parts, work / "tables")
        reading.findings += canonicaliser.findings
        prefixes = _prefix_owners(con, staged, catalogue)
    finally:
        con.close()
    reading.findings += compare_schemas(claims, type_of_package, catalogue)
    reading.findings += _wrong_member(member, claims, prefixes)
    if staged:
        reading.findings += minimum_missing(type_of_package, [table.name for table in staged])
    elif not any(catalogue.severity(finding.code) == "error" for finding in reading.findings):
        names = [table.name for table in type_of_package.tables]
        reading.findings.append(Finding("no-tables", parameters={"known": names}))

    submission = Submission(
        SubmissionId.build(member, type_of_package.name, identity),
        member,
        type_of_package.name,
        type_of_package.version,
        period,
        datetime.now(UTC),
        identity,
        source_name or ", ".join(path.name for path in paths),
    )
    understood = {
        "files": reading.files,
        "columns": columns,
        "letters": [
            {"origin": part.origin, "table": part.table.name, "columns": part.letters}
            for part in reading.parts
            if part.letters
        ],
        "unplaced": reading.unplaced,
        "ocds": reading.ocds,
        "package": claims.summary,
        "sent": [
            {"name": name, "bytes": size, "sha256": digest} for name, size, digest in sent if digest != "link"
        ],
        "instructions": told,
        **sender,
    }
    for folder in ("parts", "ocds", "unpacked"):
        shutil.rmtree(work / folder, ignore_errors=True)
    write_manifest(work, submission, tuple(staged), tuple(reading.findings), understood)
    return _commit(work, zones.staged_folder(submission.submission_id))


def _commit(work: Path, target: Path) -> StagedPackage:
    """Make the staged folder visible: one rename. Somebody who was faster with the same bytes wins."""
    for path in work.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.fsync(file.fileno())
    try:
        work.rename(target)
    except OSError:
        if not target.exists():
            raise
        return read_staged(target, already_received=True)
    return read_staged(target)


def _identity(content: str, member: str, period: str, told: Instructions) -> str:
    text = json.dumps([content, member, period, told], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _read_claims(
    files: Sequence[SourceFile], told: dict[str, Any], reading: _Reading
) -> tuple[PackageClaims, dict[str, Any]]:
    """The descriptor of the submission, if any; the sender's mapping file wins over it."""
    descriptor = next((file for file in files if file.format == "descriptor"), None)
    if descriptor is None:
        return PackageClaims(), told
    claims = read_descriptor(descriptor, files)
    reading.findings += claims.findings
    if claims.package_type and "package_type" not in told:
        told = {**told, "package_type": claims.package_type}
    if claims.codelists:
        told = {**told, "codelists": {**claims.codelists, **told.get("codelists", {})}}
    return claims, told


def _is_ocds_file(file: SourceFile) -> bool:
    return file.format in ("json", "jsonl") and is_ocds(file.path)


def _recognise(
    files: Sequence[SourceFile],
    claims: PackageClaims,
    told: dict[str, Any],
    catalogue: Catalogue,
    limits: Limits,
    reading: _Reading,
) -> tuple[PackageType, list[RawTable]]:
    """Open every table of the submission and decide which package type they speak of."""
    indexes = {name: LabelIndex.build(catalogue, each) for name, each in catalogue.package_types.items()}
    if told.get("package_type") and told["package_type"] not in indexes:
        parameters = {"declared": str(told["package_type"]), "found": ", ".join(indexes)}
        reading.findings.append(Finding("wrong-package-type", parameters=parameters))
        told.pop("package_type")
    raws: list[RawTable] = []
    has_ocds = False
    for file in files:
        if file.format in ("descriptor", "other") or (claims.listed and file.name not in claims.listed):
            if file.format != "descriptor":
                reading.findings.append(Finding("file-ignored", source_file=file.name))
            continue
        if _is_ocds_file(file):
            has_ocds = True
            continue
        form = next((entry for entry in claims.entries if entry["file"] == file.name), {})
        mapped = instructions_for(RawTable(file.name, file.stem, lambda: iter(())), told)
        # The sheets of our own template that explain it are no data.
        raws += [
            raw for raw in read_tables(file, {**form, **mapped}, limits) if raw.sheet not in guide_sheets()
        ]
    name = "procurement" if has_ocds and not told.get("package_type") else None
    name = name or choose_package_type(raws, indexes, catalogue, told) or "procurement"
    return catalogue.package_type(name), raws


def _read_raw_tables(
    raws: Sequence[RawTable],
    package_type: PackageType,
    catalogue: Catalogue,
    told: dict[str, Any],
    folder: Path,
    reading: _Reading,
) -> None:
    index = LabelIndex.build(catalogue, package_type)
    folder.mkdir(parents=True, exist_ok=True)
    headings: list[tuple[RawTable, int]] = []
    for serial, raw in enumerate(raws):
        if instructions_for(raw, told).get("skip"):
            reading.ignore(raw)
            headings.append((raw, 0))
            continue
        planned = plan_table(raw, index, told)
        headings.append((raw, planned.heading_row or next((plan.heading_row for plan in planned.plans), 0)))
        staged = stage_raw_table(raw, planned.plans, folder, serial, planned.heading_row)
        if raw.sheet and planned.plans and not staged.rows and len(raws) > 1:
            # A sheet of the template that was left empty: the member has nothing to say there.
            continue
        if raw.sheet and not planned.plans and len(raws) > 1 and _is_prose(raw):
            reading.ignore(raw)
            continue
        reading.parts += staged.parts
        reading.findings += planned.findings + staged.findings
        entry = {
            "file": raw.source_file,
            "sheet": raw.sheet,
            **raw.understood,
            "rows": staged.rows,
            "blank_rows": staged.blank_rows,
            "tables": [plan.understood() for plan in planned.plans],
        }
        reading.files.append(entry)
        if not planned.plans and staged.rows:
            reading.unplaced.append({"file": raw.source_file, "sheet": raw.sheet, "rows": staged.rows})
    write_heads(folder.parent, headings)


def _is_prose(raw: RawTable) -> bool:
    """Whether a sheet beside others holds nothing but lines of text: a title page, remarks, a legend."""
    return all(sum(1 for cell in cells if cell and cell.strip()) < 2 for _, cells in raw.rows())


def _read_ocds_files(
    files: Sequence[SourceFile],
    package_type: PackageType,
    catalogue: Catalogue,
    claims: PackageClaims,
    folder: Path,
    reading: _Reading,
) -> None:
    own = [
        file for file in files if _is_ocds_file(file) and (not claims.listed or file.name in claims.listed)
    ]
    if not own:
        return
    result = stage_ocds(own, package_type, catalogue.folder / "ocds", folder)
    reading.findings += result.findings
    reading.ocds = result.understood
    for staged in result.tables:
        reading.parts.append(
            Part(
                package_type.table(staged.name),
                Path(staged.path),
                staged.columns,
                staged.rows,
                own[0].name,
                typed=True,
            )
        )


def _prefix_owners(con: Any, tables: Sequence[Any], catalogue: Catalogue) -> set[str]:
    """Members to whom the ocid prefixes of the staged rows are registered."""
    owners = {
        prefix: member.code
        for member in catalogue.members.values()
        for prefix in member.ocid_prefixes
        if member.code != ANYBODY
    }
    found: set[str] = set()
    for table in tables:
        if "ocid" in table.columns:
            rows = con.execute(
                "SELECT DISTINCT ocid[:11] FROM read_parquet(?) WHERE starts_with(ocid, 'ocds-')",
                [table.path],
            ).fetchall()
            found |= {owners[prefix] for (prefix,) in rows if prefix in owners}
    return found


def _wrong_member(member: MemberCode, claims: PackageClaims, owners: set[str]) -> list[Finding]:
    """The package says it is another member's, or all its registered ocids are."""
    if claims.member and claims.member != member and member != ANYBODY:
        return [Finding("wrong-member", parameters={"declared": str(member), "found": str(claims.member)})]
    if owners and member not in owners and member != ANYBODY:
        return [
            Finding("wrong-member", parameters={"declared": str(member), "found": ", ".join(sorted(owners))})
        ]
    return []
