"""What feeds say when something changes between releases, and that feed readers can read them (RFC 4287)."""

import json
import re
import shutil
from collections.abc import Iterator
from copy import deepcopy
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus
from xml.etree import ElementTree

import pytest

OLDER = "2025.11.7"
PUBLIC = "https://data.example.org"
A = "{http://www.w3.org/2005/Atom}"
SQL = quote_plus("select tender_status, count(*) as n from procurement_processes group by 1")
FEEDS = {
    "/feed.atom": "/v/",
    "/members/XAA.atom": "/members/XAA",
    "/ingp/procurement_processes.atom": "/ingp/procurement_processes",
    "/ingp/procurement_processes.atom?tender_status=active": "/ingp/procurement_processes?tender_status=active",
    f"/ingp/-/analytics.atom?sql={SQL}": f"/ingp/-/analytics?sql={SQL}",
    f"/ingp/-/query.atom?sql={SQL}": f"/ingp/-/query?sql={SQL}",
}


@pytest.fixture(scope="module")
def older(site: Any, packages: Any, build: Any) -> Iterator[str]:
    """The release before: one process of XAA with another title and status, another with a strange one."""
    before = deepcopy({key: dict(tables) for key, tables in packages.items()})
    rows = list(before[("XAA", "procurement")]["processes"])
    rows[1] = {**rows[1], "tender_title": "Título anterior", "tender_status": "planned"}
    before[("XAA", "procurement")]["processes"] = rows[:-1]
    target = site.release.parent / OLDER
    shutil.copytree(build(before), target)
    record = json.loads((target / "release.json").read_text())
    record["released_at"] = "2025-11-07T10:00:00+00:00"
    (target / "release.json").write_text(json.dumps(record))
    yield OLDER
    shutil.rmtree(target)


def ask(site: Any, path: str) -> Any:
    return site.runner.run(site.datasette.client.get(path))


