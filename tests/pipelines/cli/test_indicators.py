"""``ingp indicators`` of OCDS files."""

import csv
import json
from pathlib import Path

import pytest

from tests import command


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    """Twenty-five open processes, five of them with one bidder."""
    path = tmp_path / "releases.jsonl"
    lines = [
        {
            "ocid": f"ocds-{number}",
            "id": "1",
            "date": "2024-01-01T00:00:00Z",
            "tag": ["compiled"],
            "buyer": {"id": "B", "name": "B"},
            "tender": {
                "id": "1",
                "procurementMethod": "open",
                "numberOfTenderers": 1 if number < 5 else 3,
                "tenderPeriod": {"startDate": "2024-01-01T00:00:00Z", "endDate": "2024-01-11T00:00:00Z"},
            },
        }
        for number in range(25)
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_tables_of_a_file(tmp_path: Path, releases: Path) -> None:
    done = command.ingp(tmp_path, "indicators", str(releases), "-o", "out", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert {"U001", "U015", "U059", "R018"} <= set(told["computed"]) and "U006" not in told["computed"]
    with (tmp_path / "out" / "indicators.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["scope"] == "network" and not row["year"]]
    (single,) = (row for row in rows if row["indicator"] == "U015")
    assert (float(single["value"]), float(single["numerator"]), single["n"]) == (0.2, 5, "25")
    with (tmp_path / "out" / "indicator_flags.csv").open(encoding="utf-8") as file:
        flags = [row["scope_id"] for row in csv.DictReader(file) if row["indicator"] == "R018"]
    assert flags == [f"ocds-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("language", "word"), [("es", "motivo"), ("en", "reason"), ("pt", "motivo"), ("fr", "raison")]
)
def test_for_people(tmp_path: Path, releases: Path, language: str, word: str) -> None:
    done = command.ingp(tmp_path, "indicators", str(releases), language=language)
    assert done.returncode == 0, done.stderr
    assert "U015" in done.stdout and word in done.stdout


def test_a_file_without_processes(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("[]", encoding="utf-8")
    assert command.ingp(tmp_path, "indicators", "empty.json").returncode == 1
    assert command.ingp(tmp_path, "indicators", "absent.json").returncode == 2
