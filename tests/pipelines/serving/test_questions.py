"""Choices become SQL of codes, numbers and quoted texts; whatever else an address holds is left out and named."""

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.catalogue import Catalogue, load_catalogue
from pipelines.serving.answers import NO_DATA, NOT_STATED, ZERO, Coverage, read_answer
from pipelines.serving.questions import (
    Question,
    Subject,
    conditions,
    coverage_sql,
    figures_sql,
    group_filters,
    page_filters,
    read_amount,
    read_question,
    rows_sql,
    subjects,
)
from pipelines.serving.words import Dictionary, codes_of

ROOT = Path(__file__).resolve().parents[3]
COLUMNS = {
    "procurement_contracts_flat": (
        "member_code", "year", "procurement_method", "main_procurement_category", "buyer_name", "contract_status",
        "supplier_name", "contract_value_amount", "contract_value_currency",
    ),
    "procurement_processes": (
        "member_code", "year", "ocid", "procurement_method", "main_procurement_category", "buyer_name", "tender_status",
        "tender_value_amount", "tender_value_currency",
    ),
    "procurement_awards": ("member_code", "year", "ocid", "status", "value_amount", "value_currency"),
}  # fmt: skip
MEMBERS = ("PRY", "BRA", "MEX", "URY")


@pytest.fixture(scope="module")
def standard() -> Catalogue:
    return load_catalogue(ROOT / "schemas", ROOT / "datapackages")


@pytest.fixture(scope="module")
def known() -> dict[str, Subject]:
    return subjects(COLUMNS)


@pytest.fixture(scope="module")
def dictionary(standard: Catalogue) -> Dictionary:
    return Dictionary(ROOT / "schemas", standard)


def read(standard: Catalogue, known: dict[str, Subject], *pairs: tuple[str, str]) -> Question:
    return read_question(pairs, known, codes_of(standard), MEMBERS)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1000000", "1000000"), ("1,000,000", "1000000"), ("1.000.000", "1000000"), ("1 000 000", "1000000"),
        ("1,000,000.50", "1000000.5"), ("1.000.000,50", "1000000.5"), ("12,5", "12.5"), ("0", "0"),
        ("1.00.0", None), ("-5", None), ("1e9", None), ("x", None), ("", None), ("9" * 30, None), ("1;2", None), ("١٢", None),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(text: str, amount: str | None) -> None:
    assert read_amount(text) == (None if amount is None else Decimal(amount))


def test_what_is_no_choice_is_left_out_and_named(standard: Catalogue, known: dict[str, Subject]) -> None:
    asked = read(
        standard, known, ("what", "secrets"), ("over", "much"), ("since", "20x3"), ("method", "direct"), ("method", "x' OR 1=1 --"),
        ("by", "1; DROP TABLE t"), ("member", "ZZZ"), ("currency", "us$"), ("year2", "1"), ("until", "1700"),
    )  # fmt: skip
    assert asked.what == "contracts" and asked.method == ("direct",) and asked.by == "member"
    assert {name for name, _value in asked.left_out} == {"what", "over", "since", "until", "method", "by", "member", "currency"}  # fmt: skip


def test_what_the_table_does_not_have_is_left_out(standard: Catalogue, known: dict[str, Subject]) -> None:
    asked = read(standard, known, ("what", "tenders"), ("supplier", "Acme"), ("by", "supplier"))
    assert asked.supplier == "" and asked.by == "member"
    assert dict(asked.left_out) == {"supplier": "Acme", "by": "supplier"}


def test_the_address_of_a_question_gives_the_question(standard: Catalogue, known: dict[str, Subject]) -> None:
    asked = read(
        standard, known, ("over", "1.000.000,25"), ("year", "2023"), ("method", "direct"), ("method", "open"),
        ("buyer", "salud"), ("by", "year"), ("measure", "median"),
    )  # fmt: skip
    assert asked.left_out == () and asked.since == asked.until == 2023
    assert read(standard, known, *asked.pairs()) == asked
    assert asked.without("years").since is None and asked.without("method").method == ()


