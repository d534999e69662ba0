"""Every kind of page, in every language: status, language, words of the standard, and what stands on all."""

import re
from html import unescape
from typing import Any

import pytest

from pipelines.catalogue import LANGUAGES, Catalogue

ROW = "/ingp/procurement_contracts/XAA,ocds-xaa000-001,C~2F1"
PAGES = {
    "home": "/",
    "database": "/ingp",
    "members": "/members",
    "member": "/members/XAA",
    "member without data": "/members/PRY",
    "about a table": "/tables/procurement_processes",
    "about a column": "/tables/procurement_processes/tender_status",
    "questions": "/questions",
    "question": "/questions/single-bid",
    "question without an answer": "/questions/under-thresholds",
    "table": "/ingp/procurement_processes?_size=5",
    "table of codes": "/ingp/codelists?_size=5",
    "row": ROW,
    "query form": "/ingp/-/query",
    "query": "/ingp/-/query?sql=select+member_code,count(*)+as+n+from+procurement_processes+group+by+1",
    "wrong query": "/ingp/-/query?sql=select+nonsense",
    "schema": "/ingp/-/schema",
    "not found": "/ingp/nothing_of_the_kind",
    "refused": "/-/permissions",
    "bad address": "/ingp/procurement_processes?_size=many",
}
STATUS = {"not found": 404, "refused": 403, "bad address": 400}
HOME_TITLES = {
    "es": "Datos abiertos sobre las compras públicas de las Américas",
    "en": "Open data on public procurement in the Americas",
    "pt": "Dados abertos sobre as compras públicas das Américas",
    "fr": "Données ouvertes sur les marchés publics des Amériques",
}
LICENCE = "https://creativecommons.org/licenses/by/4.0/"


