"""Every finding code has the smallest package that gives it, and what is said to be valid gives nothing.

A folder of ``schemas/<type>/1.0/examples/`` holds the files as a member would send them, and ``expected.json``:
member, package_type, policy, ``codes`` (finding code -> count), and where needed mapping, limits, ``twice``
(sent two times), ``unavoidable`` (codes that cannot be had without) and ``build``: what cannot be committed as
such (archives, workbooks, damaged bytes) is made from the files by the recipe of that name.
"""

import csv
import io
import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import Limits, receive_submission
from pipelines.records import AcceptancePolicy, Severity, ValidationReport, Verdict
from pipelines.reporting.reference import (
    REFERENCE,
    WITHOUT_EXAMPLE,
    example_folder,
    render_findings_reference,
)
from pipelines.validation import validate_package
from pipelines.zones import Zones

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
VALID = sorted(path.parent for path in SCHEMAS.glob("*/*/examples/valid/*/expected.json"))
INVALID = sorted(path.parent for path in SCHEMAS.glob("*/*/examples/invalid/*/expected.json"))


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file; always the same bytes, as `ZipInfo` is dated 1980 unless told otherwise."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def plain_zip(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"package.zip": zipped(files)}


def cut_zip(files: dict[str, bytes]) -> dict[str, bytes]:
    """An upload that broke off: the list of contents, at the end, is missing."""
    whole = zipped(files)
    return {"package.zip": whole[: len(whole) // 2]}


def zip_bomb(files: dict[str, bytes]) -> dict[str, bytes]:
    """20 MiB in 20 KiB: beyond what is harmless whatever the ratio, and beyond the ratio."""
    return {"package.zip": zipped({"contracts.csv": b"0" * (20 * 2**20)})}


def nested_zips(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"package.zip": zipped({"2025.zip": zipped({"march.zip": zipped(files)})})}


def zip_leading_out(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"package.zip": zipped({**files, "../outside.csv": next(iter(files.values()))})}


def encrypted_zip(files: dict[str, bytes]) -> dict[str, bytes]:
    """Bit 0 of the flags of a ZIP entry says that it is encrypted, before its content and in the list at the end."""
    data = bytearray(zipped(files))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    return {"package.zip": bytes(data)}


def _workbook(files: dict[str, bytes], formula: str | None = None) -> bytes:
    """The only table as a workbook; `formula`, if any, in the last cell of its last row."""
    workbook = Workbook()
    sheet = workbook.active
    (table,) = files.values()
    for row in csv.reader(io.StringIO(table.decode())):
        sheet.append(row)
    if formula:
        sheet.cell(sheet.max_row, sheet.max_column).value = formula
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def cut_workbook(files: dict[str, bytes]) -> dict[str, bytes]:
    whole = _workbook(files)
    return {"table.xlsx": whole[: len(whole) // 2]}


def formula_workbook(files: dict[str, bytes]) -> dict[str, bytes]:
    return {"table.xlsx": _workbook(files, '=CONCATENATE("desks", " and chairs")')}


def macro_workbook(files: dict[str, bytes]) -> dict[str, bytes]:
    """The part in which Excel keeps programs; what it holds does not matter."""
    buffer = io.BytesIO(_workbook(files))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"invented")
    return {"table.xlsx": buffer.getvalue()}


def windows_1252(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content.decode().encode("cp1252") for name, content in files.items()}


def broken_bytes(files: dict[str, bytes]) -> dict[str, bytes]:
    """One letter that is not UTF-8, in a file whose other letters with accents are."""
    return {name: content.replace("î".encode(), b"\xee", 1) for name, content in files.items()}


def endless_text(files: dict[str, bytes]) -> dict[str, bytes]:
    long = b"x" * (Limits().max_cell_characters + 1)
    return {name: content.replace(b"Two days of exercises", long) for name, content in files.items()}


def many_rows(files: dict[str, bytes]) -> dict[str, bytes]:
    """400 of every row that holds ``{n}``, with a number of its own in its place: what is told of whole tables only."""
    made = {}
    for name, content in files.items():
        rows: list[str] = []
        for row in content.decode().splitlines():
            rows += (
                [row.replace("{n}", str(len(rows) + each)) for each in range(400)] if "{n}" in row else [row]
            )
        made[name] = ("\n".join(rows) + "\n").encode()
    return made


RECIPES: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    "broken-bytes": broken_bytes,
    "cut-workbook": cut_workbook,
    "cut-zip": cut_zip,
    "encrypted-zip": encrypted_zip,
    "endless-text": endless_text,
    "formula-workbook": formula_workbook,
    "macro-workbook": macro_workbook,
    "many-rows": many_rows,
    "nested-zips": nested_zips,
    "windows-1252": windows_1252,
    "zip": plain_zip,
    "zip-bomb": zip_bomb,
    "zip-leading-out": zip_leading_out,
}


def expectation(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def example_id(folder: Path) -> str:
    return f"{folder.parents[3].name}-{folder.name}"


def judge(folder: Path, work: Path, catalogue: Catalogue) -> ValidationReport:
    """Send the files of an example as its ``expected.json`` says, and validate them."""
    expected = expectation(folder)
    sent = work / "sent"
    shutil.copytree(folder, sent, ignore=shutil.ignore_patterns("expected.json"))
    if "build" in expected:
        files = {path.name: path.read_bytes() for path in sorted(sent.iterdir())}
        shutil.rmtree(sent)
        sent.mkdir()
        for name, content in RECIPES[expected["build"]](files).items():
            (sent / name).write_bytes(content)
    zones = Zones(work / "var")
    for _ in range(2 if expected.get("twice") else 1):
        staged = receive_submission(
            [sent],
            MemberCode(expected["member"]),
            zones,
            catalogue,
            package_type=expected.get("package_type"),
            instructions=expected.get("mapping"),
            limits=Limits(**expected.get("limits", {})),
        )
    return validate_package(
        staged,
        catalogue,
        zones.report_folder(staged.submission.submission_id),
        policy=AcceptancePolicy(expected["policy"]),
        memory_limit="1GB",
        threads=1,
    )


def count_codes(report: ValidationReport) -> dict[str, int]:
    codes: Counter[str] = Counter()
    for group in report.groups:
        codes[group.code] += group.count
    return dict(codes)


@pytest.mark.parametrize("folder", INVALID, ids=example_id)
def test_invalid_example_gives_its_finding_and_no_other(
    folder: Path, tmp_path: Path, catalogue: Catalogue
) -> None:
    expected = expectation(folder)
    grave = {code for code in expected["codes"] if catalogue.severity(code) is not Severity.NOTICE}
    assert grave | {folder.name} == {folder.name, *expected.get("unavoidable", ())}

    report = judge(folder, tmp_path, catalogue)
    assert count_codes(report) == expected["codes"]
    refused = any(group.severity is Severity.ERROR for group in report.groups)
    assert (report.verdict is Verdict.REJECTED) == refused


@pytest.mark.parametrize("folder", VALID, ids=example_id)
def test_valid_example_gives_nothing(folder: Path, tmp_path: Path, catalogue: Catalogue) -> None:
    report = judge(folder, tmp_path, catalogue)
    assert report.verdict is Verdict.ACCEPTED
    assert count_codes(report) == expectation(folder)["codes"] == {}
    assert all(count.rows_accepted == count.rows_in for count in report.counts)
    assert all(source.rows_accepted == source.rows_in > 0 for source in report.sources)


def test_every_package_type_has_a_valid_example(catalogue: Catalogue) -> None:
    assert {folder.parents[3].name for folder in VALID} == set(catalogue.package_types)


def test_every_code_has_one_example_where_the_reference_says(catalogue: Catalogue) -> None:
    assert sorted(folder.name for folder in INVALID) == sorted(set(catalogue.findings) - set(WITHOUT_EXAMPLE))
    for folder in INVALID:
        assert example_folder(catalogue, folder.name) == folder


def test_no_field_has_a_pattern(catalogue: Catalogue) -> None:
    """Why ``constraint-pattern`` has no example; with the first pattern in the standard it needs one."""
    fields = [
        field for each in catalogue.package_types.values() for table in each.tables for field in table.fields
    ]
    patterns = [field.name for field in fields if "pattern" in field.descriptor.get("constraints", {})]
    assert bool(patterns) != ("constraint-pattern" in WITHOUT_EXAMPLE)


def test_recipes_are_all_used() -> None:
    assert {expectation(folder).get("build") for folder in INVALID} - {None} == set(RECIPES)


def test_every_code_is_explained_in_every_language(catalogue: Catalogue) -> None:
    for language in LANGUAGES:
        for code in catalogue.findings:
            assert all(catalogue.texts.finding(language, code)), (language, code)


def test_findings_reference_is_current(catalogue: Catalogue) -> None:
    assert REFERENCE.read_text(encoding="utf-8") == render_findings_reference(catalogue)
