"""The guided query: its table, its links to the rows, its files, its lasting address; charts of it; attacks on it."""

import io
import re
import shutil
import xml.etree.ElementTree as ET
from html import unescape
from typing import Any
from urllib.parse import urlencode

import openpyxl
import pytest

LANGUAGES = ("es", "en", "pt", "fr")
JOURNALIST = {"what": "contracts", "over": "1000000", "year": "2023", "method": "direct", "by": "member"}


def ask(site: Any, form: str = ".json", language: str = "en", **choices: Any) -> Any:
    return site.get(f"/ask{form}?{urlencode(choices, doseq=True)}", language)


def figures(body: dict[str, Any]) -> dict[Any, dict[Any, dict[str, Any]]]:
    return {each["group"]: {own["currency"]: own for own in each["figures"]} for each in body["groups"]}


def rows_of(packages: Any, member: str) -> list[Any]:
    return list(packages[member, "procurement"]["contracts_flat"])


def test_figures_are_those_of_the_rows(contracts_site: Any, contract_packages: Any) -> None:
    body = ask(contracts_site, measure="sum").json()
    found = figures(body)
    for member in ("PRY", "BRA", "MEX"):
        rows = rows_of(contract_packages, member)
        assert sum(each["n"] for each in found[member].values()) == len(rows)
        for currency in {row["contract_value_currency"] for row in rows}:
            amounts = sorted(float(row["contract_value_amount"]) for row in rows if row["contract_value_currency"] == currency and row["contract_value_amount"])  # fmt: skip
            own = found[member][currency]
            assert own["n_with_amount"] == len(amounts)
            assert own["total"] == (pytest.approx(sum(amounts)) if amounts else None)
            middle = len(amounts) // 2
            median = (amounts[middle] + amounts[~middle]) / 2 if amounts else None
            assert own["median"] == (pytest.approx(median) if amounts else None)


def test_the_question_of_the_journalist(contracts_site: Any) -> None:
    body = ask(contracts_site, **JOURNALIST).json()
    states = {each["group"]: each["state"] for each in body["groups"]}
    assert states["PRY"] is None and states["BRA"] is None and body["left_out"] == {}
    assert states["MEX"] == "not_stated" and states["URY"] == "no_data"
    assert all(each["n"] == 0 and not each["figures"] for each in body["groups"] if each["state"])
    page = contracts_site.get(f"/ask?{urlencode(JOURNALIST)}", "en").text
    assert "no data" in page and "Uruguay" in page and "not stated in its data" in page


def test_a_written_question_is_the_same_question(contracts_site: Any) -> None:
    written = contracts_site.get(
        f"/ask.json?{urlencode({'q': 'contratos diretos 2023 acima de 1 milhao'})}", "pt"
    ).json()
    chosen = ask(contracts_site, language="pt", **JOURNALIST).json()
    assert written["groups"] == chosen["groups"] and written["sql"] == chosen["sql"]


@pytest.mark.parametrize("choices", [{"by": "member"}, {"by": "year", "method": ["direct", "open"]}, {"by": "buyer"}, {"by": "method"},
                                     {"by": "category", "over": "500000", "currency": "USD"}, {"by": "none", "member": "PRY"},
                                     {"by": "supplier", "buyer": "SALUD"}, {"by": "member", "supplier": "medica 1"}])  # fmt: skip
def test_each_figure_leads_to_as_many_rows(contracts_site: Any, choices: dict[str, Any]) -> None:
    page = ask(contracts_site, "", "en", **choices).text
    links = re.findall(r'<td><a class="number" href="([^"]+)" rel="nofollow">(\d+)</a>', page)
    if choices["by"] == "supplier":
        assert not links, "a page of the table cannot say it"
        return
    assert links
    for address, shown in links[:4]:
        place, _mark, query = unescape(address).partition("?")
        if place.endswith("analytics"):
            body = contracts_site.get(f"{place}.json?{query}").json()
            assert body["row_count"] == sum(int(n) for own, n in links if own == address), body
        else:
            assert contracts_site.get(f"{place}.json?{query}&_extra=count").json()["count"] == int(shown)


@pytest.mark.parametrize("language", LANGUAGES)
def test_page_in_every_language(contracts_site: Any, language: str) -> None:
    page = contracts_site.get(f"/ask?{urlencode(JOURNALIST)}", language)
    assert page.status_code == 200 and f'<html lang="{language}">' in page.text
    assert len(page.text) < 100_000 and "Traceback" not in page.text
    number = {"es": "1,000,000", "en": "1,000,000", "pt": "1.000.000", "fr": "1\u202f000\u202f000"}[language]
    assert number in page.text or language == "es"
    assert contracts_site.get("/ask", language).status_code == 200


