"""Streams: announced rows are sent rows, bytes are those of the file, spreadsheets are not led to run text."""

import csv
import io
import json
from decimal import Decimal

import pytest

from pipelines.exceptions import PublicationError, UnknownError
from pipelines.publication.formats import stream
from pipelines.publication.formats.lines import Profile
from pipelines.publication.formats.stream import count_rows, file_name, stream_rows

TABLE = "procurement_contracts_flat"
ODD = """SELECT * FROM (VALUES
  ('AAA', 2024, '1', '007', 'Año "nuevo", S.A.', 'dos
líneas', -1234.5, TRUE, TIMESTAMPTZ '2024-12-31 00:00:00Z'),
  ('AAA', 2024, '2', '=1+1', '-5,3', '+cmd', 99.999999999999999999, FALSE, NULL),
  ('AAA', 2025, '3', '12345678901234567', '-x', '@SUM(A1)', NULL, NULL, TIMESTAMPTZ '2025-01-02 03:04:05Z'),
  ('BBB', 2024, '4', 'C-4', 'a;b', NULL, 0, NULL, NULL)
) AS t(member_code, year, ocid, contract_id, buyer_name, tender_title, contract_value_amount, supplier_women_owned, contract_date_signed)"""
AMOUNT = "contract_value_amount"


def parsed(data: bytes, separator: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=separator))


def test_a_stream_without_filters_is_the_file_of_the_release(make, many) -> None:
    folder = make(many)
    data = b"".join(stream_rows(folder, TABLE))
    assert data == (folder / "csv" / f"{TABLE}.csv").read_bytes()
    assert not data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 6_001 == count_rows(folder, TABLE) + 1


@pytest.mark.parametrize("filters", [{"member_code": "CAA"}, {"member_code": "CAA", "year": 2020}, {"year": "2020"},
                                     {"member_code": ["CAA", "DAA"], "contract_value_currency": "HNL"}, {"buyer_id": None}])  # fmt: skip
@pytest.mark.parametrize("profile", ["csv", "excel", "jsonl"])
def test_announced_rows_are_sent_rows(make, many, filters, profile) -> None:
    folder = make(many)
    blocks = list(stream_rows(folder, TABLE, filters, profile, "es"))
    lines = b"".join(blocks).count(b"\n") - (profile != "jsonl")
    assert lines == count_rows(folder, TABLE, filters) > 0


def test_a_stream_that_misses_rows_breaks_off(make, many, monkeypatch) -> None:
    folder = make(many)
    monkeypatch.setattr(stream, "count_rows", lambda *_: 6_001)
    with pytest.raises(PublicationError, match="6000 rows instead of 6001"):
        for _ in stream.stream_rows(folder, TABLE):
            pass


def test_plain_csv_says_every_cell_as_it_is(make) -> None:
    rows = parsed(b"".join(stream_rows(make(ODD), TABLE)))
    assert [row["contract_id"] for row in rows] == ["007", "=1+1", "12345678901234567", "C-4"]
    assert (rows[0]["buyer_name"], rows[0]["tender_title"]) == ('Año "nuevo", S.A.', "dos\nlíneas")
    assert [row[AMOUNT] for row in rows] == ["-1234.5", "99.999999999999999999", "", "0"]
    assert rows[0]["contract_date_signed"] == "2024-12-31T00:00:00Z"


@pytest.mark.parametrize(
    ("language", "separator", "amount", "logical"),
    [("es", ";", "-1234,5", "VERDADERO"), ("pt", ";", "-1234,5", "VERDADEIRO"), ("fr", ";", "-1234,5", "VRAI"), ("en", ",", "-1234.5", "TRUE")],
)  # fmt: skip
def test_csv_for_excel_speaks_the_language_of_the_spreadsheet(
    make, language, separator, amount, logical
) -> None:
    data = b"".join(stream_rows(make(ODD), TABLE, {}, "excel", language))
    assert data.startswith(b"\xef\xbb\xbfmember_code") and b"sep=" not in data
    rows = parsed(data, separator)
    assert (rows[0][AMOUNT], rows[0]["supplier_women_owned"]) == (amount, logical)
    assert [row["contract_id"] for row in rows] == ["'007", "'=1+1", "'12345678901234567", "C-4"]
    assert [row["buyer_name"] for row in rows] == ['Año "nuevo", S.A.', "-5,3", "'-x", "a;b"]
    assert [row["tender_title"] for row in rows] == ["dos\nlíneas", "'+cmd", "'@SUM(A1)", ""]
    assert rows[2]["contract_date_signed"] == "2025-01-02 03:04:05"


@pytest.mark.parametrize(
    "text",
    ["001-2024", "3/2024", "2024-05", "31/12/2024", "43.10", "12.345.678", "5 %", "10:30", "1.5E3", "12e+5", " 007", "MAR-1", "2 Ene 2024", "\n=1+1"],
)  # fmt: skip
def test_what_a_spreadsheet_would_take_for_a_number_or_a_date_stays_text(make, text) -> None:
    quoted = text.replace("\n", "' || chr(10) || '")
    folder = make(f"SELECT 'AAA' AS member_code, 2024 AS year, '1' AS ocid, '{quoted}' AS contract_id")
    (row,) = parsed(b"".join(stream_rows(folder, TABLE, {}, "excel", "es")), ";")
    assert row["contract_id"] == f"'{text}"


@pytest.mark.parametrize(
    "text", ["7", "2024", "2024-12-31", "C-4", "LPN-001-2024", "45233000-9", "1 de 2", "MARINA"]
)
def test_what_a_spreadsheet_shows_as_it_is_gets_no_apostrophe(make, text) -> None:
    folder = make(f"SELECT 'AAA' AS member_code, 2024 AS year, '1' AS ocid, '{text}' AS contract_id")
    (row,) = parsed(b"".join(stream_rows(folder, TABLE, {}, "excel", "es")), ";")
    assert row["contract_id"] == text


def test_json_lines_keep_every_decimal_and_leave_out_what_is_empty(make) -> None:
    lines = b"".join(stream_rows(make(ODD), TABLE, {}, "jsonl")).splitlines()
    rows = [json.loads(line, parse_float=Decimal) for line in lines]
    assert rows[1][AMOUNT] == Decimal("99.999999999999999999")
    assert (rows[0]["contract_id"], rows[0]["tender_title"], rows[0]["supplier_women_owned"]) == (
        "007",
        "dos\nlíneas",
        True,
    )
    assert AMOUNT not in rows[2] and rows[3] == {
        "member_code": "BBB",
        "year": 2024,
        "ocid": "4",
        "contract_id": "C-4",
        "buyer_name": "a;b",
        AMOUNT: 0,
    }


def test_what_does_not_exist_is_refused_before_the_first_block(make) -> None:
    folder = make(ODD)
    for table, filters, profile in (("nothing", {}, "csv"), ("../secret", {}, "csv"), (TABLE, {"x": "1"}, "csv"), (TABLE, {}, "pdf")):  # fmt: skip
        with pytest.raises(UnknownError):
            stream_rows(folder, table, filters, profile)
    assert count_rows(folder, TABLE, {"member_code": "../x"}) == 0


def test_names_of_downloads_say_what_they_are(make) -> None:
    folder = make(ODD)
    assert (
        file_name(folder, TABLE, {"member_code": "PRY", "year": 2024}, Profile("excel", "es"))
        == f"{TABLE}-PRY-2024-2026.11.1-es.csv"
    )
    assert (
        file_name(folder, TABLE, {"buyer_id": "1"}, Profile("jsonl")) == f"{TABLE}-filtered-2026.11.1.jsonl"
    )
