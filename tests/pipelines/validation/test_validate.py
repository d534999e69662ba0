"""Whole packages through the validator: verdicts, policies, counts, keys and references."""

import json
from pathlib import Path

import duckdb
import pytest

from pipelines.catalogue import Catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.records import AcceptancePolicy, Severity, ValidationReport, Verdict, count_rows
from pipelines.validation import read_report, report_to_dict, validate_package
from pipelines.zones import Zones

PROCESSES = "ocid,release_id,release_date,tender_id,tender_title,buyer_name,procurement_method\n"
AWARDS = "ocid,award_id,status,date,value_amount,value_currency\n"
CONTRACTS = "ocid,contract_id,award_id,status,date_signed,value_amount,value_currency\n"
SOUND = {
    "processes": PROCESSES
    + "P1,r1,2024-05-01T00:00:00Z,t1,Puente,Obras,open\nP2,r2,2024-05-01T00:00:00Z,t2,Agua,Obras,open\n",
    "awards": AWARDS + "P1,A1,active,2024-02-01,100.10,HNL\nP2,A1,active,2024-02-01,200,HNL\n",
    "award_suppliers": "ocid,award_id,party_id,name\nP1,A1,S1,Uno\nP2,A1,S1,Uno\n",
    "contracts": CONTRACTS + "P1,C1,A1,active,2024-03-01,100.10,HNL\nP2,C1,A1,active,2024-03-01,200,HNL\n",
}


def judge(
    tmp_path: Path,
    catalogue: Catalogue,
    tables: dict[str, str],
    policy: AcceptancePolicy = AcceptancePolicy.WHOLE,
) -> ValidationReport:
    folder = tmp_path / "package"
    folder.mkdir()
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    staged = receive_submission([folder], MemberCode("HND"), Zones(tmp_path / "var"), catalogue)
    return validate_package(
        staged, catalogue, tmp_path / "report", policy=policy, memory_limit="1GB", threads=2
    )


def codes(report: ValidationReport, severity: Severity) -> dict[str, int]:
    return {
        f"{group.table}.{group.code}": group.count for group in report.groups if group.severity is severity
    }


def figures(report: ValidationReport, table: str) -> tuple[int, int, int]:
    count = next(count for count in report.counts if count.table == table)
    return count.rows_in, count.rows_accepted, count.rows_refused


def test_a_sound_package_is_accepted_with_typed_tables(tmp_path: Path, catalogue: Catalogue) -> None:
    report = judge(tmp_path, catalogue, SOUND)
    assert report.verdict is Verdict.ACCEPTED_WITH_WARNINGS, codes(report, Severity.ERROR)
    assert codes(report, Severity.ERROR) == {}
    assert count_rows(report.sources) == (8, 8, 0)
    found = duckdb.sql(
        f"SELECT value_amount, date_signed FROM '{tmp_path / 'report' / report.typed['contracts']}' ORDER BY ocid"
    ).fetchall()
    assert [str(amount).rstrip("0") for amount, _ in found] == ["100.1", "200."]
    assert found[0][1].isoformat() == "2024-03-01T00:00:00+00:00"


def test_one_error_refuses_the_whole_package(tmp_path: Path, catalogue: Catalogue) -> None:
    tables = {**SOUND, "contracts": SOUND["contracts"] + "P2,C9,A1,active,soon,5,HNL\n"}
    report = judge(tmp_path, catalogue, tables)
    assert report.verdict is Verdict.REJECTED
    assert codes(report, Severity.ERROR) == {"contracts.type-error": 1}
    assert count_rows(report.sources) == (9, 0, 9)
    assert report.typed == {}


def test_under_the_rows_policy_only_the_row_is_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    tables = {**SOUND, "contracts": SOUND["contracts"] + "P2,C9,A1,active,soon,5,HNL\n"}
    report = judge(tmp_path, catalogue, tables, AcceptancePolicy.ROWS)
    assert report.verdict is Verdict.ACCEPTED_WITH_WARNINGS
    assert figures(report, "contracts") == (3, 2, 1)
    assert count_rows(report.sources) == (9, 8, 1)


def test_what_hangs_on_a_refused_row_is_refused_with_it(tmp_path: Path, catalogue: Catalogue) -> None:
    tables = {
        **SOUND,
        "processes": PROCESSES
        + "P1,r1,2024-05-01T00:00:00Z,t1,Puente,Obras,open\nP2,r2,never,t2,Agua,Obras,open\n",
    }
    report = judge(tmp_path, catalogue, tables, AcceptancePolicy.ROWS)
    assert {table: figures(report, table)[2] for table in SOUND} == dict.fromkeys(SOUND, 1)
    refused = {key: count for key, count in codes(report, Severity.ERROR).items() if "refused" in key}
    assert refused == {
        "awards.reference-refused": 1,
        "award_suppliers.reference-refused": 1,
        "contracts.reference-refused": 1,
    }


def test_a_reference_to_nothing_is_told_at_its_row(tmp_path: Path, catalogue: Catalogue) -> None:
    tables = {**SOUND, "contracts": SOUND["contracts"] + "P2,C2,A7,active,2024-03-01,5,HNL\n"}
    report = judge(tmp_path, catalogue, tables)
    group = next(group for group in report.groups if group.code == "reference-missing")
    assert (group.table, group.count, group.examples[0].row_number) == ("contracts", 1, 4)
    assert group.examples[0].parameters["parent"] == "awards"


