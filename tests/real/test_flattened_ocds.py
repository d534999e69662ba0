"""Flattened and nested OCDS that members publish today: every row and release counted, amounts to the last digit.

What is expected is worked out with Python's csv and json, never with our readers.
"""

import csv
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue import Catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.records import AcceptancePolicy, Severity, ValidationReport, Verdict
from pipelines.validation import validate_package
from pipelines.zones import Zones

HONDURAS = "csv-honduras-oncae-ocds-flat"
YEARS = ("14", "20")
WARNED, REJECTED = Verdict.ACCEPTED_WITH_WARNINGS, Verdict.REJECTED

FOLDERS = {
    "ocds-canada-pwgsc-2017": ("CAN", 33, WARNED),
    "ocds-colombia-cce-2017": ("COL", 31, REJECTED),
    "ocds-ecuador-sercop": ("ECU", 2, WARNED),
    "ocds-mexico-gacm-2017": ("MEX", 322, REJECTED),
    "ocds-mexico-inai-2017": ("MEX", 10, REJECTED),
    "ocds-mexico-jalisco-2018": ("MEX", 20, WARNED),
    "ocds-mexico-shcp-2021": ("MEX", 1, REJECTED),
    "ocds-paraguay-dncp-2019": ("PRY", 1, WARNED),
}
"""Folder -> member, releases counted by whoever put the material together, verdict when any error refuses all."""


class Judged:
    """A folder through intake and validation; reports and stored tables by policy."""

    def __init__(self, folder: Path, member: str, catalogue: Catalogue, work: Path) -> None:
        self.work = work
        staged = receive_submission([folder], MemberCode(member), Zones(work / "zones"), catalogue)
        self.reports: dict[AcceptancePolicy, ValidationReport] = {
            policy: validate_package(staged, catalogue, work / policy, policy=policy, memory_limit="1GB")
            for policy in AcceptancePolicy
        }

    def typed(self, table: str, sql: str) -> list[tuple[Any, ...]]:
        """A query over an accepted table under `ROWS`."""
        path = self.work / AcceptancePolicy.ROWS / self.reports[AcceptancePolicy.ROWS].typed[table]
        with duckdb.connect() as con:
            return con.execute(f"SELECT {sql} FROM read_parquet(?)", [str(path)]).fetchall()


@pytest.fixture(scope="module")
def judge(
    shared: Path, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Judged]:
    known: dict[str, Judged] = {}

    def judged(folder: str, member: str) -> Judged:
        if folder not in known:
            known[folder] = Judged(
                shared / "real" / folder, member, catalogue, tmp_path_factory.mktemp("judged")
            )
        return known[folder]

    return judged


