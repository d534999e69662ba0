"""Table pages and queries: search, filters, facets, order, pages, labels; and what programs get instead."""

import csv
import io
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

TABLE = "/ingp/procurement_processes"


def text_of(html: str) -> str:
    return (
        re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))
        .replace("\xa0", " ")
        .replace("\u202f", " ")
    )


def test_search_keeps_its_term_and_ignores_accents(site: Any) -> None:
    html = site.get(f"{TABLE}?_search=adquisicion", "es").text
    assert 'name="_search" value="adquisicion"' in html
    assert "32 filas" in text_of(html)


def test_search_without_result_says_what_to_do(site: Any) -> None:
    answer = site.get(f"{TABLE}?_search=zzzz", "pt")
    assert answer.status_code == 200
    assert "Nenhuma linha corresponde" in answer.text


@pytest.mark.parametrize(
    ("language", "label"), [("es", "Finalizada"), ("pt", "Concluída"), ("fr", "Terminé"), ("en", "Complete")]
)
def test_facets_have_labels(site: Any, catalogue: Any, language: str, label: str) -> None:
    html = site.get(TABLE, language).text
    label = catalogue.texts.code(language, "tenderStatus", "complete")
    facet = html[html.index('id="facet-tender_status"') :]
    facet = text_of(facet[: facet.index("</ul>")])
    assert label.casefold() in facet.casefold() and "32" in facet and "31" in facet


def test_facet_leads_to_its_rows(site: Any) -> None:
    html = site.get(TABLE, "en").text
    facet = html[html.index('id="facet-member_code"') :]
    links = [unescape(link) for link in re.findall(r'href="([^"]+)"', facet[: facet.index("</ul>")])]
    chosen = next(link for link in links if "XCC" in link)
    assert "3 rows" in text_of(site.get(chosen.removeprefix("http://localhost"), "en").text)


def test_filter_form_becomes_an_address(site: Any) -> None:
    form = {
        "_filter_column": "tender_value_amount",
        "_filter_op": "gt",
        "_filter_value": "50000",
        "_sort": "ocid",
    }
    answer = site.get(f"{TABLE}?{urlencode(form)}", "en")
    assert answer.status_code == 302
    page = site.get(answer.headers["location"], "fr")
    text = text_of(page.text)
    assert "Filtres en vigueur" in page.text
    assert "est plus que 50000" in text and "12 lignes" in text
    assert re.search(r'<option value="gt" selected>', page.text)


def test_filters_that_the_form_does_not_offer_are_kept(site: Any) -> None:
    html = site.get(f"{TABLE}?ocid__glob=ocds-xcc*", "en").text
    assert '<option value="glob" selected>' in html and "3 rows" in text_of(html)


def test_order_and_pages(site: Any) -> None:
    first = site.get(f"{TABLE}?_sort_desc=tender_value_amount&_size=50", "es").text
    assert 'aria-sort="descending"' in first
    assert "1.234.567,25" in first
    following = unescape(re.search(r'href="([^"]+)" rel="next', first).group(1))
    second = site.get(following.removeprefix("http://localhost"), "es").text
    assert "Primera página" in second and "Página siguiente" not in second
    assert second.count("<tr>") - 1 == 13


def test_codes_numbers_and_truths_are_words_for_people(site: Any) -> None:
    row = f"{TABLE}/XAA,ocds-xaa000-001"
    text = text_of(site.get(row, "fr").text)
    assert "Aurélie (démo) XAA" in text and "1 234 567,25" in text
    assert "Non" in text and "2026-03-01" in text
    assert '<data class="number" value="1234567.25">1,234,567.25</data>' in site.get(row, "en").text
    assert "Ministerio de Obras &lt;Públicas&gt;" in site.get(row, "en").text


def test_sums_are_numbers_without_noise_and_columns_of_codes_have_titles(site: Any) -> None:
    page = site.get("/ingp/-/query?sql=select+1234.1%2B0.2+as+total,+9e999+as+endless", "es").text
    assert ">1.234,3</data>" in page and ">inf</data>" in page
    codes = text_of(site.get("/ingp/codelists", "es").text)
    assert "Lista de códigos" in codes and "En portugués" in codes