def test_a_row_repeated_word_for_word_is_set_aside_once(tmp_path: Path, catalogue: Catalogue) -> None:
    tables = {**SOUND, "contracts": SOUND["contracts"] + "P2,C1,A1,active,2024-03-01,200,HNL\n"}
    report = judge(tmp_path, catalogue, tables)
    assert report.verdict is Verdict.ACCEPTED_WITH_WARNINGS
    assert figures(report, "contracts") == (3, 2, 1)
    assert codes(report, Severity.WARNING)["contracts.duplicate-row"] == 1


def test_two_different_rows_with_one_key_are_an_error(tmp_path: Path, catalogue: Catalogue) -> None:
    tables = {**SOUND, "contracts": SOUND["contracts"] + "P2,C1,A1,active,2024-03-01,999,HNL\n"}
    report = judge(tmp_path, catalogue, tables)
    group = next(group for group in report.groups if group.code == "primary-key-duplicate")
    assert (group.count, group.examples[0].row_number, group.examples[0].parameters["first_row"]) == (1, 4, 3)


def test_a_missing_parent_table_skips_the_check_and_says_so(tmp_path: Path, catalogue: Catalogue) -> None:
    report = judge(tmp_path, catalogue, {"processes": SOUND["processes"], "contracts": SOUND["contracts"]})
    assert report.verdict is Verdict.ACCEPTED_WITH_WARNINGS
    assert ("table-not-sent", "awards") in {
        (skip.reason, skip.parameters.get("table")) for skip in report.skipped
    }


def test_a_finding_knows_its_cell(tmp_path: Path, catalogue: Catalogue) -> None:
    tables = {**SOUND, "contracts": CONTRACTS + "P1,C1,A1,activ,2024-03-01,1,HNL\n"}
    report = judge(tmp_path, catalogue, tables)
    (example,) = next(group for group in report.groups if group.code == "constraint-enum").examples
    assert (example.source_file, example.cell, example.value) == ("contracts.csv", "D2", "activ")
    assert example.parameters["suggestion"] == "active"


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_text_that_a_spreadsheet_would_run_is_refused(
    tmp_path: Path, catalogue: Catalogue, text: str
) -> None:
    tables = {
        **SOUND,
        "processes": PROCESSES
        + f'P1,r1,2024-05-01T00:00:00Z,t1,"{text}",Obras,open\nP2,,,,Agua,Obras,open\n',
    }
    assert codes(judge(tmp_path, catalogue, tables), Severity.ERROR)["processes.formula-like-text"] == 1


def test_ordinary_text_with_a_dash_is_no_formula(tmp_path: Path, catalogue: Catalogue) -> None:
    tables = {
        **SOUND,
        "processes": PROCESSES + "P1,,,,- Papel (resma) | A4,Obras,open\nP2,,,,+ 5 años,Obras,open\n",
    }
    assert codes(judge(tmp_path, catalogue, tables), Severity.ERROR) == {}


def test_a_report_survives_being_stored(tmp_path: Path, catalogue: Catalogue) -> None:
    report = judge(tmp_path, catalogue, SOUND)
    assert read_report(tmp_path / "report") == report
    assert json.loads(json.dumps(report_to_dict(report), default=str))["verdict"] == report.verdict.value


def test_the_same_package_gives_the_same_report_again(tmp_path: Path, catalogue: Catalogue) -> None:
    first = judge(
        tmp_path, catalogue, {**SOUND, "contracts": SOUND["contracts"] + "P2,C1,A1,active,x,1,HNL\n"}
    )
    staged = receive_submission([tmp_path / "package"], MemberCode("HND"), Zones(tmp_path / "var"), catalogue)
    assert staged.already_received
    second = validate_package(staged, catalogue, tmp_path / "again", memory_limit="1GB", threads=1)
    assert [group for group in second.groups if group.code != "already-received"] == list(first.groups)
    assert second.counts == first.counts


def test_a_flat_table_is_judged_as_linked_tables_and_told_as_flat(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    flat = (
        "contract_id,local_process_id,buyer_name,tender_title,supplier_name,award_date,contract_date_signed,contract_value_amount\n"
        "C1,L1,Obras,Puente,Uno,2024-03-01,2024-02-01,5\nC2,L1,Obras,Otro puente,Dos,2024-01-01,2024-02-01,6\n"
    )
    report = judge(tmp_path, catalogue, {"contracts_flat": flat})
    assert report.verdict is Verdict.ACCEPTED_WITH_WARNINGS
    groups = {group.code: group for group in report.groups}
    signature = groups["signature-before-award"]
    assert (signature.table, signature.field, signature.examples[0].row_number) == (
        "contracts_flat",
        "contract_date_signed",
        2,
    )
    assert groups["flat-conflict"].examples[0].row_number == 3
    assert groups["amount-without-currency"].field == "contract_value_currency"
    assert figures(report, "contracts") == (2, 2, 0)
    assert {count.table for count in report.counts if count.derived} >= {
        "processes",
        "parties",
        "awards",
        "contracts",
    }