HOSTILE = ("'); DROP TABLE x; --", "a' OR '1'='1", "\\'; SELECT 1", "%", "x\0y", "😀" * 500, '"; ATTACH')


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_stay_texts(standard: Catalogue, known: dict[str, Subject], text: str) -> None:
    asked = read(standard, known, ("buyer", text), ("supplier", text))
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE procurement_contracts_flat AS SELECT 'PRY' AS member_code, 2023 AS year, 'direct' AS procurement_method, "
        "'goods' AS main_procurement_category, 'Salud' AS buyer_name, 'active' AS contract_status, 'Acme' AS supplier_name, "
        "1.5::DECIMAL(38,18) AS contract_value_amount, 'USD' AS contract_value_currency"
    )
    sql = figures_sql(asked, known["contracts"])
    assert len(con.extract_statements(sql)) == 1
    assert con.execute(sql).fetchall() == []
    assert con.execute(rows_sql(asked, known["contracts"])).fetchall() == []


def make(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        "CREATE TABLE procurement_awards (member_code VARCHAR, year INTEGER, ocid VARCHAR, status VARCHAR, "
        "value_amount DECIMAL(38,18), value_currency VARCHAR)"
    )
    con.execute(
        "CREATE TABLE procurement_processes (member_code VARCHAR, year INTEGER, ocid VARCHAR, procurement_method VARCHAR, "
        "main_procurement_category VARCHAR, buyer_name VARCHAR)"
    )
    con.execute(
        "INSERT INTO procurement_awards VALUES ('PRY', 2023, '1', 'active', 10, 'USD'), ('PRY', 2023, '2', 'active', 30, 'USD'), "
        "('PRY', 2023, '2', 'active', 7, 'PYG'), ('PRY', 2023, '1', 'active', NULL, NULL), ('MEX', 2023, '3', 'active', 5, 'MXN'), "
        "('BRA', 2022, '4', 'active', 5, 'BRL'), ('BRA', 2023, '5', 'active', 5, 'BRL')"
    )
    con.execute(
        "INSERT INTO procurement_processes VALUES ('PRY', 2023, '1', 'direct', 'goods', 'Salúd'), ('PRY', 2023, '2', 'direct', 'goods', 'x'), "
        "('MEX', 2023, '3', NULL, NULL, NULL), ('BRA', 2022, '4', 'direct', 'works', 'y'), ('BRA', 2023, '5', 'open', 'works', 'y')"
    )


