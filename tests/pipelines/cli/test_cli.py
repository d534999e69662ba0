"""The command as people and scripts use it: a process of its own, its output and its exit code."""

import json
import re
from pathlib import Path

import pytest

from tests.command import ingp

HEADING = "contract_id,buyer_name,supplier_name,contract_date_signed\n"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.csv"
    path.write_text(HEADING + "C1,Obras,Uno,2024-05-01\n", encoding="utf-8")
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.csv"
    path.write_text(HEADING + "C1,Obras,Uno,someday\nC2,Obras,Dos,2024-05-01\n", encoding="utf-8")
    return path


def test_validate_needs_no_set_up(tmp_path: Path, good: Path) -> None:
    done = ingp(tmp_path, "validate", str(good))
    assert done.returncode == 0, done.stderr
    assert "1 rows read, 1 accepted, 0 refused" in done.stdout
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("language", "word"), [("es", "Corrija"), ("en", "correct"), ("pt", "orrija"), ("fr", "orrige")]
)
def test_a_refusal_speaks_the_language_and_exits_with_1(
    tmp_path: Path, bad: Path, language: str, word: str
) -> None:
    done = ingp(tmp_path, "validate", str(bad), language=language)
    place = re.search(r" 2, col\w+ D ", done.stdout)
    assert (done.returncode, word in done.stdout, bool(place)) == (1, True, True), done.stdout


def test_json_for_scripts(tmp_path: Path, bad: Path) -> None:
    data = json.loads(ingp(tmp_path, "validate", str(bad), "--json", "--rows").stdout)
    assert data["verdict"] == "accepted_with_warnings"
    assert data["sources"] == [{"source": "bad.csv", "rows_in": 2, "rows_accepted": 1, "rows_refused": 1}]


def test_from_submission_to_release_and_back(tmp_path: Path, good: Path) -> None:
    submitted = ingp(tmp_path, "submit", str(good), "--member", "PRY", "--publish", "--json")
    assert submitted.returncode == 0, submitted.stderr
    data = json.loads(submitted.stdout)
    assert (data["state"], data["version"], data["release_id"] is not None) == ("accepted", 1, True)
    status = json.loads(ingp(tmp_path, "status", "--json").stdout)
    assert [entry["state"] for entry in status["submissions"]] == ["published"]
    assert "v0001" in ingp(tmp_path, "versions", "--member", "PRY").stdout
    assert ingp(tmp_path, "unpublish", "procurement_contracts").returncode == 2
    assert ingp(tmp_path, "unpublish", "nothing", "--reason", "x").returncode == 3
    taken = ingp(
        tmp_path,
        "unpublish",
        "procurement_contracts",
        "--reason",
        "a name in it",
        "--reason-es",
        "un nombre",
        "--json",
    )
    entry = json.loads(taken.stdout)
    assert entry["reasons"] == {
        "es": "un nombre",
        "en": "a name in it",
        "pt": "a name in it",
        "fr": "a name in it",
    }
    assert ingp(tmp_path, "unpublish", "procurement_contracts", "--restore").returncode == 0
    assert ingp(tmp_path, "unpublish", "procurement_contracts", "--restore").returncode == 1
    withdrawn = ingp(tmp_path, "withdraw", "--member", "PRY", "--reason", "sent by mistake")
    assert withdrawn.returncode == 0, withdrawn.stderr
    assert "sent by mistake" in ingp(tmp_path, "versions", "--member", "PRY").stdout
    assert ingp(tmp_path, "doctor").returncode == 0


def test_usage_and_machine_troubles_have_their_own_codes(tmp_path: Path, good: Path) -> None:
    assert ingp(tmp_path, "submit", str(good), "--member", "ZZZ").returncode == 2
    assert ingp(tmp_path, "validate", "nowhere.csv").returncode == 2
    assert ingp(tmp_path, "submit", str(good), "--member", "PRY", "--period", "soon").returncode == 2
    assert ingp(tmp_path, "confirm", "nothing").returncode == 3
    assert ingp(tmp_path, "serve").returncode == 1


def test_template_is_written(tmp_path: Path) -> None:
    assert (
        ingp(tmp_path, "template", "--member", "PRY", "-o", "plantilla.xlsx", language="es").returncode == 0
    )
    assert (tmp_path / "plantilla.xlsx").stat().st_size > 10_000
