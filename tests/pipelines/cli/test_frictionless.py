"""``ingp frictionless``: Frictionless's report of any table, in the reader's language, stopped when told."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from frictionless import Resource, Schema

from tests import command
from tests.command import ROOT


def ingp(folder: Path, *words: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    return command.ingp(folder, "frictionless", *words, language=language)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "table.csv").write_text("id,amount\n1,10\n2,diez\n3,30\n", encoding="utf-8")
    fields = [{"name": "id", "type": "integer"}, {"name": "amount", "type": "integer"}]
    (tmp_path / "schema.json").write_text(json.dumps({"fields": fields, "primaryKey": ["id"]}))
    resource = {"name": "table", "path": "table.csv", "schema": "schema.json"}
    (tmp_path / "datapackage.json").write_text(json.dumps({"name": "p", "resources": [resource]}))
    return tmp_path


def test_json_is_the_report_of_frictionless(folder: Path) -> None:
    done = ingp(folder, "table.csv", "--schema", str(folder / "schema.json"), "--json")
    assert done.returncode == 1, done.stderr
    ours = json.loads(done.stdout)
    schema = Schema.from_descriptor(json.loads((folder / "schema.json").read_text()))
    theirs = Resource(path="table.csv", basepath=str(folder), schema=schema).validate().to_descriptor()
    for report in (ours, theirs):
        report["stats"].pop("seconds")
        report["tasks"][0]["stats"].pop("seconds")
    assert ours == theirs


@pytest.mark.parametrize(
    ("language", "words"),
    [("es", "3 de 3 filas"), ("en", "checked 3 of 3 rows"), ("pt", "3 de 3 linhas"), ("fr", "3 lignes vérifiées sur 3")],
)  # fmt: skip
def test_a_package_in_the_language_of_the_reader(folder: Path, language: str, words: str) -> None:
    done = ingp(folder, "datapackage.json", language=language)
    assert (done.returncode, words in done.stdout, "diez" in done.stdout) == (1, True, True), done.stdout


def test_a_valid_table_and_a_limit(folder: Path) -> None:
    (folder / "good.csv").write_text("id\n1\n2\n", encoding="utf-8")
    assert ingp(folder, "good.csv").returncode == 0
    (folder / "bad.csv").write_text("id\n" + "x\n" * 5, encoding="utf-8")
    (folder / "one.json").write_text(json.dumps({"fields": [{"name": "id", "type": "integer"}]}))
    done = ingp(folder, "bad.csv", "--schema", "one.json", "--limit-errors", "2", "--json")
    assert json.loads(done.stdout)["stats"]["errors"] == 2


def test_what_is_no_file_and_no_schema_is_misuse(folder: Path) -> None:
    assert ingp(folder, "nowhere.csv").returncode == 2
    (folder / "broken.json").write_text('{"fields": 1}')
    done = ingp(folder, "table.csv", "--schema", "broken.json")
    assert done.returncode == 2, done.stdout
    assert "broken.json" in done.stderr


PRESS = """
import os, signal, sys, threading, time
# A job in the background of a shell ignores Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
def press():
    while signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=press, daemon=True).start()
from pipelines.cli.main import main
main()
"""
"""Ctrl-C as soon as the command listens for it."""


def test_control_c_says_how_far_it_came(folder: Path) -> None:
    # Fields of lists are read one by one, slowly enough to be stopped.
    rows = "".join(f"{number},[{number}]\n" for number in range(300_000))
    (folder / "long.csv").write_text("id,numbers\n" + rows, encoding="utf-8")
    fields = [{"name": "id", "type": "integer"}, {"name": "numbers", "type": "array"}]
    (folder / "long.json").write_text(json.dumps({"fields": fields}))
    environment = {**os.environ, "INGP_LANGUAGE": "en", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PRESS, "frictionless", "long.csv", "--schema", "long.json"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    assert "Stopped before the end" in done.stderr
    assert "checked " in done.stdout
