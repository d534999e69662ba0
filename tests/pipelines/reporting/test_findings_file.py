"""All findings as CSV."""

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.reporting.findings_file import findings_lines, guarded


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    path = tmp_path / "=a.csv"
    path.write_text(
        "contract_id,buyer_name,supplier_name,contract_date_signed,award_value_amount,award_value_currency\n"
        'C1,Obras,Uno,"=HYPERLINK(""x"")",1,USD\nC2,Obras,Dos,2024-05-01,-5000,USD\nC3,Obras,"a\nb",+x,1,USD\n',
        encoding="utf-8",
    )
    return path


def rows(folder: Path, catalogue: Catalogue, language: str, excel: bool = False) -> list[dict[str, str]]:
    text = b"".join(
        findings_lines(folder / "findings.parquet", catalogue, "procurement", language, excel=excel)
    ).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_every_finding_is_a_line(messy: Path, judge, catalogue: Catalogue) -> None:
    folder = judge(messy)
    lines = rows(folder, catalogue, "en")
    assert len(lines) == pq.read_metadata(folder / "findings.parquet").num_rows
    found = {(line["Code"], line["Row"], line["Cell"]): line for line in lines}
    line = found["type-error", "2", "D2"]
    assert list(line.values()) == [
        "error",
        "type-error",
        "'=a.csv",
        "",
        "2",
        "D2",
        "Contracts in one table",
        "Contract date signed",
        '\'=HYPERLINK("x")',
        "",
        'The column Contract date signed expects this kind of content: date; the cell says “=HYPERLINK("x")”.',
        line["What to do"],
    ]
    assert line["What to do"].startswith("Write it like this: 2026-08-20.")
    assert found["amount-negative", "3", "E3"]["Value"] == "-5000"
    assert found["type-error", "4", "D4"]["Value"] == "'+x"


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_speaks_the_language(messy: Path, judge, catalogue: Catalogue, language: str) -> None:
    lines = rows(judge(messy), catalogue, language, excel=True)
    word = {"es": "advertencia", "en": "warning", "pt": "alerta", "fr": "avertissement"}[language]
    assert word in {next(iter(line.values())) for line in lines}


def test_only_excel_gets_the_mark(messy: Path, judge, catalogue: Catalogue) -> None:
    findings = judge(messy) / "findings.parquet"
    plain = b"".join(findings_lines(findings, catalogue, "procurement", "es"))
    excel = b"".join(findings_lines(findings, catalogue, "procurement", "es", excel=True))
    assert excel == b"\xef\xbb\xbf" + plain
    assert plain.startswith("Gravedad,Código,".encode())
    assert plain.count(b"\r\n") == len(rows(findings.parent, catalogue, "es")) + 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("\tx", "'\tx"),
        ("-1234.50", "-1234.50"),
        ("+5", "+5"),
        ("-1.234,50", "-1.234,50"),
        ("-1+cmd", "'-1+cmd"),
        ("plain = text", "plain = text"),
        ("", ""),
    ],
)
def test_guarded(text: str, shown: str) -> None:
    assert guarded(text) == shown


def test_equal_sentences_are_made_once_and_unequal_ones_are_not_mixed_up(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    """Two findings that differ in the value only, and in the sheet only."""
    base = {
        "code": "type-error",
        "severity": "error",
        "table_name": "contracts_flat",
        "field": "contract_date_signed",
        "source_file": "a.xlsx",
        "sheet": "Hoja 1",
        "row_number": 2,
        "column_letter": "D",
        "value": "x",
        "parameters": json.dumps({"type": "date", "example": "2026-08-20"}),
        "row_key": "C1",
    }
    path = tmp_path / "findings.parquet"
    pq.write_table(
        pa.Table.from_pylist([base, {**base, "value": "y"}, {**base, "sheet": "B", "row_number": 3}]), path
    )
    text = b"".join(findings_lines(path, catalogue, "procurement", "en")).decode()
    lines = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [line["What happened"].rsplit(" ", 1)[1] for line in lines] == ["“x”.", "“y”.", "“x”."]
    assert [line["Cell"] for line in lines] == ["'Hoja 1'!D2", "'Hoja 1'!D2", "B!D3"]
