"""Ready questions: the answer, what it rests on, where it comes from, what cannot be answered."""

import json
import shutil
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.catalogue.questions import load_questions


def test_front_page_leads_to_twelve_questions(site: Any, catalogue: Catalogue) -> None:
    questions = load_questions(catalogue.folder)
    home = unescape(site.get("/", "pt").text)
    assert len(questions.by_slug) == 12
    for slug in questions.by_slug:
        assert f'<a href="/questions/{slug}">{questions.texts["pt", slug].title}</a>' in home
    assert '<form class="search-row" action="/search" method="get"' in home and 'name="q"' in home


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_has_a_page(site: Any, catalogue: Catalogue, language: str) -> None:
    questions = load_questions(catalogue.folder)
    for slug in questions.by_slug:
        answer = site.get(f"/questions/{slug}", language)
        assert answer.status_code == 200
        assert questions.texts[language, slug].title in unescape(answer.text)
        assert len(answer.content) < 100_000


def test_answer_says_numerator_denominator_and_share(site: Any) -> None:
    told = site.get("/questions/single-bid.json").json()
    by_member = {row["member_code"]: row for row in told["rows"]}
    assert by_member["XAA"]["single_bid_processes"] == 12 and by_member["XAA"]["processes_with_bids"] == 60
    assert by_member["XAA"]["single_bid_percent"] == 20.0
    assert by_member["XCC"]["processes_with_bids"] == 3 and by_member["XCC"]["single_bid_percent"] is None
    assert "63" in told["sentence"] and "12" in told["sentence"]
    assert (
        told["caveats"]
        and told["method"]
        and told["url"].endswith(f"/v/{told['release']}/questions/single-bid")
    )


def test_few_cases_give_no_share_and_no_data_is_not_zero(site: Any) -> None:
    page = site.get("/questions/single-bid", "en").text
    assert "fewer than 20 cases" in page and "20&nbsp;%" in page
    coverage = site.get("/questions/single-bid.json").json()["coverage"]
    paraguay = next(each for each in coverage if each["member_code"] == "PRY")
    assert paraguay["counted"] is None and paraguay["universe"] is None
    assert sum(1 for each in coverage if each["counted"] is None) == 32
    assert "No data:" in page and '<a href="/members/PRY">' in page


def test_numbers_lead_to_their_rows(site: Any) -> None:
    row = site.get("/questions/single-bid.json").json()["rows"]
    xaa = next(each for each in row if each["member_code"] == "XAA")
    place = xaa["rows_url"].removeprefix("https://data.example.org")
    assert f'href="{place}"' in unescape(site.get("/questions/single-bid", "en").text)
    path, _question, query = place.partition("?")
    behind = site.get(f"{path}.json?{query}&_extra=count").json()
    assert behind["count"] == xaa["single_bid_processes"]


def test_shown_query_gives_the_shown_answer(site: Any) -> None:
    for slug in ("single-bid", "direct-awards", "biggest-contracts", "who-publishes"):
        told = site.get(f"/questions/{slug}.json").json()
        again = site.get(f"/ingp/-/analytics.json?sql={quote(told['sql'])}").json()
        assert again["row_count"] == told["rows_count"] > 0
        for shown, asked in zip(told["rows"], again["rows"], strict=True):
            shown.pop("rows_url")
            assert {key: _number(value) for key, value in shown.items()} == {
                key: _number(value) for key, value in asked.items()
            }
        page = unescape(site.get(f"/questions/{slug}", "en").text)
        assert f"/ingp/-/analytics.csv?sql={quote(told['sql'], safe='')[:20]}" in page.replace("+", "%20")
        assert told["sql"] in page


