"""Search over everything: what is found, counted, marked and offered; every input gives an answer."""

import re
from collections import Counter
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from pipelines.serving.search import CLOSED, MOST_WORDS, OPENED, read_narrowing, read_words

LANGUAGES = ("es", "en", "pt", "fr")
FLAT = "procurement_contracts_flat"


def search(site: Any, q: str, language: str = "en", form: str = ".json", **more: str) -> Any:
    return site.get(f"/search{form}?{urlencode({'q': q, **more})}", language)


def table(body: dict[str, Any], name: str = FLAT) -> dict[str, Any]:
    return next(each for each in body["tables"] if each["table"] == name)


def counts(body: dict[str, Any], facet: str) -> dict[Any, int]:
    return {
        (each["value"], each["currency"]) if "currency" in each else each["value"]: each["count"]
        for each in body["facets"].get(facet, [])
    }


@pytest.mark.parametrize(
    "q", ["reparacion puente", "REPARACIÓN Puente", '"reparación del puente"', "puente; reparación!"]
)
def test_accents_capitals_and_signs_do_not_matter(contracts_site: Any, q: str) -> None:
    found = table(search(contracts_site, q).json())
    assert found["count"] == 27 and found["count_is_exact"] is True


def test_all_tables_are_searched(site: Any) -> None:
    body = search(site, "papel").json()
    assert table(body, "procurement_processes")["count"] == 32
    assert {each["table"] for each in search(site, "compras").json()["tables"]} == {"activity_activities"}


def test_facets_count_what_was_found(contracts_site: Any, contract_packages: Any) -> None:
    rows = [
        (member, row)
        for (member, _kind), tables in contract_packages.items()
        for row in tables["contracts_flat"]
        if "puente" in row["tender_title"]
    ]
    body = search(contracts_site, "puente").json()
    assert counts(body, "member") == Counter(member for member, _row in rows)
    assert counts(body, "year") == Counter(row["contract_date_signed"][:4] for _member, row in rows)
    assert counts(body, "method") == Counter(
        row["procurement_method"] for _member, row in rows if row["procurement_method"]
    )
    assert counts(body, "category") == Counter(row["main_procurement_category"] for _member, row in rows)
    low = Counter(
        (str(10 ** (len(row["contract_value_amount"].partition(".")[0]) - 1)), row["contract_value_currency"])
        for _member, row in rows
        if row["contract_value_amount"]
    )
    assert counts(body, "amount") == low


@pytest.mark.parametrize("narrowed", [{"member": "PRY"}, {"year": "2022"}, {"method": "direct"}, {"category": "works"}, {"status": "active"},
                                      {"currency": "BRL", "over": "1000000", "below": "10000000"}, {"member": "BRA", "year": "2023", "method": "direct"}])  # fmt: skip
def test_a_facet_leaves_as_many_rows_as_it_counted_and_as_the_table_has(
    contracts_site: Any, narrowed: dict[str, str]
) -> None:
    body = search(contracts_site, "puente", **narrowed).json()
    found = table(body)
    exact = contracts_site.get(
        found["exact"].partition("localhost")[2].replace("?", ".json?", 1) + "&_extra=count"
    ).json()
    assert found["count"] == exact["count"] > 0
    if len(narrowed) == 1:
        ((name, value),) = narrowed.items()
        assert counts(search(contracts_site, "puente").json(), name)[value] == found["count"]


def test_links_of_facets_narrow_and_widen(contracts_site: Any) -> None:
    page = search(contracts_site, "puente", form="").text
    place = unescape(re.search(r'href="(/search\?q=puente&amp;member=PRY)"', page)[1])  # type: ignore[index]
    narrowed = contracts_site.get(place, "en").text
    assert 'aria-current="true"' in narrowed and "14 rows found." in narrowed
    assert re.search(r'href="/search\?q=puente" rel="nofollow">remove', narrowed)


def test_found_words_are_marked_and_everything_else_is_escaped(contracts_site: Any) -> None:
    page = search(contracts_site, "script alert", form="").text
    assert "&lt;<mark>script</mark>&gt;<mark>alert</mark>(1)&lt;/<mark>script</mark>&gt;" in page
    assert "<script" not in page and OPENED not in page and CLOSED not in page


def test_pages_of_one_table_go_through_all_rows_once(contracts_site: Any) -> None:
    seen = []
    for number in ("1", "2", "3"):
        rows = table(search(contracts_site, "contrato", table=FLAT, page=number).json())["rows"]
        seen += [tuple(row["key"]) for row in rows]
    assert len(seen) == len(set(seen)) == 54
    assert (
        contracts_site.get(f"/search?{urlencode({'q': 'contrato', 'table': FLAT})}", "en").text.count(
            "<li><h3>"
        )
        == 20
    )


