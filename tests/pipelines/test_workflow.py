"""From files to a release, through the functions that the command line and the flows call."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines import rechecked, workflow
from pipelines.exceptions import IntakeError, UnknownError
from pipelines.publication import current_release, read_release, switch_current
from pipelines.publication.alone import held
from pipelines.records import AcceptancePolicy
from pipelines.reporting.comparison import read_comparison
from pipelines.store import State, newest_versions, read_history
from pipelines.workflow import Installation

HEADING = "contract_id;local_process_id;buyer_name;tender_title;supplier_name;contract_date_signed;contract_value_amount;contract_value_currency\n"


def flat(path: Path, *rows: str) -> Path:
    path.write_text(HEADING + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


ONE = "C-001;L1;Obras;Puente;Uno;31/12/2024;1.234,50;HNL"
TWO = "C-002;L2;Salud;Vacunas;Dos;15/01/2024;99,999999999999999999;HNL"
BAD = "C-003;L3;Salud;Camas;Tres;32/01/2024;5,00;HNL"


def test_a_spreadsheet_reaches_every_published_file(site: Installation, tmp_path: Path) -> None:
    outcome = workflow.submit(site, [flat(tmp_path / "contratos.csv", ONE, TWO)], "HND")
    assert outcome.state == State.ACCEPTED
    release = workflow.publish(site)
    assert release is not None
    folder = current_release(site.zones)
    assert folder is not None and folder.name == release.release_id
    table = pq.read_table(folder / "parquet" / "procurement_contracts_flat.parquet").to_pylist()
    assert [(row["contract_id"], row["contract_value_amount"].normalize()) for row in table] == [
        ("C-001", Decimal("1234.5")),
        ("C-002", Decimal("99.999999999999999999")),
    ]
    assert {(row["member_code"], row["version_number"], row["source_file"]) for row in table} == {
        ("HND", 1, "contratos.csv")
    }
    assert [row["source_row_number"] for row in table] == [2, 3]
    text = (folder / "csv" / "procurement_contracts_flat.csv").read_text(encoding="utf-8")
    assert ",99.999999999999999999,HNL," in text and ",1234.5,HNL," in text and "2024-12-31T00:00:00Z" in text
    assert (folder / "parquet" / "HND" / "procurement_contracts.parquet").exists()
    metadata = pq.read_schema(folder / "parquet" / "procurement_contracts.parquet").metadata
    assert json.loads(metadata[b"ingp"])["release"] == release.release_id
    assert json.loads(metadata[b"tableschema"])["primaryKey"] == ["member_code", "ocid", "contract_id"]
    with sqlite3.connect(folder / "ingp.db") as database:
        assert database.execute(
            "SELECT value_amount FROM procurement_contracts WHERE contract_id = 'C-001'"
        ).fetchall() == [(1234.5,)]
        found = database.execute(
            "SELECT count(*) FROM procurement_processes_fts WHERE procurement_processes_fts MATCH 'vacunas'"
        )
        assert found.fetchone() == (1,)
    with duckdb.connect(str(folder / "ingp.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM procurement_parties").fetchall() == [(4,)]
    package = json.loads((folder / "datapackage.json").read_text(encoding="utf-8"))
    for resource in package["resources"]:
        assert (folder / resource["path"]).stat().st_size == resource["bytes"]
    assert package["licenses"][0]["name"] == "CC-BY-4.0"


def test_identifiers_keep_their_zeros(site: Installation, tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(
        "contract_id,buyer_name,buyer_id,supplier_name,supplier_id\n007,Obras,06,Uno,00012345678\n",
        encoding="utf-8",
    )
    workflow.submit(site, [path], "BRA")
    workflow.publish(site)
    folder = current_release(site.zones)
    assert folder is not None
    row = pq.read_table(folder / "parquet" / "procurement_contracts_flat.parquet").to_pylist()[0]
    assert (row["contract_id"], row["buyer_id"], row["supplier_id"]) == ("007", "06", "00012345678")


def test_the_same_file_twice_counts_once(site: Installation, tmp_path: Path) -> None:
    first = workflow.submit(site, [flat(tmp_path / "a.csv", ONE)], "HND")
    second = workflow.submit(site, [flat(tmp_path / "b.csv", ONE)], "HND")
    assert second.staged.already_received
    assert second.staged.findings[-1].code == "already-received"
    assert first.staged.submission.submission_id == second.staged.submission.submission_id
    assert len(read_history(site.lake, "HND", "procurement")) == 1
    assert len(site.ledger.submissions()) == 1


def test_a_bad_row_refuses_all_and_with_the_rows_policy_only_itself(
    site: Installation, tmp_path: Path
) -> None:
    path = flat(tmp_path / "a.csv", ONE, BAD)
    refused = workflow.submit(site, [path], "HND")
    assert (refused.state, newest_versions(site.lake)) == (State.NEEDS_WORK, ())
    outcome = workflow.submit(site, [path], "HND", policy=AcceptancePolicy.ROWS)
    assert outcome.state == State.ACCEPTED
    record = site.ledger.submission(outcome.staged.submission.submission_id)
    assert (record.rows_in, record.rows_accepted, record.rows_refused) == (2, 1, 1)


def test_an_interrupted_submission_goes_on_with_the_policy_it_was_sent_with(
    site: Installation, tmp_path: Path
) -> None:
    workflow.receive(site, [flat(tmp_path / "a.csv", ONE, BAD)], "HND", policy=AcceptancePolicy.ROWS)
    (waiting,) = workflow.unfinished(site)
    assert workflow.process(site, waiting).state == State.ACCEPTED


def test_periods_stand_beside_each_other(site: Installation, tmp_path: Path) -> None:
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE)], "HND", period="2023")
    workflow.submit(site, [flat(tmp_path / "b.csv", TWO)], "HND", period="2024")
    workflow.publish(site)
    folder = current_release(site.zones)
    assert folder is not None
    rows = pq.read_table(folder / "parquet" / "procurement_contracts.parquet").to_pylist()
    assert sorted(row["contract_id"] for row in rows) == ["C-001", "C-002"]


def test_a_row_leads_to_the_submission_that_brought_it(site: Installation, tmp_path: Path) -> None:
    """Also when later versions, of other periods or withdrawing one, hold it: version, submission, day, rules."""
    done = [
        workflow.submit(site, [flat(tmp_path / f"{period}.csv", row)], "HND", period=period)
        for period, row in (("2022", BAD.replace("32/01", "02/01")), ("2023", ONE), ("2024", TWO))
    ]
    sent = [each.staged.submission.submission_id for each in done]
    workflow.withdraw(site, "HND", "procurement", period="2022", reason="sent by mistake", by="secretariat")
    release = workflow.publish(site)
    assert release is not None and [each["number"] for each in release.versions] == [4]
    folder = site.zones.release_folder(release.release_id)
    with duckdb.connect(str(folder / "ingp.duckdb"), read_only=True) as con:
        rows = con.execute(
            "SELECT source_file, version_number, submission_id FROM procurement_contracts_flat AS r JOIN release_versions AS v "
            "USING (member_code, version_number) WHERE v.table_name = 'contracts_flat' ORDER BY 1"
        ).fetchall()
    assert rows == [("2023.csv", 2, sent[1]), ("2024.csv", 3, sent[2])]
    periods = release.versions[0]["periods"]
    assert [(each["period"], each["number"], each["submission_id"]) for each in periods] == [
        ("2023", 2, sent[1]), ("2024", 3, sent[2])
    ]  # fmt: skip
    assert {each["rules"] for each in periods} == {done[0].report.ruleset_version}


def test_a_release_tells_what_the_checks_found_in_what_it_holds(site: Installation, tmp_path: Path) -> None:
    rows = AcceptancePolicy.ROWS
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE, BAD)], "HND", period="2024", policy=rows)
    workflow.submit(site, [flat(tmp_path / "b.csv", TWO)], "HND", period="2023", policy=rows)
    release = workflow.publish(site)
    assert release is not None
    with duckdb.connect(
        str(site.zones.release_folder(release.release_id) / "ingp.duckdb"), read_only=True
    ) as con:
        refused = con.execute(
            "SELECT period, table_name, column_name, severity, findings_count FROM quality WHERE severity = 'error'"
        ).fetchall()
        assert refused == [("2024", "procurement_contracts_flat", "contract_date_signed", "error", 1)]
        periods = con.execute("SELECT DISTINCT period, version_number FROM quality ORDER BY 1").fetchall()
        assert periods == [("2023", 2), ("2024", 1)]
        published, counted = con.execute(
            "SELECT (SELECT count(*) FROM procurement_contracts), (SELECT sum(rows_count) FROM coverage WHERE table_name = 'procurement_contracts')"
        ).fetchone() or (0, 0)
        assert published == counted == 2
        empty = "SELECT count(*) FROM quality WHERE code IS NULL AND findings_count = 0"
        assert (con.execute(empty).fetchone() or (0,))[0] > 0


def test_a_row_that_comes_again_for_another_period_is_published_once_as_it_came_last(
    site: Installation, tmp_path: Path
) -> None:
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE, TWO)], "HND")
    workflow.submit(
        site, [flat(tmp_path / "b.csv", TWO.replace("Vacunas", "Vacunas nuevas"))], "HND", period="2024-01"
    )
    release = workflow.publish(site)
    assert release is not None
    assert release.replaced["procurement_contracts_flat"] == 1
    rows = pq.read_table(
        site.zones.release_folder(release.release_id) / "parquet/procurement_contracts_flat.parquet"
    ).to_pylist()
    assert [row["tender_title"] for row in rows] == ["Puente", "Vacunas nuevas"]


def test_data_sent_again_after_a_withdrawal_are_back(site: Installation, tmp_path: Path) -> None:
    path = flat(tmp_path / "a.csv", ONE)
    workflow.submit(site, [path], "HND")
    workflow.withdraw(site, "HND", "procurement", period=None, reason="sent by mistake", by="secretariat")
    assert workflow.submit(site, [path], "HND").state == State.ACCEPTED
    assert [int(version.number) for version in read_history(site.lake, "HND", "procurement")] == [1, 2, 3]


def test_losing_rows_waits_for_a_person(site: Installation, tmp_path: Path) -> None:
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE, TWO)], "HND")
    outcome = workflow.submit(site, [flat(tmp_path / "b.csv", ONE)], "HND")
    assert (outcome.state, outcome.version) == (State.IN_REVIEW, None)
    assert outcome.pending is not None and outcome.pending.loss_share == 0.5
    assert int(newest_versions(site.lake)[0].number) == 1
    done = workflow.process(site, outcome.staged.submission.submission_id, confirmed_by="secretariat")
    assert done.state == State.ACCEPTED
    assert int(newest_versions(site.lake)[0].number) == 2


def test_publishing_again_without_news_makes_no_release(site: Installation, tmp_path: Path) -> None:
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE)], "HND")
    first = workflow.publish(site)
    assert first is not None
    assert workflow.publish(site) is None
    again = workflow.publish(site, force=True)
    assert again is not None and again.release_id > first.release_id
    assert read_release(site.zones.release_folder(first.release_id)).files == first.files


def test_what_a_killed_publication_left_is_removed_by_the_next(site: Installation, tmp_path: Path) -> None:
    """Gigabytes of it. What somebody else is working on stays."""
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE)], "HND")
    script = "import os, sys, pathlib; from pipelines.publication.alone import held\nwith held(pathlib.Path(sys.argv[1])): os._exit(9)"
    left, others = (site.zones.tmp / f"release-2026.1.{number}-77" for number in (1, 2))
    subprocess.run([sys.executable, "-c", script, str(left)], check=False)
    assert (left / ".held").exists()
    with held(others):
        for folder in (left, others):
            os.utime(folder / ".held", (0, 0))
        release = workflow.publish(site)
        assert release is not None and others.exists() and not left.exists()
    assert not list(site.zones.release_folder(release.release_id).glob(".*"))
    assert [path.name for path in site.zones.tmp.glob("release-*")] == [others.name]


def test_the_number_of_a_deleted_release_is_not_given_again(site: Installation, tmp_path: Path) -> None:
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE)], "HND")
    first, second = workflow.publish(site), workflow.publish(site, force=True)
    assert first is not None and second is not None
    switch_current(first.release_id, site.zones)
    shutil.rmtree(site.zones.release_folder(second.release_id))
    third = workflow.publish(site, force=True)
    assert third is not None and third.release_id > second.release_id


def test_a_served_release_that_somebody_deleted_is_made_again(site: Installation, tmp_path: Path) -> None:
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE)], "HND")
    first = workflow.publish(site)
    assert first is not None
    shutil.rmtree(site.zones.release_folder(first.release_id))
    assert current_release(site.zones) is None
    again = workflow.publish(site)
    assert again is not None and again.release_id > first.release_id


def test_withdrawn_data_leave_the_next_release_and_stay_in_the_last(
    site: Installation, tmp_path: Path
) -> None:
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE)], "HND")
    workflow.submit(site, [flat(tmp_path / "b.csv", TWO)], "PRY")
    first = workflow.publish(site)
    workflow.withdraw(site, "HND", "procurement", period=None, reason="sent by mistake", by="secretariat")
    second = workflow.publish(site)
    assert first is not None and second is not None
    members = [
        {
            row["member_code"]
            for row in pq.read_table(
                site.zones.release_folder(release.release_id) / "parquet/procurement_contracts.parquet"
            ).to_pylist()
        }
        for release in (first, second)
    ]
    assert members == [{"HND", "PRY"}, {"PRY"}]
    assert read_history(site.lake, "HND", "procurement")[-1].reason == "sent by mistake"


def test_direct_personal_data_is_kept_back_and_registered(site: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "processes.csv").write_text("ocid,tender_title\nP1,Puente\n", encoding="utf-8")
    (folder / "parties.csv").write_text(
        "ocid,party_id,name,contact_name,contact_email\nP1,B1,Obras,Alguien,alguien@example.org\n",
        encoding="utf-8",
    )
    workflow.submit(site, [folder], "HND")
    workflow.publish(site)
    release = current_release(site.zones)
    assert release is not None
    published = b"".join(
        path.read_bytes()
        for path in release.rglob("*")
        if path.is_file() and path.suffix in (".csv", ".json")
    )
    assert b"alguien@example.org" not in published and b"Alguien" not in published
    assert "contact_email" not in pq.read_schema(release / "parquet" / "procurement_parties.parquet").names
    register = pq.read_table(release / "parquet" / "procurement_withheld.parquet")
    assert {(row["table_name"], row["field"], row["rows_affected"]) for row in register.to_pylist()} == {
        ("parties", "contact_name", 1),
        ("parties", "contact_email", 1),
    }


def test_recheck_changes_nothing(site: Installation, tmp_path: Path) -> None:
    workflow.submit(site, [flat(tmp_path / "a.csv", ONE)], "HND")
    (result,) = workflow.recheck(site)
    assert (result.before, result.new_codes) == (result.after, ()) and not result.is_otherwise
    found = rechecked.last(site.zones)
    assert found is not None and found.results == (result,)
    site.zones.rechecked.write_text("[", encoding="utf-8")
    assert rechecked.last(site.zones) is None, "a broken file is none, and the next time writes another"
    assert site.ledger.submissions()[0].state == State.ACCEPTED


def test_what_does_not_exist_is_said(site: Installation, tmp_path: Path) -> None:
    with pytest.raises(IntakeError):
        workflow.submit(site, [tmp_path / "nowhere.csv"], "HND")
    with pytest.raises(IntakeError):
        workflow.submit(site, [flat(tmp_path / "a.csv", ONE)], "USA")
    with pytest.raises(UnknownError):
        workflow.find_submission(site, "nothing")


def linked(folder: Path, **tables: str) -> list[Path]:
    folder.mkdir()
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return [folder]


AWARDS = "ocid,award_id,date,status,title\nL-1,A-1,2024-11-05,active,Puente\n"
PROCESSES = "ocid,tender_id,tender_title,tender_status\nL-1,L-1,Puente,complete\n"
CONTRACTS = "ocid,contract_id,award_id,date_signed,status\nL-1,C-1,{award},2025-01-20,active\n"


def test_a_contract_may_name_an_award_of_last_year(site: Installation, tmp_path: Path) -> None:
    late = linked(tmp_path / "late", contracts=CONTRACTS.format(award="A-1"))
    lost = linked(tmp_path / "lost", contracts=CONTRACTS.format(award="A-9"))
    first = linked(tmp_path / "first", processes=PROCESSES, awards=AWARDS)
    assert workflow.submit(site, first, "HND", period="2024").state == State.ACCEPTED
    good = workflow.submit(site, late, "HND", period="2025")
    assert good.state == State.ACCEPTED, [group.code for group in good.report.groups]
    assert good.report.against == 1
    refused = workflow.submit(site, lost, "HND", period="2026")
    assert refused.state == State.NEEDS_WORK
    assert "reference-missing" in {group.code for group in refused.report.groups}


def test_rows_that_a_submission_replaces_are_no_reference(site: Installation, tmp_path: Path) -> None:
    first = linked(tmp_path / "first", processes=PROCESSES, awards=AWARDS)
    workflow.submit(site, first, "HND", period="2024")
    again = linked(tmp_path / "again", processes=PROCESSES, contracts=CONTRACTS.format(award="A-1"))
    outcome = workflow.submit(site, again, "HND", period="2024")
    assert outcome.report.against is None
    assert [check.reason for check in outcome.report.skipped if "-> awards" in check.check] == [
        "table-not-sent"
    ]


def test_a_resubmission_is_compared_with_the_attempt_before(site: Installation, tmp_path: Path) -> None:
    worse = "C-004;L4;Salud;Sillas;Cuatro;40/13/2024;5,00;HNL"
    first = workflow.submit(site, [flat(tmp_path / "a.csv", ONE, BAD, worse)], "HND", period="2024")
    assert read_comparison(site.zones.report_folder(first.report.submission_id)) is None
    other = workflow.submit(site, [flat(tmp_path / "b.csv", BAD)], "HND", period="2023")
    assert read_comparison(site.zones.report_folder(other.report.submission_id)) is None
    second = workflow.submit(site, [flat(tmp_path / "c.csv", ONE, BAD)], "HND", period="2024")
    comparison = read_comparison(site.zones.report_folder(second.report.submission_id))
    assert comparison is not None and comparison.before == first.report.submission_id
    dates = [group for group in comparison.groups if group.code == "type-error"]
    assert [(group.fixed, group.left, group.new) for group in dates] == [(1, 1, 0)]