def test_labels_are_not_in_the_data(site: Any) -> None:
    answer = site.get(f"{TABLE}.json?_size=1&member_code=XAA", "fr")
    (row,) = answer.json()["rows"]
    assert (row["member_code"], row["tender_status"], row["tender_value_amount"]) == (
        "XAA",
        "complete",
        1234567.25,
    )
    assert row["has_enquiries"] == 0


def test_csv_has_every_row(site: Any) -> None:
    html = site.get(TABLE, "en").text
    address = unescape(re.search(r'href="(/ingp/procurement_processes\.csv[^"]*)"', html).group(1))
    rows = list(csv.DictReader(io.StringIO(site.get(address).text)))
    resource = next(
        each for each in site.package["resources"] if each["path"] == "csv/procurement_processes.csv"
    )
    assert len(rows) == resource["rows"] == 63
    assert rows[0]["tender_status"] == "complete"


def test_json_has_every_column_of_the_standard(site: Any) -> None:
    resource = next(
        each for each in site.package["resources"] if each["path"] == "csv/procurement_processes.csv"
    )
    row = site.get(f"{TABLE}.json?_size=1").json()["rows"][0]
    assert list(row) == [field["name"] for field in resource["schema"]["fields"]]


def test_empty_columns_are_left_out_and_can_be_shown(site: Any) -> None:
    html = site.get(TABLE, "en").text
    head = html[html.index("<thead>") : html.index("</thead>")]
    assert "tender_title" in head and "award_criteria" not in head
    assert "columns have no value on this page and are left out" in html
    whole = site.get(f"{TABLE}?_empty=1", "en").text
    assert "award_criteria" in whole[whole.index("<thead>") : whole.index("</thead>")]


def test_long_texts_are_short_in_the_table_and_whole_in_the_row(site: Any) -> None:
    whole = "Mantenimiento de la carretera del valle. " * 20
    assert whole not in site.get(TABLE, "en").text
    assert whole in site.get(f"{TABLE}/XAA,ocds-xaa000-001", "en").text


def test_addresses_are_links(site: Any) -> None:
    html = site.get("/ingp/procurement_documents", "en").text
    assert '<a href="https://example.org/notice?a=1&amp;b=2" rel="nofollow noopener" class="address">' in html


def test_first_view_is_light(site: Any) -> None:
    page = site.get(TABLE, "es")
    weights = [len(site.get(address).content) for address in ("/assets/site.css", "/assets/mark.svg")]
    assert len(page.content) + sum(weights) < 300_000


def test_query_answers_in_three_forms(site: Any) -> None:
    question = urlencode(
        {"sql": "select member_code, count(*) as n from procurement_processes group by 1 order by 1"}
    )
    text = text_of(site.get(f"/ingp/-/query?{question}", "pt").text)
    assert "2 linhas" in text and "Cordilheira (demo) XCC 3" in text
    assert site.get(f"/ingp/-/query.json?{question}").json()["rows"] == [
        {"member_code": "XAA", "n": 60},
        {"member_code": "XCC", "n": 3},
    ]
    assert site.get(f"/ingp/-/query.csv?{question}").text.splitlines() == ["member_code,n", "XAA,60", "XCC,3"]


def test_query_keeps_its_parameters(site: Any) -> None:
    question = urlencode(
        {"sql": "select ocid from procurement_processes where ocid = :which", "which": "ocds-xcc000-002"}
    )
    html = site.get(f"/ingp/-/query?{question}", "en").text
    assert 'name="which" value="ocds-xcc000-002"' in html and "1 row" in text_of(html)


def test_query_that_is_cut_says_so(site: Any) -> None:
    question = urlencode({"sql": "select a.ocid from procurement_processes a, procurement_processes b"})
    assert "Only the first 1,000 rows are shown here" in site.get(f"/ingp/-/query?{question}", "en").text


def test_wrong_query_shows_what_the_database_said(site: Any) -> None:
    html = site.get("/ingp/-/query?sql=select+nonsense", "es").text
    assert "La base de datos no pudo ejecutar esta consulta" in html and "no such column: nonsense" in html


def test_link_to_sql_of_a_table_gives_the_same_rows(site: Any) -> None:
    html = site.get(f"{TABLE}?member_code=XCC", "en").text
    address = unescape(re.search(r'href="(/ingp/-/query\?sql=[^"]+)"', html).group(1))
    assert "3 rows" in text_of(site.get(address, "en").text)
