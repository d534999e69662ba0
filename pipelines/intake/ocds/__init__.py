"""OCDS JSON -> staged tables.

===========  =====================================================================================
stream       JSON text piece by piece: constant memory, numbers as written, line and column of faults
read         releases of a file, whatever they are wrapped in; `is_ocds`
conformance  releases judged by the OCDS release schema, as they are read
spill        releases on disk, brought together by ocid
shape        the shape that the OCDS schema gives to a release, and releases put into it
upgrade      OCDS 1.0 and deprecated fields written the way of OCDS 1.1
merge        releases of a process -> its compiled release
flatten      compiled release -> rows of the tables of the catalogue, nothing lost
output       rows -> Parquet, without columns that nobody filled
findings     findings of a submission, bounded
===========  =====================================================================================
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.catalogue import PackageType
from pipelines.intake.ocds.conformance import Conformance
from pipelines.intake.ocds.findings import FindingList
from pipelines.intake.ocds.flatten import ADDITIONAL_COLUMNS, ADDITIONAL_FIELDS, Flattener
from pipelines.intake.ocds.merge import MergeFailedError, Process, merge_process
from pipelines.intake.ocds.output import TableOutput
from pipelines.intake.ocds.read import FileFacts, FoundRelease, is_ocds, read_releases
from pipelines.intake.ocds.shape import load_release_schema, scalar_text
from pipelines.intake.ocds.spill import ReleaseSpill, StoredRelease, TooDeepError
from pipelines.intake.ocds.stream import BrokenJsonError
from pipelines.intake.sources import SourceFile
from pipelines.records import Finding, StagedTable

__all__ = ["OcdsResult", "is_ocds", "stage_ocds"]

MAX_PACKAGES = 50
"""Descriptions of packages that are kept (publisher, licence, extensions); the others are counted."""

MAX_PATHS = 1_000
"""Different places outside the standard that are told one by one."""

_SHOWN_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class OcdsResult:
    """Tables staged from OCDS, findings, and what was understood.

    understood, as JSON data: ``files`` (file, encoding, kinds, releases), ``packages`` (at most 50 different
    ones) and ``package_count``, ``releases_in`` = ``releases_merged`` + ``releases_duplicate`` +
    ``releases_refused``; ``releases_contained`` is the part of the duplicates that a compiled release already
    held. ``processes`` is the number of compiled releases, ``findings_not_listed`` counts findings beyond the
    thousand listed of each code.
    """

    tables: list[StagedTable]
    findings: list[Finding]
    understood: dict[str, Any]


def stage_ocds(
    files: Sequence[SourceFile], package_type: PackageType, schema_folder: Path, tables_folder: Path
) -> OcdsResult:
    """Read, merge and flatten all OCDS files of one submission into tables of `package_type`.

    schema_folder: the folder with the OCDS release schema (``schemas/ocds``). tables_folder: where the tables
    go, as ``<table>.parquet``; also used for a temporary file as large as the releases. Rows of a process
    carry the file and the ordinal of its newest release. Tables without rows are not staged. Bad data gives
    findings, never exceptions.
    """
    staging = _Staging(files, package_type, tables_folder, Conformance(schema_folder))
    if not staging.flattener.has_sources:
        finding = Finding(
            "wrong-package-type", parameters={"declared": package_type.name, "found": "procurement"}
        )
        return OcdsResult([], [finding], {})
    schema = load_release_schema(schema_folder)
    try:
        with ReleaseSpill(tables_folder / ".releases.sqlite") as spill:
            staging.read(spill)
            for _, releases in spill.processes():
                try:
                    process = merge_process(releases, spill.load, schema)
                except MergeFailedError as error:
                    staging.merge_failed(releases, str(error))
                else:
                    staging.add(process)
        tables = staging.finish()
    finally:
        staging.discard()
    return OcdsResult(tables, staging.findings.listed, staging.understood())


@dataclass(slots=True)
class _Counts:
    releases: int = 0
    merged: int = 0
    duplicates: int = 0
    contained: int = 0
    refused: int = 0
    processes: int = 0
    upgraded: int = 0


@dataclass(slots=True)
class _Staging:
    """One submission on its way from files to tables."""

    files: Sequence[SourceFile]
    package_type: PackageType
    folder: Path
    conformance: Conformance
    findings: FindingList = field(default_factory=FindingList)
    facts: list[FileFacts] = field(default_factory=list)
    counts: _Counts = field(default_factory=_Counts)
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    package_count: int = 0
    outside: Counter[str] = field(default_factory=Counter)
    outputs: dict[str, TableOutput] = field(default_factory=dict)
    flattener: Flattener = field(init=False)

    def __post_init__(self) -> None:
        self.flattener = Flattener(self.package_type)

    def read(self, spill: ReleaseSpill) -> None:
        """Every release of every file into the spill; those that cannot be kept become findings."""
        for index, source in enumerate(self.files):
            facts = FileFacts(source.name)
            self.facts.append(facts)
            for found in read_releases(source, self.findings, facts):
                self.conformance.check(found.value, source.name, found.ordinal)
                self._keep(spill, found, index)
            silent = (
                facts.kinds.get("release-package", 0)
                + facts.kinds.get("record-package", 0)
                - len(facts.packages)
            )
            for package in (*facts.packages, *({} for _ in range(silent))):
                self.conformance.check_package(package, source.name)
            self.counts.releases += facts.releases
            self.package_count += len(facts.packages)
            for package in facts.packages:
                if len(self.packages) < MAX_PACKAGES:
                    self.packages.setdefault(repr(package), package)
            facts.packages.clear()

    def _keep(self, spill: ReleaseSpill, found: FoundRelease, file: int) -> None:
        value, refusal, parameters = found.value, "", {}
        ocid = scalar_text(value.get("ocid")) if isinstance(value, dict) else ""
        if not isinstance(value, dict):
            refusal = "ocds-not-an-object"
        elif not ocid:
            refusal = "ocds-release-without-ocid"
            parameters = {"release_id": _shown(scalar_text(value.get("id")))}
        else:
            try:
                spill.add(ocid, found, file)
            except TooDeepError:
                refusal = "invalid-json"
                parameters = BrokenJsonError("too-deep").parameters()
        if refusal:
            self.counts.refused += 1
            text = None if isinstance(value, dict) else _shown(scalar_text(value)) or None
            self.findings.add(
                Finding(
                    refusal,
                    source_file=self.files[file].name,
                    row_number=found.ordinal,
                    value=text,
                    parameters=parameters,
                )
            )

    def merge_failed(self, releases: Sequence[StoredRelease], reason: str) -> None:
        self.counts.refused += len(releases)
        parameters = {"ocid": releases[-1].ocid, "reason": _shown(reason)}
        self._add_finding("ocds-merge-failed", releases[-1], parameters)

    def add(self, process: Process) -> None:
        """Rows and findings of a merged process."""
        counts, newest = self.counts, process.newest
        counts.processes += 1
        counts.merged += process.merged
        counts.duplicates += process.duplicates
        counts.contained += process.contained
        counts.upgraded += process.upgraded
        for release in process.conflicting:
            parameters = {"ocid": release.ocid, "release_id": release.release_id}
            self._add_finding("ocds-conflicting-release", release, parameters)
        source_file = self.files[newest.file].name
        for table, rows in self.flattener.rows(
            process.release, [*process.unplaced, *process.outside]
        ).items():
            if table not in self.outputs:
                self.outputs[table] = self._open(table)
            self.outputs[table].extend(rows, source_file, newest.ordinal)
        for leaf in (*process.unplaced, *self.flattener.unplaced):
            self._not_flat(leaf.pointer, leaf.value, newest)
        if process.clash is not None:
            self._not_flat(process.clash, None, newest)
        for leaf in self.flattener.additional:
            if leaf.pointer in self.outside or len(self.outside) < MAX_PATHS:
                self.outside[leaf.pointer] += 1

    def _not_flat(self, pointer: str, value: str | None, release: StoredRelease) -> None:
        self._add_finding("ocds-value-not-flat", release, {"ocid": release.ocid, "path": pointer}, value)

    def _add_finding(
        self, code: str, release: StoredRelease, parameters: dict[str, Any], value: str | None = None
    ) -> None:
        source_file = self.files[release.file].name
        shown = None if value is None else _shown(value)
        self.findings.add(
            Finding(
                code, source_file=source_file, row_number=release.ordinal, value=shown, parameters=parameters
            )
        )

    def _open(self, name: str) -> TableOutput:
        table = self.package_type.table(name)
        columns = ADDITIONAL_COLUMNS if name == ADDITIONAL_FIELDS else tuple(table.by_name)
        return TableOutput(self.folder, name, columns, table.primary_key)

    def finish(self) -> list[StagedTable]:
        """The staged tables, in the order of the package type; and findings about the whole submission."""
        order = [table.name for table in self.package_type.tables if table.name in self.outputs]
        tables = [self.outputs[name].finish() for name in order]
        counts = self.counts
        for finding in self.conformance.findings():
            self.findings.add(finding)
        linked = sum(facts.linked_records for facts in self.facts)
        if linked:
            self.findings.add(Finding("ocds-linked-releases", parameters={"count": linked}))
        copies = counts.duplicates - counts.contained
        if copies:
            self.findings.add(Finding("ocds-duplicate-release", parameters={"count": copies}))
        if counts.upgraded:
            self.findings.add(Finding("ocds-upgraded", parameters={"count": counts.upgraded}))
        for (table, field_name), count in self.flattener.assigned.items():
            self.findings.add(Finding("id-assigned", table, field_name, parameters={"count": count}))
        for pointer, count in sorted(self.outside.items()):
            finding = Finding(
                "field-outside-standard", ADDITIONAL_FIELDS, parameters={"path": pointer, "count": count}
            )
            self.findings.add(finding)
        return tables

    def discard(self) -> None:
        """Remove working files, whatever happened."""
        for output in self.outputs.values():
            output.discard()

    def understood(self) -> dict[str, Any]:
        counts = self.counts
        return {
            "files": [facts.to_dict() for facts in self.facts],
            "packages": list(self.packages.values()),
            "package_count": self.package_count,
            "releases_in": counts.releases,
            "releases_merged": counts.merged,
            "releases_duplicate": counts.duplicates,
            "releases_contained": counts.contained,
            "releases_refused": counts.refused,
            "processes": counts.processes,
            "processes_upgraded": counts.upgraded,
            "findings_not_listed": self.findings.not_listed(),
        }


def _shown(text: str) -> str:
    """A value as findings carry it: long ones cut."""
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
