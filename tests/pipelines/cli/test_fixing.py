"""``ingp return`` and ``ingp fix`` as people and scripts use them."""

import json
from functools import partial
from pathlib import Path

import pytest

from tests import command

HEADING = "contract_id,buyer_name,supplier_name,contract_date_signed\n"


ingp = partial(command.ingp, columns=140)


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    path = tmp_path / "dirty.csv"
    path.write_text(HEADING + "C1, Obras ,Uno,31/12/2024\nC2,Obras,Dos,someday\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("language", "word"), [("es", "corregir"), ("en", "mended"), ("pt", "corrigidas"), ("fr", "corrigées")]
)
def test_fix_shows_and_writes_nothing(tmp_path: Path, dirty: Path, language: str, word: str) -> None:
    before = dirty.read_bytes()
    done = ingp(tmp_path, "fix", str(dirty), language=language)
    assert done.returncode == 0, done.stderr
    assert word in done.stdout and '"31/12/2024" → "2024-12-31"' in done.stdout and "D2" in done.stdout
    assert dirty.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["dirty.csv"]


def test_fix_applies_to_a_new_file_only(tmp_path: Path, dirty: Path) -> None:
    for words in (("--apply",), ("--apply", "-o", "dirty.csv"), ("--only", "split,trim"), ("--only", "all")):
        done = ingp(tmp_path, "fix", "dirty.csv", *words)
        assert done.returncode == 2 and "Not understood" in done.stderr, words
    done = ingp(tmp_path, "fix", "dirty.csv", "--apply", "-o", "new/mended.csv", "--only", "dates")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new" / "mended.csv").read_text(encoding="utf-8") == (
        HEADING + "C1, Obras ,Uno,2024-12-31\nC2,Obras,Dos,someday\n"
    )
    assert "31/12/2024" in dirty.read_text(encoding="utf-8")


def test_fix_for_scripts_and_as_a_table(tmp_path: Path, dirty: Path) -> None:
    done = ingp(tmp_path, "fix", str(dirty), "--json")
    (answer,) = json.loads(done.stdout)
    assert answer["fixes"] == 2 and {each["kind"] for each in answer["groups"]} == {"trim", "dates"}
    done = ingp(tmp_path, "fix", str(dirty), "-o", "diff.csv")
    assert done.returncode == 0 and (tmp_path / "diff.csv").read_text(encoding="utf-8-sig").count("\n") == 3


def test_fix_says_what_it_cannot_mend(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[]", encoding="utf-8")
    done = ingp(tmp_path, "fix", "a.json", language="fr")
    assert done.returncode == 1 and "a.json" in done.stdout


def test_fix_splits_when_told(tmp_path: Path, dirty: Path) -> None:
    done = ingp(tmp_path, "fix", "dirty.csv", "--only", "split", "--apply", "-o", "tables")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "tables" / "contracts.csv").exists()


def test_return_writes_the_marked_files(tmp_path: Path, dirty: Path) -> None:
    done = ingp(tmp_path, "return", "dirty.csv", "-o", "back", language="es")
    assert done.returncode == 0, done.stderr
    assert sorted(each.name for each in (tmp_path / "back").iterdir()) == ["dirty.csv", "dirty.xlsx"]
    assert "INGP: " in (tmp_path / "back" / "dirty.csv").read_text(encoding="utf-8")


def test_return_of_a_submission(tmp_path: Path, dirty: Path) -> None:
    sent = ingp(tmp_path, "submit", "dirty.csv", "--member", "PER", "--json")
    submission = json.loads(sent.stdout)["submission_id"]
    done = ingp(tmp_path, "return", submission[:-3], "-o", "back", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["written"]) == 2
    assert ingp(tmp_path, "return", "nothing", "-o", "back").returncode == 3