def text_of(html: str) -> str:
    """What a reader sees: without marks, blanks made one."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).replace("\xa0", " ")


def foot_of(html: str) -> str:
    return html[html.index("<footer") :]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES)
def test_page_in_language(site: Any, catalogue: Catalogue, page: str, language: str) -> None:
    answer = site.get(PAGES[page], language)
    assert answer.status_code == STATUS.get(page, 200)
    assert f'<html lang="{language}">' in answer.text
    assert answer.headers["content-language"] == language
    assert "Accept-Language" in answer.headers["vary"]
    assert answer.text.count("<main ") == answer.text.count("<h1") == 1
    foot = foot_of(answer.text)
    assert LICENCE in foot and catalogue.texts.code(language, "licence", "CC-BY-4.0") in unescape(foot)
    assert site.package["version"] in foot
    assert catalogue.members["INGP"].names[language] in unescape(foot)
    assert 'href="/members"' in foot


@pytest.mark.parametrize("language", LANGUAGES)
def test_home_lists_tables_in_words_of_the_standard(site: Any, catalogue: Catalogue, language: str) -> None:
    text = text_of(site.get("/", language).text)
    assert HOME_TITLES[language] in text
    for package_type, table in (
        ("procurement", "processes"),
        ("procurement", "contracts"),
        ("activity", "activities"),
    ):
        words = catalogue.texts.table(language, package_type, table)
        assert words.title in text
        assert words.description.partition(". ")[0].replace("\xa0", " ") in text
    assert catalogue.members["XAA"].names[language] in text


def test_home_groups_by_package_type_and_hides_search_tables(site: Any) -> None:
    html = site.get("/", "en").text
    html = html[html.index('id="group-procurement"') :]
    assert html.index("procurement_processes") < html.index("Network activity")
    assert html.index("Network activity") < html.index("activity_activities")
    assert "_fts" not in html and "_fts" not in site.get("/ingp", "en").text


def test_home_counts_rows_and_members(site: Any) -> None:
    text = text_of(site.get("/", "en").text)
    assert "63 rows · 2 members" in text
    assert "3 submitting members" in text and "63 contracting processes" in text and "4 contracts" in text


def test_downloads_are_there_with_their_sizes(site: Any) -> None:
    home = site.get("/", "en").text
    table = site.get("/ingp/procurement_processes", "en").text
    files = {each["path"]: each for each in site.package["resources"]}
    for path in ("ingp.db", "ingp.duckdb", "datapackage.json"):
        assert f'href="/files/{path}"' in home
    for path in ("csv/procurement_processes.csv", "parquet/procurement_processes.parquet"):
        assert f'href="/files/{path}"' in home and f'href="/files/{path}"' in table
        answer = site.get(site.get(f"/files/{path}").headers["location"])
        assert len(answer.content) == files[path]["bytes"]
        assert answer.headers["content-type"].split(";")[0] == files[path]["mediatype"]
        assert answer.headers["access-control-allow-origin"] == "*"
    assert 'href="/files/parquet/XCC/procurement_processes.parquet"' in table
    assert "3 rows" in text_of(table)


@pytest.mark.parametrize(
    ("language", "origin"),
    [
        ("es", "archivo contracts.csv, fila 2 ; versión 3, enviada por: Aurelia (demo)"),
        ("en", "file contracts.csv, row 2 ; version 3, submitted by: Aurelia (demo)"),
        ("pt", "arquivo contracts.csv, linha 2 ; versão 3, enviada por: Aurélia (demo)"),
        ("fr", "fichier contracts.csv, ligne 2 ; version 3, envoyée par : Aurélie (démo)"),
    ],
)
def test_row_says_where_it_comes_from(site: Any, language: str, origin: str) -> None:
    assert origin.replace(" ;", ";") in text_of(site.get(ROW, language).text)


@pytest.mark.parametrize(
    ("language", "origin"),
    [
        ("es", "archivo envío.zip/plan #2.xlsx, hoja Talleres #1, fila 3"),
        ("en", "file envío.zip/plan #2.xlsx, sheet Talleres #1, row 3"),
        ("pt", "arquivo envío.zip/plan #2.xlsx, planilha Talleres #1, linha 3"),
        ("fr", "fichier envío.zip/plan #2.xlsx, feuille Talleres #1, ligne 3"),
    ],
)
def test_row_of_a_workbook_names_its_sheet(site: Any, language: str, origin: str) -> None:
    page = text_of(site.get("/ingp/activity_activities/INGP,W2", language).text)
    assert origin in page
    assert (
        f"{['Hoja', 'Planilha', 'Feuille', 'Sheet'][('es', 'pt', 'fr', 'en').index(language)]} Talleres #1"
        in page
    )


def test_row_leads_to_the_same_process_in_other_tables(site: Any) -> None:
    html = unescape(site.get(ROW, "en").text)
    assert 'href="/ingp/procurement_processes?member_code=XAA&ocid=ocds-xaa000-001"' in html
    assert 'href="/ingp/procurement_contracts?' not in html


def test_empty_release_says_so(empty_site: Any) -> None:
    assert "Nothing is published yet" in empty_site.get("/", "en").text
    for path in ("/ingp", "/members", "/ingp/-/query", "/ingp/codelists", "/ingp/release_versions"):
        assert empty_site.get(path, "fr").status_code == 200


@pytest.mark.parametrize("path", PAGES.values())
def test_pages_need_no_script_and_no_other_site(site: Any, path: str) -> None:
    # The description of the data set is a block of data: browsers do not run it.
    html = re.sub(r'<script type="application/ld\+json">[^<]*</script>', "", site.get(path, "en").text)
    assert (
        "<script" not in html and "<style" not in html and " style=" not in html and " onclick=" not in html
    )
    loaded = re.findall(r'<(?:link rel="(?:stylesheet|icon)"|img)[^>]*(?:href|src)="([^"]+)"', html)
    assert loaded and all(address.startswith("/assets/") for address in loaded)
    assert all(site.get(address).status_code == 200 for address in loaded)