def answer_of(asked: Question, subject: Subject) -> Any:
    con = duckdb.connect()
    make(con)

    def dicts(sql: str) -> list[dict[str, Any]]:
        cursor = con.execute(sql)
        names = [each[0] for each in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return read_answer(
        asked, dicts(figures_sql(asked, subject)), False, Coverage(dicts(coverage_sql(subject))), MEMBERS
    )


def test_currencies_are_not_added_and_nothing_is_a_zero_that_is_not(
    standard: Catalogue, known: dict[str, Subject]
) -> None:
    asked = read(standard, known, ("what", "awards"), ("method", "direct"), ("year", "2023"))
    answer = answer_of(asked, known["awards"])
    groups = {group.key: group for group in answer.groups}
    figures = {each.currency: each for each in groups["PRY"].figures}
    assert groups["PRY"].n == 4
    assert (figures["USD"].total, figures["USD"].median, figures["PYG"].total) == (40, 20, 7)
    assert figures[None].total is None and figures[None].n_with_amount == 0
    assert {code: group.state for code, group in groups.items() if group.state} == {
        "BRA": ZERO, "MEX": NOT_STATED, "URY": NO_DATA,
    }  # fmt: skip


def test_years_between_are_not_left_out(standard: Catalogue, known: dict[str, Subject]) -> None:
    asked = read(standard, known, ("what", "awards"), ("since", "2020"), ("until", "2023"), ("by", "year"), ("method", "open"))  # fmt: skip
    answer = answer_of(asked, known["awards"])
    assert [(group.key, group.state) for group in answer.groups] == [
        (2020, NO_DATA), (2021, NO_DATA), (2022, ZERO), (2023, ""),
    ]  # fmt: skip


def test_buyers_are_found_without_accents_and_capitals(
    standard: Catalogue, known: dict[str, Subject]
) -> None:
    asked = read(standard, known, ("what", "awards"), ("buyer", "SALUD"))
    assert answer_of(asked, known["awards"]).n == 2


def test_a_page_of_the_table_has_the_same_rows_or_there_is_none(
    standard: Catalogue, known: dict[str, Subject]
) -> None:
    asked = read(standard, known, ("method", "direct"), ("method", "open"), ("year", "2023"), ("over", "5"))
    assert page_filters(asked, known["contracts"]) == [
        ("procurement_method__in", "direct,open"), ("year", "2023"), ("contract_value_amount__gt", "5"),
    ]  # fmt: skip
    assert group_filters(asked, known["contracts"], "PRY", "USD")[-1] == ("contract_value_currency", "USD")  # type: ignore[index]
    assert group_filters(asked, known["contracts"], None, None)[-2:] == [  # type: ignore[index]
        ("member_code__isnull", "1"), ("contract_value_currency__isnull", "1"),
    ]  # fmt: skip
    named = read(standard, known, ("buyer", "salud"))
    assert page_filters(named, known["contracts"]) is None
    joined = read(standard, known, ("what", "awards"), ("method", "direct"))
    assert page_filters(joined, known["awards"]) is None and len(conditions(joined, known["awards"])) == 1


@pytest.mark.parametrize(
    ("language", "sentence", "pairs"),
    [
        ("pt", "contratos diretos 2023 acima de 1 milhao", {("what", "contracts"), ("method", "direct"), ("over", "1000000"), ("since", "2023"), ("until", "2023")}),
        ("es", "Contratos por contratación DIRECTA de más de 1.000.000 en 2023", {("what", "contracts"), ("method", "direct"), ("over", "1000000"), ("since", "2023"), ("until", "2023")}),
        ("en", "direct contracts over 1 million in 2023 by country", {("what", "contracts"), ("method", "direct"), ("over", "1000000"), ("since", "2023"), ("until", "2023"), ("by", "member")}),
        ("fr", "marchés de gré à gré de plus d’un million en 2023", {("what", "contracts"), ("method", "direct"), ("over", "1000000"), ("since", "2023"), ("until", "2023")}),
        ("es", "obras en Paraguay entre 2019 y 2021 por proveedor", {("category", "works"), ("member", "PRY"), ("since", "2019"), ("until", "2021"), ("by", "supplier")}),
        ("en", "over 1 billion", {("over", "1000000000")}), ("fr", "plus de 1 billion", {("over", "1000000000000")}),
        ("pt", "acima de 2 bilhões de reais", {("over", "2000000000"), ("currency", "BRL")}),
    ],
)  # fmt: skip
def test_sentences_of_four_languages(
    dictionary: Dictionary, language: str, sentence: str, pairs: set[tuple[str, str]]
) -> None:
    understood = dictionary.understand(sentence, language)
    assert set(understood.pairs) == pairs and understood.left == ()


def test_words_that_mean_no_choice_are_told(dictionary: Dictionary) -> None:
    assert dictionary.understand("contratos de papel higiénico 2023", "es").left == ("papel", "higienico")


@pytest.mark.parametrize(
    "text", [*HOSTILE, "", "9" * 400, "1 " * 6000, "más de", "over", "\ud800", "٣ ملايين"]
)
def test_any_text_is_understood_as_something(dictionary: Dictionary, text: str) -> None:
    assert dictionary.understand(text, "en").meant >= 0


def test_synonyms_name_what_exists(standard: Catalogue) -> None:
    with (ROOT / "schemas" / "synonyms.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lists = {"method": "method", "category": "procurementCategory", "currency": "currency"}
    assert {row["language"] for row in rows} == {"es", "pt", "en", "fr"}
    for row in rows:
        if row["meaning"] in lists:
            assert row["code"] in standard.codelists[lists[row["meaning"]]].codes, row
        assert row["words"] and not row["words"].startswith("|"), row