@pytest.fixture(params=YEARS)
def year(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def honduras(judge: Callable[[str, str], Judged], year: str) -> Judged:
    return judge(f"{HONDURAS}/CE_20{year}", "HND")


@pytest.fixture
def sent(shared: Path, year: str) -> dict[str, list[dict[str, str]]]:
    """Rows of every file by an independent reader."""
    rows = {}
    for path in sorted((shared / "real" / HONDURAS / f"CE_20{year}").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows[path.name] = list(csv.DictReader(file))
    return rows


def test_every_row_of_a_flattened_file_is_accepted(
    honduras: Judged, sent: dict[str, list[dict[str, str]]]
) -> None:
    for report in honduras.reports.values():
        assert report.verdict is WARNED
        assert {each.source: (each.rows_in, each.rows_refused) for each in report.sources} == {
            name: (len(rows), 0) for name, rows in sent.items()
        }


def test_flattened_amounts_add_up(honduras: Judged, sent: dict[str, list[dict[str, str]]], year: str) -> None:
    def total(file: str, column: str) -> Decimal:
        return sum((Decimal(row[column]) for row in sent[f"{file}{year}.csv"] if row[column]), Decimal(0))

    assert honduras.typed("contracts", "sum(value_amount)") == [
        (total("contracts", "contracts/0/value/amount"),)
    ]
    assert honduras.typed("awards", "sum(value_amount)") == [(total("awards", "awards/0/value/amount"),)]
    assert honduras.typed("items", "sum(quantity), sum(unit_value_amount)") == [
        (
            total("con_items", "contracts/0/items/0/quantity"),
            total("con_items", "contracts/0/items/0/unit/value/amount"),
        )
    ]


def test_flattened_identifiers_stay_as_written(
    honduras: Judged, sent: dict[str, list[dict[str, str]]], year: str
) -> None:
    found = sorted(honduras.typed("parties", "ocid, party_id, identifier_id, identifier_scheme"))
    names = ("ocid", "parties/0/id", "parties/0/identifier/id", "parties/0/identifier/scheme")
    expected = sorted(
        tuple(row[name].strip() or None for name in names) for row in sent[f"parties{year}.csv"]
    )
    assert found == expected


def test_what_the_standard_has_no_column_for_is_kept(
    honduras: Judged, sent: dict[str, list[dict[str, str]]], year: str
) -> None:
    kept = Counter(path for (path,) in honduras.typed("additional_fields", "path"))
    for file, column in (
        ("contracts", "contracts/0/localProcurementCategory"),
        ("par_memberOf", "parties/0/memberOf/0/name"),
        ("sources", "sources/0/url"),
        ("releases", "publisher/name"),
    ):
        path = "/" + "/".join(part for part in column.split("/") if not part.isdigit())
        assert kept[path] == sum(bool(row[column]) for row in sent[f"{file}{year}.csv"]), path


def test_flattened_dates_and_lines_within_cells(
    honduras: Judged, sent: dict[str, list[dict[str, str]]], year: str
) -> None:
    """Zone -06:00 in the file, UTC in the store; line ends inside a cell, bare CR too, are part of its text."""
    starts = {
        row["contracts/0/id"]: row["contracts/0/period/startDate"] for row in sent[f"contracts{year}.csv"]
    }
    for contract, start in honduras.typed(
        "contracts", "contract_id, strftime(period_start, '%Y-%m-%dT%H:%M:%SZ')"
    ):
        assert start == _utc(starts[contract])
    addresses = {row["parties/0/address/streetAddress"] for row in sent[f"parties{year}.csv"]}
    broken = [address for address in addresses if "\r" in address or "\n" in address]
    stored = {address for (address,) in honduras.typed("parties", "DISTINCT street_address")}
    assert len(broken) > 10
    assert {" ".join(address.split()) for address in broken} <= {
        " ".join(str(address).split()) for address in stored
    }


def _utc(text: str) -> str | None:
    if not text:
        return None
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _releases(path: Path) -> int:
    data = json.loads(path.read_text(encoding="utf-8"))
    if "releases" in data:
        return len(data["releases"])
    if "records" in data:
        return sum(
            len([each for each in record.get("releases", ()) if "ocid" in each])
            or ("compiledRelease" in record)
            for record in data["records"]
        )
    return 1


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_release_is_counted(judge: Callable[[str, str], Judged], shared: Path, folder: str) -> None:
    member, releases, whole = FOLDERS[folder]
    assert sum(_releases(path) for path in (shared / "real" / folder).rglob("*.json")) == releases
    judged = judge(folder, member)
    for policy, report in judged.reports.items():
        assert [each.rows_in for each in report.sources] == [releases]
        assert report.verdict is (whole if policy is AcceptancePolicy.WHOLE else WARNED)
        assert report.count(Severity.ERROR) > 0 if whole is REJECTED else report.count(Severity.ERROR) == 0


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_refused_row_of_a_release_is_named(judge: Callable[[str, str], Judged], folder: str) -> None:
    """Per table: as many different rows with an error, or set aside as copies, as are missing from what is stored."""
    judged = judge(folder, FOLDERS[folder][0])
    report = judged.reports[AcceptancePolicy.ROWS]
    findings = judged.work / AcceptancePolicy.ROWS / "findings.parquet"
    with duckdb.connect() as con:
        named = dict(
            con.execute(
                "SELECT table_name, count(*) FROM read_parquet(?) WHERE (severity = 'error' OR code = 'duplicate-row') "
                "AND source_file IS NOT NULL AND row_number IS NOT NULL GROUP BY 1",
                [str(findings)],
            ).fetchall()
        )
    for count in report.counts:
        stored = judged.typed(count.table, "count(*)")[0][0] if count.table in report.typed else 0
        assert stored == count.rows_accepted
        assert named.get(count.table, 0) >= count.rows_refused


def test_mexican_amounts_add_up(judge: Callable[[str, str], Judged], shared: Path) -> None:
    """Contracts of Jalisco: each once, whether it stands in a compiled release, in its releases or in both."""
    folder = "ocds-mexico-jalisco-2018"
    contracts: dict[tuple[str, str], Decimal] = {}
    for path in (shared / "real" / folder / "records").glob("*.json"):
        for record in json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)["records"]:
            for contract in record["compiledRelease"]["contracts"]:
                contracts[record["ocid"], contract["id"]] = Decimal(contract["value"]["amount"])
    judged = judge(folder, "MEX")
    assert judged.typed("contracts", "count(*), sum(value_amount)") == [
        (len(contracts), sum(contracts.values()))
    ]