def test_the_workbook_has_the_figures_and_says_what_they_are(contracts_site: Any) -> None:
    answer = ask(contracts_site, ".xlsx", "es", by="supplier", measure="sum")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    figures_sheet, about = book.worksheets
    rows = list(figures_sheet.iter_rows(values_only=True))
    assert len(rows) - 1 == int(answer.headers["x-row-count"]) and sum(row[3] for row in rows[1:]) == 54
    told = {row[1] for row in about.iter_rows(values_only=True)}
    assert any(str(each).startswith("SELECT") for each in told) and any("/v/" in str(each) for each in told)
    assert answer.headers["content-disposition"].startswith("attachment; filename=")


def test_csv_and_parquet_are_the_same_sql(contracts_site: Any) -> None:
    page = ask(contracts_site, "", "en", by="year").text
    place = unescape(re.search(r'href="([^"]*analytics\.csv[^"]*)"', page)[1])  # type: ignore[index]
    lines = contracts_site.get(place).text.splitlines()
    assert lines[0] == "group,currency,n,n_with_amount,total,median" and len(lines) > 3


def test_the_lasting_address_answers_after_a_newer_release(contracts_site: Any) -> None:
    name = contracts_site.release.name
    lasting = contracts_site.get(f"/v/{name}/ask.json?{urlencode(JOURNALIST)}").json()
    assert lasting["groups"] == ask(contracts_site, **JOURNALIST).json()["groups"]
    older = contracts_site.release.parent / "2020.1.1"
    shutil.copytree(contracts_site.release, older)
    try:
        old = contracts_site.get(f"/v/2020.1.1/ask.json?{urlencode(JOURNALIST)}")
        assert old.status_code == 200 and old.json()["release"] == "2020.1.1"
        assert old.json()["groups"] == lasting["groups"] and "immutable" in old.headers["cache-control"]
        page = contracts_site.get(f"/v/2020.1.1/ask?{urlencode(JOURNALIST)}", "en").text
        assert "2020.1.1" in page and 'href="/v/2020.1.1/ingp' not in page
    finally:
        contracts_site.datasette.asking._sources.pop("2020.1.1").workers.close()
        shutil.rmtree(older)
    assert contracts_site.get("/v/2019.1.1/ask").status_code == 404


def test_nothing_to_ask_for(empty_site: Any) -> None:
    assert empty_site.get("/ask", "fr").status_code == 404
    assert empty_site.get("/search?q=contracts+2023+direct", "fr").status_code == 200


HOSTILE = ("<script>alert(1)</script>", "'; DROP TABLE x; --", '"><img src=x onerror=alert(1)>', "x" * 4_000, "a\0b", "😀", "{{7*7}}", "%s%n", "../../etc/passwd")  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_any_choice_gives_an_answer(contracts_site: Any, text: str) -> None:
    names = (
        "what",
        "over",
        "under",
        "currency",
        "since",
        "until",
        "method",
        "status",
        "member",
        "buyer",
        "supplier",
        "by",
        "measure",
        "q",
    )
    answer = ask(contracts_site, "", "en", **dict.fromkeys(names, text))
    assert answer.status_code == 200
    assert "<script" not in answer.text and "<img src=x" not in answer.text and ">49<" not in answer.text
    assert ask(contracts_site, ".json", "en", **dict.fromkeys(names, text)).json()["ok"] is True


def test_many_choices_are_bounded(contracts_site: Any) -> None:
    asked = [("member", "PRY")] * 1500 + [("method", "direct")] * 1500
    assert contracts_site.get(f"/ask.json?{urlencode(asked)}").json()["n"] == 14


# Charts


def test_charts_are_pictures_that_say_what_they_show(contracts_site: Any) -> None:
    page = ask(contracts_site, "", "en", by="year", measure="sum").text
    places = [unescape(each) for each in re.findall(r'<img src="([^"]*chart\.svg[^"]*)"', page)]
    assert len(places) == 3, "one for each currency: they have no common axis"
    answer = contracts_site.get(places[0])
    assert (
        answer.headers["content-type"].startswith("image/svg+xml")
        and "immutable" in answer.headers["cache-control"]
    )
    root = ET.fromstring(answer.text)
    title, description = root[0].text or "", root[1].text or ""
    assert "Contracts" in title and re.search(r"2022: [\d.,]+", description)
    assert "immutable" not in contracts_site.get("/chart.svg?by=year", "en").headers["cache-control"]
    assert contracts_site.get(places[0].replace("by=year", "by=%3Cscript%3E")).status_code == 200


