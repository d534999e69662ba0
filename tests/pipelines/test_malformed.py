"""Odd, broken and hostile files through intake and validation: a finding in plain words, never an exception."""

import io
import json
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.records import AcceptancePolicy, StagedPackage, ValidationReport, Verdict
from pipelines.reporting import Sentences, render_markdown
from pipelines.validation import validate_package
from pipelines.zones import Zones

HEADING = "contract_id,buyer_name,supplier_name,contract_value_amount,contract_value_currency"
ROWS = ("C-1,Ministry of Roads,Acme,10.50,USD", "C-2,Ministry of Roads,Bolt & Sons,20.00,USD")
SOUND = "\n".join((HEADING, *ROWS)) + "\n"
INJECTION = 'x\'; DROP TABLE ingp_findings; --"y"'


@dataclass(frozen=True)
class Outcome:
    staged: StagedPackage
    report: ValidationReport
    codes: set[str]

    @property
    def accepted(self) -> dict[str, int]:
        return {each.table: each.rows_accepted for each in self.report.counts if not each.derived}


Judge = Callable[..., Outcome]


@pytest.fixture
def judge(tmp_path: Path, catalogue: Catalogue) -> Judge:
    """Files through both rooms under `ROWS`; whatever is found must be sayable in every language."""

    def judged(*paths: Path, member: str = "XAA", instructions: Any = None) -> Outcome:
        staged = receive_submission(
            paths, MemberCode(member), Zones(tmp_path / 'it\'s "here"'), catalogue, instructions=instructions
        )
        folder = tmp_path / "report 'of' all"
        report = validate_package(staged, catalogue, folder, policy=AcceptancePolicy.ROWS, memory_limit="1GB")
        _is_sayable(report, catalogue)
        assert all((folder / path).exists() for path in report.typed.values())
        return Outcome(staged, report, {group.code for group in report.groups})

    return judged


def _is_sayable(report: ValidationReport, catalogue: Catalogue) -> None:
    for language in LANGUAGES:
        sentences = Sentences(catalogue, catalogue.package_type(report.package_type), language)
        for group in report.groups:
            for finding in group.examples:
                text = sentences.finding(finding, group.count)
                assert all(text), group.code
                assert not any("{" in sentence for sentence in text if "{" not in str(finding.parameters)), (
                    group.code
                )
        assert render_markdown(report, catalogue, language)


