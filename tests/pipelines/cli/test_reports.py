"""``ingp validate --format … -o … --against …`` and ``ingp report``."""

import csv
import json
from functools import partial
from pathlib import Path

import pytest
from frictionless import Report

from tests import command

HEADING = "contract_id,buyer_name,supplier_name,contract_date_signed\n"


ingp = partial(command.ingp, columns=80, text=False)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.csv"
    path.write_text(
        f"{HEADING}C1,Obras,Uno,someday\nC2,Obras,Dos,2024-05-01\nC3,,Tres,2024-05-01\n", encoding="utf-8"
    )
    return path


@pytest.fixture
def better(tmp_path: Path) -> Path:
    path = tmp_path / "better.csv"
    path.write_text(
        f"{HEADING}C0,Obras,Uno,2024-05-01\nC1,Obras,Uno,someday\nC2,Obras,Dos,2024-05-01\nC3,Obras,Tres,2024-05-01\n",
        encoding="utf-8",
    )
    return path


def test_the_terminal_says_it_all_on_eighty_columns(tmp_path: Path, bad: Path) -> None:
    done = ingp(tmp_path, "validate", str(bad))
    text = done.stdout.decode()
    assert done.returncode == 1, done.stderr
    assert "2 problems to fix, " in text and "; 1 of 3 rows have no errors." in text
    assert "row 2, column D  someday" in text
    assert text.splitlines()[-1].startswith("Checked 3 of 3 rows in ")
    assert max(map(len, text.splitlines())) <= 80


def test_a_page_and_all_places_beside_it(tmp_path: Path, bad: Path) -> None:
    done = ingp(tmp_path, "validate", str(bad), "-o", "informe.html", language="es")
    assert (done.returncode, done.stdout) == (1, b""), done.stderr
    page = (tmp_path / "informe.html").read_text(encoding="utf-8")
    assert '<html lang="es">' in page and "fila 2, columna D" in page
    assert 'href="informe-findings.csv"' in page
    with (tmp_path / "informe-findings.csv").open(encoding="utf-8", newline="") as file:
        assert [row["Celda"] for row in csv.DictReader(file) if row["Gravedad"] == "error"] == ["B4", "D2"]


def test_csv_on_the_screen(tmp_path: Path, bad: Path) -> None:
    plain = ingp(tmp_path, "validate", str(bad), "--format", "csv")
    excel = ingp(tmp_path, "validate", str(bad), "--format", "csv", "--excel")
    assert plain.returncode == 1
    assert plain.stdout.startswith(b"Severity,Code,File,")
    assert excel.stdout == b"\xef\xbb\xbf" + plain.stdout


def test_frictionless_reads_what_it_is_given(tmp_path: Path, bad: Path) -> None:
    done = ingp(tmp_path, "validate", str(bad), "--format", "frictionless")
    data = json.loads(done.stdout)
    assert Report.from_descriptor(json.loads(done.stdout)).to_descriptor() == data
    assert set(data) == {"version", "valid", "stats", "warnings", "errors", "tasks"}
    assert data["stats"]["errors"] == 2


def test_against_an_earlier_report(tmp_path: Path, bad: Path, better: Path) -> None:
    assert ingp(tmp_path, "validate", str(bad), "-o", "first.json").returncode == 1
    done = ingp(tmp_path, "validate", str(better), "--against", "first.json")
    text = done.stdout.decode()
    assert done.returncode == 1, done.stderr
    assert "Errors: 1 fixed, 1 left, 0 new" in text
    assert "✓ The cell of Buyer name is empty" in text
    data = json.loads(ingp(tmp_path, "validate", str(better), "--json", "--against", "first.json").stdout)
    groups = {each["code"]: each for each in data["comparison"]["groups"]}
    assert (groups["type-error"]["left"], groups["constraint-required"]["fixed"]) == (1, 1)


def test_a_stored_report_is_shown_again(tmp_path: Path, bad: Path, better: Path) -> None:
    submitted = [
        json.loads(ingp(tmp_path, "submit", str(path), "--member", "PRY", "--json").stdout)["submission_id"]
        for path in (bad, better)
    ]
    done = ingp(tmp_path, "report", submitted[0], "--format", "markdown", language="pt")
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().startswith(f"# Relatório de conferência: {submitted[0]}")
    against = ingp(tmp_path, "report", submitted[1], "--against", submitted[0], "--json")
    comparison = json.loads(against.stdout)["comparison"]
    assert comparison["before"] == submitted[0]
    (group,) = [each for each in comparison["groups"] if each["code"] == "type-error"]
    assert (group["fixed"], group["left"], group["new"]) == (0, 1, 0)


def test_misuse_is_told(tmp_path: Path, bad: Path) -> None:
    assert ingp(tmp_path, "validate", str(bad), "--format", "pdf").returncode == 2
    assert ingp(tmp_path, "validate", str(bad), "--against", str(bad)).returncode == 2
    assert ingp(tmp_path, "report", "nothing").returncode == 3