def test_a_chart_says_no_data(contracts_site: Any) -> None:
    svg = contracts_site.get(f"/chart.svg?{urlencode({**JOURNALIST, 'size': 'small', '_lang': 'es'})}").text
    assert "sin datos" in svg and "no lo indican sus datos" in svg


# Frames


def test_only_frames_may_be_framed(contracts_site: Any) -> None:
    framed = (
        "/embed/ask?by=year",
        "/embed/ingp/procurement_contracts_flat?member_code=PRY",
        "/embed/sql?sql=select+1+as+x",
    )
    for place in (*framed, "/ask", "/ingp/procurement_contracts_flat", "/embed/ingp/nothing", "/chart.svg"):
        answer = contracts_site.get(place, "en")
        everybody = "frame-ancestors *" in answer.headers["content-security-policy"]
        assert everybody == (place in framed), place
        assert (
            "x-may-be-framed" not in answer.headers
            and "script-src" not in answer.headers["content-security-policy"]
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_frame_is_small_and_says_where_it_is_from(contracts_site: Any, language: str) -> None:
    name = contracts_site.release.name
    for place in (
        "ask?by=member",
        "ingp/procurement_contracts_flat?procurement_method=direct&_search=puente",
        "sql?sql=select+1+as+x",
    ):
        answer = contracts_site.get(f"/{language}/v/{name}/embed/{place}")
        assert answer.status_code == 200 and f'<html lang="{language}">' in answer.text
        assert len(answer.content) < 30_000 and f"/v/{name}/" in answer.text and "CC BY" in answer.text


def test_what_has_no_room_is_told(contracts_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = contracts_site.get("/embed/ingp/procurement_contracts_flat", "en").text
    columns = len(contracts_site.get("/ingp/procurement_contracts_flat.json?_size=1").json()["rows"][0])
    told = re.search(r"(\d+) of (\d+) columns", frame)
    assert told and int(told[1]) == frame.count('<th scope="col">') < int(told[2]) in (columns, columns - 1)
    assert (
        "of %(n)s" not in frame
        and "columns" not in contracts_site.get("/embed/sql?sql=select+1+as+x", "en").text
    )
    # Plugins are files that Datasette reads: their names are those of the functions that they have registered.
    drawing = contracts_site.datasette.chart_addresses.__globals__
    whole = ask(contracts_site, "", "es", by="year", measure="sum").text
    assert "caben las primeras" not in whole and "las 3 monedas con más filas, de 4" in whole
    monkeypatch.setitem(drawing, "MOST_BARS", 1)
    monkeypatch.setitem(drawing, "MOST_CHARTS", 1)
    cut = ask(contracts_site, "", "es", by="year", measure="median").text
    assert "caben las primeras 1 de" in cut and "las 1 monedas con más filas, de 4" in cut


def test_the_snippet_is_one_frame_with_release_and_language(contracts_site: Any) -> None:
    name = contracts_site.release.name
    for place in (
        "/ask?by=year",
        "/ingp/procurement_contracts_flat?buyer_name=Municipalidad+%3Cb%3Ex%3C%2Fb%3E",
    ):
        page = contracts_site.get(place, "pt").text
        snippet = unescape(re.search(r'<textarea[^>]*id="snippet"[^>]*>(.*?)</textarea>', page, re.DOTALL)[1])  # type: ignore[index]
        assert snippet.startswith("<iframe src=") and snippet.count("<") == 2
        source = unescape(re.search(r'src="([^"]+)"', snippet)[1])  # type: ignore[index]
        assert f"/pt/v/{name}/embed/" in source and "_lang" not in source
        assert contracts_site.get(source.partition("localhost")[2] or source).status_code == 200


def test_frames_escape_and_refuse(contracts_site: Any) -> None:
    shown = contracts_site.get(
        "/embed/ingp/procurement_contracts_flat?member_code=PRY&_col=contract_title", "en"
    ).text
    assert "&lt;script&gt;alert(1)" in shown and "<script" not in shown
    wrong = contracts_site.get(f"/embed/sql?{urlencode({'sql': 'drop table x', 'title': '<script>'})}", "en")
    assert wrong.status_code == 400 and "<script" not in wrong.text
    assert contracts_site.get("/embed/ingp/procurement_contracts_flat?nothing=1", "en").status_code == 400
    assert contracts_site.get("/v/2019.1.1/embed/sql?sql=select+1").status_code == 404
