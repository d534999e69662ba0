"""A validation says how far it is, and ends between two rows when it is told to, leaving nothing behind."""

import time
from pathlib import Path

import pytest

from pipelines.catalogue import Catalogue
from pipelines.exceptions import StoppedError
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.records import StagedPackage
from pipelines.validation import validate_package
from pipelines.zones import Zones


@pytest.fixture
def staged(tmp_path: Path, catalogue: Catalogue) -> StagedPackage:
    path = tmp_path / "contratos.csv"
    rows = "".join(f"C-{at},L-{at},Obras,Puente,Uno,2024-01-05,{at}.5,HNL\n" for at in range(3_000))
    path.write_text(
        "contract_id,local_process_id,buyer_name,tender_title,supplier_name,contract_date_signed,"
        "contract_value_amount,contract_value_currency\n" + rows
    )
    return receive_submission([path], MemberCode("HND"), Zones(tmp_path / "zones"), catalogue)


def test_progress_counts_rows(staged: StagedPackage, tmp_path: Path, catalogue: Catalogue) -> None:
    steps: list[tuple[str, int, int]] = []
    validate_package(staged, catalogue, tmp_path / "report", progress=lambda *step: steps.append(step))
    assert steps[0] == ("contracts_flat", 0, 3_000)
    assert steps[-1] == ("rules", 3_000, 3_000)
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)


def test_a_cancelled_validation_says_how_far_it_came(
    staged: StagedPackage, tmp_path: Path, catalogue: Catalogue
) -> None:
    with pytest.raises(StoppedError) as stopped:
        validate_package(
            staged,
            catalogue,
            tmp_path / "report",
            progress=lambda what, *_: time.sleep(0.3) if what == "rules" else None,
            cancelled=lambda: True,
        )
    assert (stopped.value.reason, stopped.value.total) == ("cancelled", 3_000)
    assert stopped.value.checked in (0, 3_000)
    assert [path.name for path in tmp_path.iterdir() if "report" in path.name] == []


def test_a_budget_is_kept_and_an_earlier_report_stays(
    staged: StagedPackage, tmp_path: Path, catalogue: Catalogue
) -> None:
    before = validate_package(staged, catalogue, tmp_path / "report", budget_seconds=600)
    with pytest.raises(StoppedError) as stopped:
        validate_package(
            staged,
            catalogue,
            tmp_path / "report",
            progress=lambda *_: time.sleep(0.3),
            budget_seconds=0.01,
        )
    assert stopped.value.reason == "budget"
    assert str(stopped.value.total) in str(stopped.value)
    assert (tmp_path / "report" / "report.json").exists() and before.counts