def _file(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _zip(folder: Path, name: str, **members: str | bytes) -> Path:
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    return path


def _workbook(folder: Path, name: str, **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(folder / name)
    return folder / name


def _release(ocid: str, amount: str = "1") -> str:
    """A release as text: `amount` may be more than a number of Python can be."""
    award = f'{{"id": "A", "value": {{"amount": {amount}, "currency": "USD"}}}}'
    head = {
        "ocid": ocid,
        "id": "1",
        "date": "2026-01-01T00:00:00Z",
        "tag": ["award"],
        "initiationType": "tender",
    }
    return json.dumps({**head, "buyer": {"id": "B", "name": "Ministry"}})[:-1] + f', "awards": [{award}]}}'


REFUSED: dict[str, tuple[str, str | bytes, str]] = {
    "an empty file": ("contracts_flat.csv", b"", "empty-file"),
    "an empty JSON file": ("releases.json", b"", "empty-file"),
    "blanks only": ("contracts_flat.csv", b" \r\n\t\n\n", "empty-file"),
    "an object without anything": ("releases.json", b"{}", "not-a-table"),
    "a list without anything": ("releases.json", b"[]", "no-heading"),
    "JSON cut off": ("releases.json", b'{"releases": [{"ocid": "a', "invalid-json"),
    "JSON too deep": ("releases.json", b"[" * 100_000 + b"]" * 100_000, "invalid-json"),
    "a web page": (
        "contracts_flat.csv",
        b"<!DOCTYPE html><html><body>Sign in, please</body></html>",
        "not-a-table",
    ),
    "a picture": ("contracts_flat.csv", b"\x89PNG\r\n\x1a\n" + bytes(100), "not-a-table"),
    "columns that nobody knows": ("data.csv", b"foo,bar,baz\n1,2,3\n", "table-unknown"),
    "no heading at all": ("contracts_flat.csv", "\n".join(ROWS).encode(), "column-missing"),
    "a column twice": (
        "contracts_flat.csv",
        f"{HEADING},supplier_name\n{ROWS[0]},Other\n".encode(),
        "column-twice",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read_is_refused(tmp_path: Path, judge: Judge, case: str) -> None:
    name, content, code = REFUSED[case]
    outcome = judge(_file(tmp_path, name, content))
    assert code in outcome.codes
    assert outcome.report.verdict is Verdict.REJECTED
    assert outcome.report.typed == {}


def _more(*rows: str) -> bytes:
    return (SOUND + "\n".join(rows) + "\n").encode()


QUOTED = '"' + INJECTION.replace('"', '""') + '"'
WIDE = HEADING + "".join(f",extra {n}" for n in range(995)) + "\n" + ROWS[0] + ",x" * 995 + "\n"

READ: dict[str, tuple[bytes, str | None, int]] = {
    "UTF-16": (SOUND.encode("utf-16"), None, 2),
    "UTF-8 with a mark": (SOUND.encode("utf-8-sig"), None, 2),
    "Latin-1": (SOUND.replace("Acme", "Peñón").encode("latin-1"), "encoding-not-utf8", 2),
    "a heading and nothing below": (HEADING.encode() + b"\n", "no-rows", 0),
    "two headings": (f"{HEADING}\n{SOUND}".encode(), "type-error", 2),
    "NUL bytes": (SOUND.replace("Acme", "Ac\0me").encode(), "control-characters", 2),
    "broken UTF-8": (
        SOUND.replace("Roads", "Años").encode().replace(b"Acme", b"Ac\xc3me"),
        "invalid-bytes",
        1,
    ),
    "a row of 10,000 cells": (_more(",".join(["9"] * 10_000)), "extra-cell", 2),
    "a row too short": (_more("C-3,Ministry"), "missing-cell", 2),
    "a quote that never ends": (_more('"C-3,Ministry,Acme,1,USD'), "unclosed-quote", 2),
    "a formula": (_more("C-3,Ministry,=cmd|' /C calc'!A0,1,USD"), "formula-like-text", 2),
    "a call": (_more('C-3,Ministry,"=HYPERLINK(""http://x"")",1,USD'), "formula-like-text", 2),
    "injection in a value": (_more(f"C-3,Ministry,{QUOTED},1,USD"), None, 3),
    "injection in a code": (_more("C-3,Ministry,Acme,1,U'S"), "constraint-enum", 2),
    "injection in headings": (f"{HEADING},{QUOTED}\n{ROWS[0]},1\n".encode(), "column-unknown", 1),
    "1,000 columns": (WIDE.encode(), "column-unknown", 1),
    "an amount of 600 digits": (_more(f"C-3,Ministry,Acme,{'9' * 600},USD"), "number-too-large", 2),
    "not a number": (_more("C-3,Ministry,Acme,NaN,USD", "C-4,Ministry,Acme,Infinity,USD"), "type-error", 3),
    "Python's spellings": (
        _more("C-3,Ministry,Acme,-inf,USD", "C-4,Ministry,Acme,snan,USD"),
        "type-error",
        2,
    ),
    "digits of another script": (_more("C-3,Ministry,Acme,٣٤,USD"), "type-error", 2),
}


@pytest.mark.parametrize("case", READ)
def test_what_can_be_read_is_read(tmp_path: Path, judge: Judge, case: str) -> None:
    content, code, accepted = READ[case]
    outcome = judge(_file(tmp_path, "contracts_flat.csv", content))
    assert code is None or code in outcome.codes
    assert outcome.accepted == {"contracts_flat": accepted}


@pytest.mark.parametrize(
    "amount", ["1e999999999", "9" * 20_000_000], ids=["a power of ten", "digits written out"]
)
@pytest.mark.parametrize("form", ["csv", "json"])
def test_numbers_of_countless_digits_cost_nothing(
    tmp_path: Path, judge: Judge, form: str, amount: str
) -> None:
    content = (
        f"{HEADING}\n{ROWS[0]}\nC-2,Ministry,Acme,{amount},USD\n"
        if form == "csv"
        else _release("ocds-213czf-1", amount)
    )
    path = _file(tmp_path, f"contracts_flat.{form}", content)
    started = time.process_time()
    outcome = judge(path)
    assert time.process_time() - started < 5
    assert outcome.codes & {
        "number-too-large",
        "value-too-long",
        "type-error",
        "invalid-json",
        "unreadable-file",
    }


def test_archives_that_are_cut_off_or_swell(tmp_path: Path, judge: Judge) -> None:
    sound = _zip(tmp_path, "sound.zip", **{"contracts_flat.csv": SOUND * 50}).read_bytes()
    assert judge(_file(tmp_path, "cut.zip", sound[: len(sound) // 2])).codes & {
        "truncated-archive",
        "unreadable-file",
    }
    bomb = _zip(tmp_path, "bomb.zip", **{"contracts_flat.csv": SOUND.encode() + b"C" * 2**26})
    outcome = judge(bomb)
    assert "archive-too-large" in outcome.codes
    assert outcome.report.verdict is Verdict.REJECTED


@pytest.mark.parametrize(
    "name",
    [
        "../contracts_flat.csv",
        "/etc/contracts_flat.csv",
        "a/../../contracts_flat.csv",
        "C:\\x\\contracts_flat.csv",
    ],
)
def test_paths_out_of_the_archive_lead_nowhere(tmp_path: Path, judge: Judge, name: str) -> None:
    before = set(tmp_path.parent.iterdir())
    outcome = judge(_zip(tmp_path, "pack.zip", **{name: SOUND}))
    assert "unsafe-path" in outcome.codes
    assert outcome.report.verdict is Verdict.REJECTED
    assert set(tmp_path.parent.iterdir()) == before


def test_data_of_another_member_is_refused(tmp_path: Path, judge: Judge) -> None:
    outcome = judge(_file(tmp_path, "releases.json", _release("ocds-xcc000-1")), member="XBB")
    assert "wrong-member" in outcome.codes
    package = _zip(
        tmp_path, "pack.zip",
        **{"datapackage.json": _descriptor("contracts_flat.csv", memberCode="XCC"), "contracts_flat.csv": SOUND},
    )  # fmt: skip
    outcome = judge(package, member="XBB")
    assert "wrong-member" in outcome.codes
    assert outcome.report.verdict is Verdict.REJECTED


def _descriptor(path: Any, **more: Any) -> str:
    resource = {"name": "contracts_flat", "path": path, **more.pop("resource", {})}
    return json.dumps({"name": "pack", "resources": [resource], **more})


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("missing.csv", "resource-missing"),
        ("https://data.example/contracts.csv", "resource-remote"),
        ("/etc/passwd", "unsafe-path"),
        ("../contracts_flat.csv", "unsafe-path"),
        ('x\'; DROP TABLE "y".csv', "resource-missing"),
        ([["nested"]], "resource-missing"),
    ],
)
def test_descriptors_that_point_elsewhere(tmp_path: Path, judge: Judge, path: Any, code: str) -> None:
    package = _zip(
        tmp_path, "pack.zip", **{"datapackage.json": _descriptor(path), "contracts_flat.csv": SOUND}
    )
    outcome = judge(package)
    assert code in outcome.codes
    assert outcome.report.verdict is Verdict.REJECTED


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "null", "{", '{"resources": 5}', '{"resources": {"a": 1}}', '{"resources": [7, null]}', "[" * 5000,
        _descriptor("contracts_flat.csv", packageType=["x"]),
        _descriptor("contracts_flat.csv", packageType="nothing"),
        _descriptor("contracts_flat.csv", resource={"dialect": {"headerRows": ["x"], "delimiter": 5, "csv": 3}, "encoding": "klingon"}),
        _descriptor("contracts_flat.csv", resource={"dialect": {"headerRows": [10**30]}, "schema": {"fields": [1, {"type": []}]}}),
        _descriptor(None), _descriptor(5), _descriptor(["contracts_flat.csv", 5]),
    ],
)  # fmt: skip
def test_descriptors_of_any_form(tmp_path: Path, judge: Judge, text: str) -> None:
    outcome = judge(_zip(tmp_path, "pack.zip", **{"datapackage.json": text, "contracts_flat.csv": SOUND}))
    errors = [group.code for group in outcome.report.groups if group.severity == "error"]
    assert (
        outcome.accepted == {"contracts_flat": 2}
        if not errors
        else outcome.report.verdict is Verdict.REJECTED
    )


def test_the_same_file_twice_counts_once(tmp_path: Path, judge: Judge) -> None:
    paths = [_file(tmp_path / folder, "contracts_flat.csv", SOUND) for folder in ("one", "two")]
    outcome = judge(*[path.parent for path in paths])
    assert "duplicate-row" in outcome.codes
    assert outcome.accepted == {"contracts_flat": 2}
    assert sum(each.rows_in for each in outcome.report.sources) == 4
    again = judge(*[path.parent for path in paths])
    assert again.staged.already_received


NAMES = (
    "a'; DROP TABLE x; --.csv",
    'say "contracts".csv',
    "with spaces .csv",
    "line\nbreak.csv",
    "числа 合同 é.csv",
    "a#b#c.csv",
    "[x]*.csv",
    "%s{0}$(id).csv",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_files(tmp_path: Path, judge: Judge, name: str) -> None:
    """The finding of a bad cell leads to the file as it is called, and to no sheet that it does not have."""
    content = SOUND + "C-3,Ministry,Acme,ten,USD\n"
    outcome = judge(_file(tmp_path, name, content), instructions={"tables": [{"table": "contracts_flat"}]})
    assert outcome.accepted == {"contracts_flat": 2}
    (found,) = (group.examples[0] for group in outcome.report.groups if group.code == "type-error")
    assert (found.sheet, found.row_number, found.column) == (None, 4, "D")
    assert found.source_file == outcome.staged.understood["files"][0]["file"]
    assert [each.rows_refused for each in outcome.report.sources] == [1]


def test_a_name_of_300_letters(tmp_path: Path, judge: Judge) -> None:
    outcome = judge(
        _zip(
            tmp_path,
            "pack.zip",
            **{f"contracts_flat{'x' * 300}.csv": SOUND, "awards.csv": "ocid,award_id\n1,1\n"},
        )
    )
    assert outcome.report.verdict is Verdict.REJECTED or sum(outcome.accepted.values()) >= 1


def test_a_workbook_with_notes_and_an_empty_sheet(tmp_path: Path, judge: Judge) -> None:
    rows = [HEADING.split(","), *[[*row.split(",")[:3], float(row.split(",")[3]), "USD"] for row in ROWS]]
    path = _workbook(
        tmp_path, "book.xlsx", contracts_flat=rows, Leer=[], Notes=[["Please call us."], ["Thank you"]]
    )
    outcome = judge(path)
    assert outcome.accepted == {"contracts_flat": 2}
    ignored = next(group for group in outcome.report.groups if group.code == "file-ignored")
    assert "Notes" in {example.sheet for example in ignored.examples}


def test_a_second_table_that_nobody_knows_is_never_dropped(tmp_path: Path, judge: Judge) -> None:
    rows = [HEADING.split(","), ["C-1", "Ministry", "Acme", 10, "USD"]]
    path = _workbook(
        tmp_path, "book.xlsx", contracts_flat=rows, Other=[["foo", "bar"], ["1", "2"], ["3", "4"]]
    )
    outcome = judge(path)
    assert "table-unknown" in outcome.codes
    assert outcome.report.verdict is Verdict.REJECTED
    assert {each.source: each.rows_refused for each in outcome.report.sources} == {
        "book.xlsx#contracts_flat": 1,
        "book.xlsx#Other": 2,
    }


@pytest.mark.parametrize("title", ["it's", "a;DROP TABLE x--", 'say "hi"', "a#b"])
def test_names_of_sheets(tmp_path: Path, judge: Judge, title: str) -> None:
    rows = [
        HEADING.split(","),
        ["C-1", "Ministry", "Acme", "ten", "USD"],
        ["C-2", "Ministry", "Acme", 10, "USD"],
    ]
    outcome = judge(
        _workbook(tmp_path, "b#k.xlsx", **{title: rows}),
        instructions={"tables": [{"table": "contracts_flat"}]},
    )
    (found,) = (group.examples[0] for group in outcome.report.groups if group.code == "type-error")
    assert (found.source_file, found.sheet, found.cell) == ("b#k.xlsx", title, "D2")
    assert outcome.accepted == {"contracts_flat": 1}


def test_formulas_without_values_are_no_data(tmp_path: Path, judge: Judge) -> None:
    rows = [
        HEADING.split(","),
        ["C-1", "Ministry", "Acme", "=1+1", "USD"],
        ["C-2", "Ministry", "Acme", 10, "USD"],
    ]
    outcome = judge(_workbook(tmp_path, "book.xlsx", contracts_flat=rows))
    assert "formula-in-cell" in outcome.codes
    assert outcome.accepted == {"contracts_flat": 1}


def test_macros_are_not_run_and_told(tmp_path: Path, judge: Judge) -> None:
    plain = _workbook(
        tmp_path, "book.xlsx", contracts_flat=[HEADING.split(","), ["C-1", "Ministry", "Acme", 10, "USD"]]
    )
    target = io.BytesIO()
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(target, "w") as copy:
        for item in source.namelist():
            copy.writestr(item, source.read(item))
        copy.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0" + bytes(512))
    outcome = judge(_file(tmp_path, "book.xlsm", target.getvalue()))
    assert any("macro" in code for code in outcome.codes)


def test_a_mapping_file_that_cannot_be_followed_refuses_all(tmp_path: Path, judge: Judge) -> None:
    told = {"tables": [{"table": "contracts_flat", "time_zone": "Foo/Bar"}]}
    outcome = judge(_file(tmp_path, "contracts_flat.csv", SOUND), instructions=told)
    assert "mapping-invalid" in outcome.codes
    assert outcome.report.verdict is Verdict.REJECTED


def test_mapping_files_are_text_to_the_database(tmp_path: Path, judge: Judge) -> None:
    """Names, constants, codes, marks and joiners of a mapping file end as values, whatever they hold."""
    told = {
        "join": INJECTION,
        "missing": [INJECTION],
        "tables": [
            {
                "table": "contracts_flat",
                "columns": {
                    "contract_id": ["contract_id", "buyer_name"], "contract_title": {"value": INJECTION}, "tender_title": INJECTION,
                    INJECTION: "buyer_name",
                },
                "codes": {"contract_value_currency": {"USD": "EUR", INJECTION: INJECTION}, INJECTION: {"a": "b"}},
            }
        ],
    }  # fmt: skip
    outcome = judge(_file(tmp_path, "contracts_flat.csv", SOUND), instructions=told)
    assert {"column-missing", "column-unknown"} <= outcome.codes
    assert outcome.accepted == {"contracts_flat": 0}


def test_flat_and_linked_tables_together_are_kept_as_sent(tmp_path: Path, judge: Judge) -> None:
    files = {
        "contracts_flat.csv": SOUND,
        "processes.csv": "ocid,buyer_name\nP-1,Ministry\n",
        "contracts.csv": "ocid,contract_id,award_id\nP-1,C-9,A-9\n",
    }
    outcome = judge(_zip(tmp_path, "pack.zip", **files))
    assert outcome.accepted == {"contracts_flat": 2, "processes": 1, "contracts": 1}
    assert not any(each.derived for each in outcome.report.counts)


RECEIVE = """
import sys
from pathlib import Path
from pipelines.catalogue import load_catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.zones import Zones
root, file, zones = map(Path, sys.argv[1:])
catalogue = load_catalogue(root / "schemas", root / "datapackages")
sys.stdin.readline()
staged = receive_submission([file], MemberCode("XAA"), Zones(zones), catalogue)
print(staged.folder, sum(table.rows for table in staged.tables))
"""


def test_two_processes_receive_the_same_file(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    file = _file(tmp_path, "contracts_flat.csv", SOUND)
    command = [sys.executable, "-c", RECEIVE, str(root), str(file), str(tmp_path / "zones")]
    running = [
        subprocess.Popen(
            command,
            cwd=root,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    answers = [process.communicate(timeout=120) for process in running]
    assert [process.returncode for process in running] == [0, 0], answers
    assert answers[0][0] == answers[1][0]
    assert answers[0][0].split()[-1] == "2"
    assert len(list((tmp_path / "zones" / "staged").iterdir())) == 1
    assert list((tmp_path / "zones" / "tmp").iterdir()) == []
