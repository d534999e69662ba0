"""A withdrawn table comes out nowhere, however its address is written, and the rest of the site stays."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from pipelines.publication.withdrawn import REGISTER, withdraw_table

TABLE = "procurement_processes"
REASONS = {language: f"Reason in {language}" for language in ("es", "en", "pt", "fr")}
TITLE = "Adquisici"
"""Begins the title of every other row of the table, and stands in no other."""


def ask(site: Any, path: str, **headers: str) -> Any:
    return site.runner.run(site.datasette.client.get(path, headers=headers, follow_redirects=True))


@pytest.fixture
def withdrawn(site: Any) -> Iterator[str]:
    # Asked once before: what the site knows by heart by then must not come out either.
    ask(site, "/ask?what=tenders")
    ask(site, "/search?q=papel")
    withdraw_table(site.release.parent, TABLE, REASONS)
    yield TABLE
    (site.release.parent / REGISTER).unlink()


SELECT = urlencode({"sql": f"select tender_title from {TABLE}"})


@pytest.mark.parametrize(
    "path",
    [
        "/ingp/procurement~5Fprocesses",
        "/ingp/procurement~5Fprocesses.json",
        "/ingp/procurement~5Fprocesses.csv",
        "/ingp/procurement~5Fprocesses.atom",
        f"/in~67p/{TABLE}.json",
        f"/in~67p/{TABLE}.csv",
        f"/in~67p/-/query.json?{SELECT}",
        f"/~69ngp/-/query.csv?{SELECT}",
        f"/ingp/{TABLE}_fts.json",
        f"/ingp/{TABLE}_fts_data.json",
        f"/ingp/{TABLE}/-/autocomplete?q=a",
        "/ingp.db",
        "/in~67p.db",
        f"/embed/sql?{SELECT}",
        f"/v/RELEASE/embed/sql?{SELECT}",
        f"/v/RELEASE/ingp/-/analytics.json?{SELECT}",
        f"/v/RELEASE/in~67p/{TABLE}.json",
        "/ingp/activity_activities.json?" + urlencode({"_where": f"0 or (select count(*) from {TABLE})"}),
        "/ingp/activity_activities.csv?" + urlencode({"_where": f"0 or (select count(*) from {TABLE})"}),
    ],
)
def test_no_address_gives_its_rows(site: Any, withdrawn: str, path: str) -> None:
    answer = ask(site, path.replace("RELEASE", site.package["version"]))
    assert answer.status_code in (404, 410) and TITLE not in answer.text


@pytest.mark.parametrize(
    "path", ["/embed/ingp/activity_activities", "/v/RELEASE/embed/ingp/activity_activities"]
)
def test_a_frame_asks_no_other_table(site: Any, withdrawn: str, path: str) -> None:
    asked = urlencode({"_where": f"(select count(*) from {TABLE}) > 0"})
    assert "Taller" not in ask(site, f"{path.replace('RELEASE', site.package['version'])}?{asked}").text


@pytest.mark.parametrize("prefix", ["", "/v/RELEASE"])
def test_guided_questions_do_not_read_it(site: Any, withdrawn: str, prefix: str) -> None:
    place = prefix.replace("RELEASE", site.package["version"])
    body = ask(site, f"{place}/ask.json?what=tenders&by=buyer").json()
    assert body["question"]["what"] == ["contracts"] and ["what", "tenders"] in [
        [key, *values] for key, values in body["left_out"].items()
    ]


def test_questions_tell_no_figure_of_it(site: Any, withdrawn: str) -> None:
    told = {each["question"]: each["answered"] for each in ask(site, "/questions.json").json()["questions"]}
    gone = {
        slug
        for slug, each in site.datasette.questions.by_slug.items()
        if withdrawn in each.tables and each.sql
    }
    assert gone and not any(told[slug] for slug in gone)


def test_the_rest_can_still_be_searched(site: Any, withdrawn: str) -> None:
    found = ask(site, "/search.json?q=obra")
    assert found.status_code == 200
    tables = {each["table"] for each in found.json()["tables"]}
    assert tables and withdrawn not in tables


@pytest.mark.parametrize("table", ["procurement_award_suppliers", "procurement_parties", TABLE])
def test_names_of_organisations_go_with_the_table_that_they_came_from(site: Any, table: str) -> None:
    assert ask(site, "/suppliers.json").json()["rows"]
    withdraw_table(site.release.parent, table, REASONS)
    try:
        for path in ("/suppliers.json", "/suppliers.csv", "/buyers"):
            assert ask(site, path).status_code == 404
        page = ask(site, "/processes/XAA/ocds-xaa000-001").text
        assert "/suppliers/" not in page
        filtered = ask(site, "/ingp/procurement_contracts_flat.json?_supplier=XAA-0123456789abcdef")
        assert filtered.status_code == 400
    finally:
        (site.release.parent / REGISTER).unlink()


def test_a_file_of_an_older_release_does_not_go_with_it(site: Any) -> None:
    folder = site.release.parent / "2025.1.2"
    folder.symlink_to(site.release, target_is_directory=True)
    withdraw_table(site.release.parent, TABLE, REASONS, [site.package["version"]])
    try:
        assert ask(site, "/v/2025.1.2/ingp.db").status_code == 200
        assert ask(site, f"/v/{site.package['version']}/ingp.db").status_code == 410
    finally:
        (site.release.parent / REGISTER).unlink()
        folder.unlink()


def test_feeds_count_nothing_in_a_release_that_gives_it_no_longer(site: Any) -> None:
    folder = site.release.parent / "2025.1.3"
    folder.symlink_to(site.release, target_is_directory=True)
    withdraw_table(site.release.parent, TABLE, REASONS, ["2025.1.3"])
    try:
        for path in (f"/ingp/{TABLE}.atom?tender_status=active", f"/ingp/-/query.atom?{SELECT}"):
            feed = ask(site, path)
            assert feed.status_code == 200 and "/v/2025.1.3/" not in feed.text
    finally:
        (site.release.parent / REGISTER).unlink()
        folder.unlink()