def _number(value: Any) -> Any:
    """The page's numbers are JSON's, the query's exact decimals come as text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def test_currencies_are_never_added(site: Any) -> None:
    told = site.get("/questions/direct-awards.json").json()
    totals = {row["contract_value_currency"]: row["total_value"] for row in told["rows"]}
    assert totals == {"USD": 6001.5, "EUR": 4000.5}


def test_a_question_without_its_table_says_what_is_missing(site: Any, empty_site: Any) -> None:
    page = unescape(site.get("/questions/days-to-award", "es").text)
    assert "No se puede responder con esta edición." in page and "Adjudicaciones" in page
    assert not site.get("/questions/days-to-award.json").json()["answered"]
    thresholds = site.get("/questions/under-thresholds", "en").text
    assert "Needed: for each member, procedure and kind of purchase" in thresholds
    for slug in ("single-bid", "who-publishes", "what-changed"):
        assert empty_site.get(f"/questions/{slug}", "fr").status_code == 200
        assert not empty_site.get(f"/questions/{slug}.json").json()["answered"]


def test_members_texts_are_escaped(site: Any) -> None:
    page = site.get("/questions/biggest-contracts", "en").text
    assert "Obra &lt;vial&gt; 4" in page and "<vial>" not in page
    assert "Vialidad &amp; Hijos" in page


def test_answer_of_one_member(site: Any) -> None:
    page = site.get("/questions/single-bid?member=XCC", "en").text
    table = page[page.index('id="answer"') : page.index('id="rests"')]
    assert "/members/XCC" in table and "/members/XAA" not in table
    assert 'name="robots" content="noindex"' in page


def test_unknown_question_is_not_found(site: Any) -> None:
    assert site.get("/questions/nothing-of-the-kind").status_code == 404
    assert site.get("/v/1999.1.1/questions/single-bid").status_code == 404


@pytest.fixture
def old_release(site: Any) -> Iterator[str]:
    """A release beside the served one, with an answer of 3,200 lines: 32 members, ten years, ten currencies."""
    name = "2001.1.1"
    folder = site.release.parent / name
    (folder / "site").mkdir(parents=True)
    for each in ("release.json", "datapackage.json"):
        shutil.copyfile(site.release / each, folder / each)
    columns = [
        "member_code",
        "year",
        "contract_value_currency",
        "direct_contracts",
        "contracts_counted",
        "direct_value",
        "total_value",
        "direct_percent",
    ]
    codes = [
        code for code, each in site.datasette.published.catalogue.members.items() if each.kind == "member"
    ]
    rows = [
        [code, year, f"X{kind:02}", 12, 345678, 123456789012.25, 999999999999.25, 12.3]
        for code in codes
        for year in range(2015, 2025)
        for kind in range(10)
    ]
    answer = {
        "sql": "SELECT 1", "columns": columns, "rows_count": len(rows), "rows": rows,
        "coverage": [{"member_code": code, "counted": 345678, "universe": 456789} for code in codes],
    }  # fmt: skip
    (folder / "site" / "answers.json").write_text(json.dumps({"direct-awards": answer}))
    yield name
    shutil.rmtree(folder)


def test_answers_of_older_releases_stay_and_pages_stay_small(site: Any, old_release: str) -> None:
    page = site.get(f"/v/{old_release}/questions/direct-awards", "es")
    assert page.status_code == 200 and len(page.content) < 100_000
    assert "Solo se muestran" in page.text or "primeras" in page.text
    assert f"/v/{old_release}/ingp/procurement_contracts_flat?" in page.text
    told = site.get(f"/v/{old_release}/questions/direct-awards.json").json()
    assert told["release"] == old_release and len(told["rows"]) == 3_200 and not told["truncated"]
    assert not site.get(f"/v/{old_release}/questions/single-bid.json").json()["answered"]


def test_permanent_address_is_the_page(site: Any) -> None:
    release = site.package["version"]
    lasting = site.get(f"/v/{release}/questions/single-bid", "en")
    assert lasting.status_code == 200
    assert f"/v/{release}/questions/single-bid" in site.get("/questions/single-bid", "en").text


def test_the_announced_count_of_one_member_is_that_of_its_rows(site: Any) -> None:
    told = site.get("/questions/who-publishes.json?member=XCC").json()
    assert told["rows"] and told["rows_count"] == len(told["rows"])
    assert {row["member_code"] for row in told["rows"]} == {"XCC"}
