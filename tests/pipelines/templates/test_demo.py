"""The demo packages: sound where they should be, faulty where they should be, invented throughout."""

import csv
import json
from collections import Counter, defaultdict
from gzip import decompress
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import Catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.records import Severity, ValidationReport, Verdict
from pipelines.templates import guide_sheets
from pipelines.validation import validate_package
from pipelines.zones import Zones


@pytest.fixture(scope="session")
def reports(catalogue: Catalogue, datapackages: Path, tmp_path_factory: pytest.TempPathFactory):
    """Name of a demo package -> its report, each validated once."""
    known: dict[str, ValidationReport] = {}

    def validate(name: str) -> ValidationReport:
        if name not in known:
            zones = Zones(tmp_path_factory.mktemp("demo"))
            member = MemberCode(name[:3])
            staged = receive_submission([datapackages / "demo" / name], member, zones, catalogue)
            known[name] = validate_package(
                staged,
                catalogue,
                zones.report_folder(staged.submission.submission_id),
                memory_limit="1GB",
                threads=2,
            )
        return known[name]

    return validate


def codes(report: ValidationReport, severity: Severity) -> set[str]:
    return {group.code for group in report.groups if group.severity is severity}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_flat_workbook_has_no_fault_in_its_table(reports) -> None:
    """Labels, dates in cells, local numbers are understood. What the guide sheets cause does not count."""
    report = reports("xaa-contracts-2025.xlsx")
    counts = {count.table: count.rows_in for count in report.counts}
    assert 110 <= counts["contracts_flat"] <= 130
    assert counts["contracts"] == counts["contracts_flat"]
    own = [
        (group.code, example.cell, example.value)
        for group in report.groups
        for example in group.examples
        if group.severity is Severity.ERROR and example.sheet not in guide_sheets()
    ]
    assert own == []


def test_linked_tables_are_without_fault(reports) -> None:
    report = reports("xbb-2025")
    assert report.verdict is Verdict.ACCEPTED
    assert {count.table: count.rows_in for count in report.counts}["processes"] == 150


def test_ocds_releases_merge_into_150_processes(reports) -> None:
    report = reports("xcc-2025-ocds.json.gz")
    assert report.verdict is not Verdict.REJECTED
    assert {count.table: count.rows_in for count in report.counts}["processes"] == 150


def test_activity_is_accepted(reports) -> None:
    report = reports("xbb-activity")
    assert report.verdict is not Verdict.REJECTED
    assert report.package_type == "activity"


def test_the_faulty_file_has_the_faults_that_its_readme_tells(reports) -> None:
    report = reports("xaa-contracts-bad.csv")
    assert report.verdict is Verdict.REJECTED
    assert codes(report, Severity.ERROR) == {
        "constraint-enum",
        "constraint-required",
        "extra-cell",
        "formula-like-text",
        "missing-cell",
        "primary-key-duplicate",
        "type-error",
    }
    assert codes(report, Severity.WARNING) >= {
        "amount-negative",
        "amount-without-currency",
        "award-before-tender-end",
        "contract-award-amounts-differ",
        "date-unrealistic",
        "dates-out-of-order",
        "duplicate-row",
        "identifier-scheme-unknown",
        "signature-before-award",
    }
    assert codes(report, Severity.NOTICE) >= {
        "blank-row",
        "column-unknown",
        "encoding-not-utf8",
        "missing-marks",
    }
    by_code: dict[str, set[int | None]] = defaultdict(set)
    for group in report.groups:
        by_code[group.code] |= {example.row_number for example in group.examples}
    assert by_code["type-error"] == {4, 21}
    assert by_code["constraint-required"] == {6}
    assert by_code["primary-key-duplicate"] == {10}
    assert by_code["extra-cell"] == {19}
    assert by_code["duplicate-row"] == {25}


def test_concentration_can_be_seen(datapackages: Path) -> None:
    """One company of a branch wins far more than its share; several companies belong to women."""
    folder = datapackages / "demo" / "xbb-2025" / "data"
    wins = Counter(row["name"] for row in rows(folder / "award_suppliers.csv"))
    assert 25 <= len(wins) <= 40
    assert wins.most_common(1)[0][1] > 3 * sum(wins.values()) / len(wins)
    suppliers = [row for row in rows(folder / "parties.csv") if "supplier" in row["roles"]]
    assert {row["women_owned"] for row in suppliers} == {"true", "false"}
    assert {row["scale"] for row in suppliers} == {"large", "medium", "small", "micro"}


def test_releases_need_merging(datapackages: Path) -> None:
    package: dict[str, Any] = json.loads(
        decompress((datapackages / "demo" / "xcc-2025-ocds.json.gz").read_bytes())
    )
    by_process = Counter(release["ocid"] for release in package["releases"])
    assert len(by_process) == 150 and min(by_process.values()) >= 2
    assert len({release["id"] for release in package["releases"]}) == len(package["releases"])
    assert {release["tag"][0] for release in package["releases"]} >= {
        "planning",
        "tender",
        "award",
        "contract",
    }


def test_no_address_leads_to_a_real_place(datapackages: Path) -> None:
    """Web addresses of demo data end in .example (RFC 2606), and codes are those that ISO leaves to users."""
    for path in (datapackages / "demo").rglob("*.csv"):
        text = path.read_bytes().decode("cp1252" if path.stem.endswith("bad") else "utf-8")
        hosts = {part.split("/")[0].split('"')[0] for part in text.split("://")[1:]}
        assert all(host.endswith(".example") for host in hosts), path