def read(site: Any, path: str) -> Any:
    answer = ask(site, path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    return ElementTree.fromstring(answer.content)


def texts(feed: Any) -> dict[str, str]:
    """Release -> what its entry says."""
    return {
        entry.findtext(f"{A}id").split("/v/")[-1].split("/")[0]: entry.findtext(f"{A}content")
        for entry in feed.findall(f"{A}entry")
    }


@pytest.mark.parametrize("language", ["es", "en", "pt", "fr"])
@pytest.mark.parametrize("path", FEEDS)
def test_feeds_are_valid(site: Any, older: str, path: str, language: str) -> None:
    """What RFC 4287 asks for: 4.1.1, 4.1.2, 4.2.6, 4.2.7."""
    feed = read(site, f"/{language}{path}")
    own = f"{PUBLIC}/{language}{path}"
    assert feed.tag == f"{A}feed" and feed.get("{http://www.w3.org/XML/1998/namespace}lang") == language
    for part in (feed, *feed.findall(f"{A}entry")):
        for name in ("id", "title", "updated"):
            (only,) = part.findall(f"{A}{name}")
            assert only.text
        assert datetime.fromisoformat(part.findtext(f"{A}updated")).tzinfo
        alternates = [
            (link.get("type"), link.get("hreflang")) for link in part.findall(f"{A}link[@rel='alternate']")
        ]
        assert len(alternates) == len(set(alternates)) and ("text/html", language) in alternates
    assert feed.findtext(f"{A}id") == own == feed.find(f"{A}link[@rel='self']").get("href")
    pages = [link.get("href") for link in feed.findall(f"{A}link[@type='text/html']")]
    assert pages == [f"{PUBLIC}/{language}{FEEDS[path]}"]
    assert feed.findtext(f"{A}author/{A}name") and "creativecommons" in feed.findtext(f"{A}rights")
    entries = feed.findall(f"{A}entry")
    ids = [entry.findtext(f"{A}id") for entry in entries]
    assert len(ids) == len(set(ids)) == 2 and all(each.startswith(f"{PUBLIC}/{language}/v/") for each in ids)
    dates = [entry.findtext(f"{A}updated") for entry in entries]
    assert dates == sorted(dates, reverse=True) and feed.findtext(f"{A}updated") == dates[0]
    assert all(entry.find(f"{A}content").get("type") == "html" for entry in entries)


def test_ids_stay_the_same(site: Any, older: str) -> None:
    first, second = ([each.text for each in read(site, "/es/feed.atom").iter(f"{A}id")] for _time in range(2))
    assert first == second
    assert first[1] == f"{PUBLIC}/es/v/{site.package['version']}/changes/{OLDER}"


def test_what_each_feed_says(site: Any, older: str) -> None:
    now = site.package["version"]
    counted = "Rows added: 1; removed: 0; changed: 1."
    assert counted in texts(read(site, "/en/feed.atom"))[now]
    assert counted in texts(read(site, "/en/members/XAA.atom"))[now]
    assert counted in texts(read(site, "/en/ingp/procurement_processes.atom"))[now]
    assert set(texts(read(site, "/en/members/XCC.atom"))) == {OLDER}
    assert set(texts(read(site, "/en/ingp/procurement_contracts.atom"))) == {OLDER}
    active = texts(read(site, "/en/ingp/procurement_processes.atom?tender_status=active&_next=1"))
    assert "31 rows, before 29: 2 new, 0 no longer there." in active[now]
    assert "Rows of the answer: 29" in active[OLDER]
    found = texts(read(site, "/en/ingp/procurement_processes.atom?_search=anterior"))
    assert "0 rows, before 1: 0 new, 1 no longer there." in found[now]
    unchanged = texts(read(site, "/en/ingp/procurement_processes.atom?member_code=XCC"))
    assert set(unchanged) == {OLDER}
    grouped = texts(read(site, f"/en/ingp/-/analytics.atom?sql={SQL}"))
    assert "2 rows, before 3: 1 new, 2 no longer there." in grouped[now]


@pytest.mark.parametrize("sql", ["select+*+from+nothing", "drop+table+codelists", "select+1;select+2"])
def test_a_question_that_cannot_be_compared_says_so(site: Any, older: str, sql: str) -> None:
    (entry,) = read(site, f"/en/ingp/-/analytics.atom?sql={sql}").findall(f"{A}entry")
    assert "cannot be compared" in entry.findtext(f"{A}content")
    assert entry.findtext(f"{A}id")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ingp/nothing.atom", 404),
        ("/members/NOBODY.atom", 404),
        ("/ingp/-/analytics.atom", 404),
        ("/ingp/procurement_processes.atom?nothing=1", 400),
    ],
)
def test_no_such_feed(site: Any, path: str, status: int) -> None:
    assert ask(site, path).status_code == status


def test_pages_name_their_feeds(site: Any) -> None:
    link = r'<link rel="alternate" type="application/atom\+xml" title="[^"]+" href="([^"]+)">'
    assert re.findall(link, site.get("/es/").text) == ["/es/feed.atom"]
    page = site.get("/es/ingp/procurement_processes?tender_status=active&_size=5").text
    assert re.findall(link, page) == [
        "/es/ingp/procurement_processes.atom?tender_status=active",
        "/es/feed.atom",
    ]
    page = site.get("/es/ingp/-/analytics?sql=select+1").text
    assert re.findall(link, page)[0] == "/es/ingp/-/analytics.atom?sql=select+1"


@pytest.mark.parametrize("language", ["es", "en", "pt", "fr"])
def test_the_page_of_feeds_leads_to_them(site: Any, language: str) -> None:
    page = site.get(f"/{language}/feeds")
    assert page.status_code == 200
    for path in ("/feed.atom", "/members/XAA.atom", "/ingp/procurement_processes.atom"):
        assert f'href="/{language}{path}"' in page.text


def test_feeds_cost_a_stranger_nothing_twice(site: Any, older: Path) -> None:
    path = f"/es/ingp/-/analytics.atom?sql={SQL}"
    ask(site, path)
    known = dict(site.datasette.answers._known)
    ask(site, path)
    assert site.datasette.answers._known == known
