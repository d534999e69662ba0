"""Pages about tables, columns and members: dictionary, coverage, fill rates, quality, and their data."""

import sqlite3
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import LANGUAGES, Catalogue

ABOUT = "/tables/procurement_processes"


def test_dictionary_in_the_words_of_the_standard(site: Any, catalogue: Catalogue) -> None:
    page = unescape(site.get(ABOUT, "fr").text)
    for name in ("tender_title", "procurement_method", "number_of_tenderers"):
        words = catalogue.texts.field("fr", "procurement", "processes", name)
        assert words.title in page and words.description in page and f"{ABOUT}/{name}" in page
    assert catalogue.texts.code("fr", "method", "direct") in page
    assert "tender/procurementMethod" in page


def test_table_page_and_rows_lead_to_each_other(site: Any) -> None:
    assert 'href="/ingp/procurement_processes"' in site.get(ABOUT, "en").text
    assert f'href="{ABOUT}"' in site.get("/ingp/procurement_processes", "en").text
    assert f'href="{ABOUT}"' in site.get("/ingp", "en").text
    assert site.get("/tables").headers["location"] == "/ingp"


def test_downloads_name_whole_files_once(site: Any) -> None:
    page = site.get(ABOUT, "en").text
    aside = page[page.index("<aside") : page.index("</aside>")]
    assert aside.count("/files/parquet/") == aside.count("/files/csv/") == 1


def test_fill_rates_and_coverage_are_those_of_the_rows(site: Any) -> None:
    told = site.get(f"{ABOUT}.json").json()
    assert told["rows"] == 63
    assert {(each["member_code"], each["rows"]) for each in told["coverage"]} == {("XAA", 60), ("XCC", 3)}
    filled = {each["name"]: each["filled"] for each in told["columns"]}
    assert filled["tender_title"] == {"rows": 63, "filled": 63}
    assert filled["tender_description"] == {"rows": 63, "filled": 2}
    assert filled["local_process_id"] == {"rows": 63, "filled": 0}
    page = site.get(ABOUT, "en").text
    assert (
        '<a href="/ingp/procurement_processes?member_code=XAA&amp;year__isblank=1"' in page
        or "?member_code=XAA" in page
    )


def test_fill_rates_of_a_column_by_member(site: Any) -> None:
    told = site.get(f"{ABOUT}/tender_description.json").json()
    rates = {each["member_code"]: (each["filled"], each["rows"]) for each in told["fill_rates"]}
    assert rates == {"XAA": (1, 60), "XCC": (1, 3)}
    assert "33.3&nbsp;%" in site.get(f"{ABOUT}/tender_description", "en").text
    assert site.get(f"{ABOUT}/no_such_column").status_code == 404
    assert site.get("/tables/no_such_table").status_code == 404
    assert site.get("/tables/codelists").status_code == 404


def test_summaries_are_published_tables(site: Any) -> None:
    counted = site.get("/ingp/coverage.json?table_name=procurement_processes&_shape=array").json()
    assert sum(each["rows_count"] for each in counted) == 63
    sql = "select count(*) as n from fill_rates where filled_count > rows_count"
    assert site.get(f"/ingp/-/analytics.json?sql={sql.replace(' ', '+')}").json()["rows"] == [{"n": 0}]
    assert site.get("/ingp/quality", "en").status_code == 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_members_have_a_page(site: Any, catalogue: Catalogue, language: str) -> None:
    page = unescape(site.get("/members", language).text)
    members = [each for each in catalogue.members.values() if each.kind == "member"]
    for member in members:
        assert f'<a href="/members/{member.code}">{member.names[language]}</a>' in page
    assert len(members) == 32
    aurelia = unescape(site.get("/members/XAA", language).text)
    assert "Dirección General de Contratación Pública de Aurelia (demo)" in aurelia
    assert 'href="/files/parquet/XAA/procurement_processes.parquet"' in aurelia
    assert 'href="/ingp/procurement_processes?member_code=XAA' in aurelia


def test_member_without_data_says_so(site: Any) -> None:
    page = site.get("/members/PRY", "es").text
    assert "Este miembro no tiene datos en esta edición." in page
    told = site.get("/members/PRY.json").json()
    assert told["has_data"] is False and told["coverage"] == [] and told["newest"] is None
    assert site.get("/members/pry", "en").status_code == 200
    assert site.get("/members/ZZZ", "en").status_code == 404


def test_members_as_data(site: Any) -> None:
    told = site.get("/members.json").json()["members"]
    rows = {each["member_code"]: each["rows"] for each in told}
    assert len(told) == 35 and rows["PRY"] is None and rows["XCC"] == 3
    version = site.get("/members/XAA.json").json()["versions"][0]
    assert version["number"] == 3
    page = site.get("/members/XAA", "es").text
    assert "versión 3, aceptada el 4 de mayo de 2026" in unescape(page)


def test_pages_have_lasting_addresses(site: Any) -> None:
    prefix = f"/v/{site.package['version']}"
    for path in ("/tables/procurement_processes", "/members", "/members/XAA", "/members.json"):
        assert site.get(prefix + path, "en").status_code == 200


@pytest.fixture
def crowded(site: Any, tmp_path: Path) -> Iterator[None]:
    """The site with a coverage of 32 members and 15 years, and findings of every kind."""
    own = site.datasette.summaries
    codes = [
        code for code, each in site.datasette.published.catalogue.members.items() if each.kind == "member"
    ]
    database = tmp_path / "ingp.db"
    with sqlite3.connect(database) as con:
        con.execute("CREATE TABLE coverage (table_name, member_code, year, rows_count)")
        con.execute(
            "CREATE TABLE fill_rates (table_name, column_name, level, member_code, year, rows_count, filled_count)"
        )
        con.execute(
            "CREATE TABLE quality (member_code, package_type, version_number, period, table_name, column_name, code, severity, findings_count)"
        )
        years = [(code, year) for code in codes for year in range(2011, 2026)]
        con.executemany("INSERT INTO coverage VALUES ('procurement_processes', ?, ?, 1234567)", years)
        con.executemany(
            "INSERT INTO fill_rates VALUES ('procurement_processes', 'tender_title', 'required', ?, ?, 1234567, 654321)",
            years,
        )
        kinds = [
            (code, policy.severity.value)
            for code, policy in site.datasette.published.catalogue.findings.items()
        ]
        con.executemany(
            "INSERT INTO quality VALUES ('PRY', 'procurement', 1, 'all', 'procurement_processes', 'ocid', ?, ?, 7)",
            kinds,
        )
    con.close()
    site.datasette.summaries = type(own)(database)
    yield
    site.datasette.summaries = own


def test_pages_of_many_members_and_years_stay_small(site: Any, crowded: None) -> None:
    for path in (ABOUT, f"{ABOUT}/tender_title"):
        page = site.get(f"{path}?", "fr")
        assert page.status_code == 200 and len(page.content) < 100_000
        assert "2025" in page.text and "Paraguay" in page.text
    about = site.get(f"{ABOUT}?", "fr").text
    assert "jusqu’en 2013" in unescape(about)
    # Rows of the first three years are added up, not left out.
    assert "3 703 701" in unescape(about).replace("\u202f", " ").replace("\xa0", " ")
