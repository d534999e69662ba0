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


def test_figures_are_shown_whole(tmp_path: Path) -> None:
    awards = [
        {
            "id": "1",
            "status": "active",
            "value": {"amount": 29_925_413.57, "currency": "MXN"},
            "suppliers": [{"id": "S"}],
        }
    ]
    release = {
        "ocid": "ocds-1",
        "id": "1",
        "date": "2024-01-01T00:00:00Z",
        "tag": ["compiled"],
        "awards": awards,
    }
    (tmp_path / "a.json").write_text(json.dumps({"releases": [release]}), encoding="utf-8")
    done = command.ingp(tmp_path, "indicators", "a.json", "--minimum", "1")
    assert "29,925,413.57" in done.stdout and "e+07" not in done.stdout
    done = command.ingp(tmp_path, "indicators", "a.json", "--minimum", "1", language="es")
    assert "29.925.413,57" in done.stdout


@pytest.mark.parametrize(
    ("language", "nothing", "part"),
    [
        ("es", "No se encontró ningún proceso", "no se pudieron leer enteros"),
        ("en", "No contracting process was found", "could not be read whole"),
        ("pt", "Nenhum processo", "não puderam ser lidos por inteiro"),
        ("fr", "Aucun processus", "n’ont pas pu être lus en entier"),
    ],
)
def test_what_gives_no_figures_is_told(
    tmp_path: Path, releases: Path, language: str, nothing: str, part: str
) -> None:
    (tmp_path / "empty.json").write_text('{"releases": []}', encoding="utf-8")
    done = command.ingp(tmp_path, "indicators", "empty.json", language=language)
    assert done.returncode == 1 and nothing in done.stdout
    broken = tmp_path / "cut.jsonl"
    broken.write_text(releases.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    done = command.ingp(tmp_path, "indicators", "cut.jsonl", language=language)
    assert done.returncode == 1 and part in done.stderr.replace("\n", " ") and "cut.jsonl" in done.stderr


def test_misuse_is_told(tmp_path: Path, releases: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for words in (("absent.json",), ("a.csv",), (releases.name, "-o", "a.csv")):
        done = command.ingp(tmp_path, "indicators", *words)
        assert done.returncode == 2 and words[-1] in done.stderr.replace("\n", "")