def test_each_hit_leads_to_its_row(contracts_site: Any) -> None:
    for row in table(search(contracts_site, "puente").json())["rows"]:
        assert contracts_site.get(row["url"].partition("localhost")[2]).status_code == 200


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("pt", "contratos diretos 2023 acima de 1 milhao"), ("es", "contratos directos de más de 1 millón en 2023"),
     ("en", "direct contracts over 1 million in 2023"), ("fr", "contrats de gré à gré de plus de 1 million en 2023")],
)  # fmt: skip
def test_a_sentence_is_offered_as_a_question(contracts_site: Any, language: str, sentence: str) -> None:
    page = search(contracts_site, sentence, language, form="").text
    place = unescape(re.search(r'class="button" href="(/ask\?[^"]+)"', page)[1])  # type: ignore[index]
    assert {"what=contracts", "over=1000000", "since=2023", "until=2023", "method=direct"} <= set(
        place.partition("?")[2].split("&")
    )
    assert contracts_site.get(place, language).status_code == 200
    words = contracts_site.datasette.published.in_language(language).code("direct", "method")
    assert f'<span class="chip">{words}</span>' in page


def test_words_beside_the_question_are_searched_among_its_rows(contracts_site: Any) -> None:
    page = search(contracts_site, "contratos diretos 2023 lapices", "pt", form="").text
    place = unescape(re.search(r'href="(/search\?q=lapices[^"]+)"', page)[1])  # type: ignore[index]
    assert "method=direct" in place and "year=2023" in place
    assert contracts_site.get(place, "pt").status_code == 200


def test_two_words_that_are_no_question_are_only_searched(contracts_site: Any) -> None:
    assert search(contracts_site, "ministerio puente").json()["question"] is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_in_every_language(contracts_site: Any, language: str) -> None:
    for q in ("puente", "zzzz yyyy", "", "!!!"):
        page = search(contracts_site, q, language, form="")
        assert (
            page.status_code == 200 and f'<html lang="{language}">' in page.text and len(page.text) < 60_000
        )
    assert 'href="/ask"' in search(contracts_site, "zzzz yyyy", language, form="").text


HOSTILE = (
    '"', '""""', "'", "a AND", "NOT", "(", "NEAR(a b)", "a*", "col:a", "^a", "{a b}", "-a", "a\0b", "\0", "😀", "😀 papel", "%", "\\",
    "<script>alert(1)</script>", "'; DROP TABLE x; --", "x" * 10_000, "papel " * 1_600, "٣", "\ue000a\ue001", "\u202e", "{{7*7}}", "NULL",
)  # fmt: skip


@pytest.mark.parametrize("q", HOSTILE)
def test_any_text_gives_an_answer(contracts_site: Any, q: str) -> None:
    body = search(contracts_site, q)
    assert body.status_code == 200 and body.json()["ok"] is True
    page = search(contracts_site, q, form="")
    assert page.status_code == 200 and "<script" not in page.text and ">49<" not in page.text
    assert len(page.text) < 100_000


@pytest.mark.parametrize("more", [{"table": "x'; DROP"}, {"page": "-1"}, {"page": "9999"}, {"page": "99999999999999"}, {"year": "٢٠٢٣"}, {"over": "1e400"},
                                  {"member": "' OR 1=1"}, {"method": "direct' --"}, {"table": FLAT, "page": "400"}, {"currency": "usd"}])  # fmt: skip
def test_any_facet_gives_an_answer(contracts_site: Any, more: dict[str, str]) -> None:
    assert search(contracts_site, "puente", **more).status_code == 200
    assert search(contracts_site, "puente", form="", **more).status_code == 200


def test_what_is_bounded_says_so(contracts_site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    searching = contracts_site.datasette.searching
    monkeypatch.setitem(type(searching)._found.__globals__, "MOST", 10)
    searching._kept.clear()
    ask = contracts_site.runner.run(contracts_site.datasette.client.get("/search.json?q=contrato"))
    found = table(ask.json())
    assert found["count"] == 10 and found["count_is_exact"] is False
    page = contracts_site.runner.run(contracts_site.datasette.client.get("/search?q=contrato")).text
    assert "More than 10 rows" in page and "_search=contrato" in page
    searching._kept.clear()


def test_old_releases_are_not_searched(contracts_site: Any) -> None:
    assert contracts_site.get("/v/2019.1.1/search?q=a").status_code == 404
    assert contracts_site.get(f"/v/{contracts_site.release.name}/search.json?q=puente").json()["ok"] is True


def test_words_are_phrases_without_operators() -> None:
    assert read_words('uno "dos  tres" a* (b) "').expression == '"uno" "dos tres" "a*" "(b)"'
    assert read_words("!!! 😀").expression == "" and read_words("a" * 5000).is_cut
    assert len(read_words(" ".join(map(str, range(100)))).words) == MOST_WORDS
    assert read_narrowing([("year", "1"), ("member", "prY"), ("over", "5,5"), ("method", "a b")]).pairs() == [
        ("over", "5")
    ]
