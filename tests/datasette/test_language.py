"""Which language a page is in, and how a reader changes it without losing the place."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from datasette.utils import PrefixedUrlString

from pipelines.cli.site import datasette_command


def language_of(answer: Any) -> str:
    return re.search(r'<html lang="(\w+)">', answer.text).group(1)


@pytest.mark.parametrize(
    ("wish", "given"),
    [
        ("fr-CA,fr;q=0.9,en;q=0.8", "fr"),
        ("de,pt-BR;q=0.7,en;q=0.3", "pt"),
        ("en;q=0.2, es-419;q=0.9", "es"),
        ("de", "en"),
        ("es;q=0, pt", "pt"),
        ("fr;q=broken, es", "es"),
        ("", "en"),
    ],
)
def test_language_of_the_browser(site: Any, wish: str, given: str) -> None:
    assert language_of(site.get("/", accept_language=wish)) == given


def test_choice_goes_before_the_browser_and_the_address_before_the_choice(site: Any) -> None:
    assert language_of(site.get("/", "fr", cookie="ingp_lang=pt")) == "pt"
    assert language_of(site.get("/es/", "fr", cookie="ingp_lang=pt")) == "es"
    answer = site.get("/?_lang=es", "fr", cookie="ingp_lang=pt")
    assert answer.status_code == 302 and answer.headers["location"] == "/es/"
    assert answer.headers["set-cookie"].startswith("ingp_lang=es;")


@pytest.mark.parametrize("cookie", ["ingp_lang=xx", "ingp_lang=", '=;;=,"', "ingp_lang=../../etc"])
def test_strange_cookies_do_no_harm(site: Any, cookie: str) -> None:
    assert language_of(site.get("/?_lang=xx", "fr", cookie=cookie)) == "fr"


@pytest.mark.parametrize("here", ["", "/fr", "/v/{release}", "/fr/v/{release}"])
def test_switch_keeps_the_place(site: Any, here: str) -> None:
    lasting = here.replace("/fr", "").format(release=site.package["version"])
    place = "/ingp/procurement_processes?_search=papel&tender_status=active"
    html = site.get(here.format(release=site.package["version"]) + place).text
    switch = unescape(re.search(r'<a href="([^"]+)" lang="pt"', html).group(1))
    answer = site.get(switch)
    assert answer.status_code == 302
    assert answer.headers["location"] == f"/pt{lasting}{place}"
    assert answer.headers["set-cookie"].startswith("ingp_lang=pt;")
    assert language_of(site.get(answer.headers["location"], "fr")) == "pt"


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "/%0d%0aSet-Cookie:x=1",
        "/%09/evil.example",
        "javascript:alert(1)",
        "evil",
        "",
    ],
)
def test_switch_leads_to_no_other_site(site: Any, place: str) -> None:
    assert site.get(f"/-/lang/es?to={place}").headers["location"] == "/es/"


def test_pages_name_their_other_languages(site: Any) -> None:
    at = "https://data.example.org"
    for path in (
        "/fr/ingp/procurement_processes",
        f"/fr/v/{site.package['version']}/ingp/procurement_processes",
    ):
        html = site.get(path, "en").text
        assert f'<link rel="canonical" href="{at}/fr/ingp/procurement_processes">' in html
        for code in ("es", "en", "pt", "fr"):
            assert f'hreflang="{code}" href="{at}/{code}/ingp/procurement_processes">' in html
        assert f'hreflang="x-default" href="{at}/ingp/procurement_processes">' in html
    assert "canonical" not in site.get("/fr/nowhere").text


def own_links(html: str) -> set[str]:
    found = {unescape(link) for link in re.findall(r'(?:href|action)="([^"]*)"', html)}
    return {link.removeprefix("http://localhost") for link in found if re.match(r"/|http://localhost", link)}


TABLE = "/ingp/procurement_processes"
PAGES = (
    "/", "/members", "/ingp", TABLE, f"{TABLE}?_search=papel&_sort=ocid&_size=5", f"{TABLE}?_facet=tender_status&_size=5",
    f"{TABLE}/XAA,ocds-xaa000-001", "/ingp/-/query?sql=select+1", "/ingp/-/analytics?sql=select+1", "/ingp/-/schema",
    "/v/", "/v/{release}", "/v/{release}/ingp/procurement_processes?_size=5", "/nowhere", f"{TABLE}?_size=many",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_links_stay_in_the_language_of_the_address(site: Any, path: str) -> None:
    path = path.format(release=site.package["version"])
    answer = site.get(f"/pt{path}", "es")
    assert language_of(answer) == "pt" == answer.headers["content-language"]
    assert "Accept-Language" not in answer.headers["vary"]
    links = own_links(answer.text)
    pages = {link for link in links if link.startswith("/pt/")}
    assert "/pt/ingp" in pages and not [
        link for link in pages if re.match(r"[^?#]*\.(?!atom)[a-z]+([?#]|$)", link)
    ]
    others = links - pages
    plain = re.compile(r"/(assets/|files/|-/lang/|[^?#]*\.[a-z][a-z0-9]*([?#]|$))")
    assert {link for link in others if not plain.match(link)} == set()


@pytest.mark.parametrize("path", PAGES)
def test_an_address_without_a_language_names_none(site: Any, path: str) -> None:
    path = path.format(release=site.package["version"])
    answer = site.get(path, "pt")
    assert language_of(answer) == "pt" and "Accept-Language" in answer.headers["vary"]
    # The address of a frame is to be copied into an article, where it keeps its language.
    named = [link for link in own_links(answer.text) if re.match(r"/(es|en|pt|fr)(/|$)", link)]
    assert not [link for link in named if not re.match(r"/pt/v/[^/]+/embed/", link)]


def test_links_of_a_page_lead_to_pages(site: Any) -> None:
    html = site.get(f"/es{TABLE}?_facet=tender_status&_size=5").text
    next_page = next(link for link in own_links(html) if "_next=" in link and "_sort" not in link)
    facet = next(link for link in own_links(html) if "tender_status=active" in link)
    for link in (next_page, facet):
        assert link.startswith(f"/es{TABLE}?") and site.get(link).status_code == 200


def as_written(site: Any, path: str) -> Any:
    """The answer to an address that Datasette's client leaves as it is."""
    return site.runner.run(site.datasette.client.get(PrefixedUrlString(path)))


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        (f"/es{TABLE}.csv?tender_status=active", f"{TABLE}.csv?tender_status=active"),
        ("/fr/files/datapackage.json", "/files/datapackage.json"),
        ("/pt/robots.txt", "/robots.txt"),
        (
            f"/es{TABLE}?_filter_column=ocid&_filter_op=contains&_filter_value=1",
            f"/es{TABLE}?ocid__contains=1",
        ),
        (f"/es{TABLE}/", f"/es{TABLE}"),
        ("/es/latest/ingp/procurement_processes", "/es/v/{release}/ingp/procurement_processes"),
        ("/es/latest/datapackage.json", "/latest/datapackage.json"),
        (f"{TABLE}?tender_status=active&_lang=fr", f"/fr{TABLE}?tender_status=active"),
        (f"/es{TABLE}?_lang=fr", f"/fr{TABLE}"),
        (f"/v/{{release}}{TABLE}?_lang=fr", f"/fr/v/{{release}}{TABLE}"),
    ],
)
def test_redirects_keep_the_language(site: Any, asked: str, led: str) -> None:
    release = site.package["version"]
    answer = as_written(site, asked.format(release=release))
    assert answer.status_code in (301, 302)
    assert answer.headers["location"] == led.format(release=release)


@pytest.mark.parametrize(
    "path",
    [
        "/questions.json", "/questions/who-publishes.json", "/tables/procurement_processes.json",
        "/tables/procurement_processes/ocid.json", "/members.json", "/members/XAA.json", "/search.json?q=obra",
        "/ask.json", "/v/RELEASE/ask.json", "/v/RELEASE/ask.xlsx", "/v/RELEASE/cite/apa?of=ingp", "/chart.svg",
        "/ingp/procurement_processes.xlsx?member_code=XCC",
    ],
)  # fmt: skip
def test_words_are_not_kept_for_readers_of_another_language(site: Any, path: str) -> None:
    """A cache between us and readers must not give one language to all of them."""
    path = path.replace("RELEASE", site.package["version"])
    answer = site.get(path, "pt")
    vary = {part.strip() for part in answer.headers["vary"].split(",")}
    assert answer.headers["content-language"] == "pt" and {"Accept-Language", "Cookie"} <= vary
    chosen = site.get(f"{path}{'&' if '?' in path else '?'}_lang=fr", "pt", accept="*/*")
    if chosen.status_code == 200:
        assert chosen.headers["content-language"] == "fr" and "Accept-Language" not in chosen.headers["vary"]
    assert "Accept-Language" not in site.get("/ingp/procurement_processes.csv").headers["vary"]


@pytest.mark.parametrize("path", ["/ingp/é", "/es/ingp/é", "/é"])
def test_an_address_that_nobody_encoded_is_only_not_found(site: Any, path: str) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
        "http_version": "1.1", "scheme": "http", "server": ("localhost", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    site.runner.run(site.datasette.app()(scope, None, send))
    assert sent[0]["status"] in (302, 404)


def test_programs_are_answered_in_no_language(site: Any) -> None:
    answer = site.get(f"{TABLE}.json?_lang=es")
    assert answer.status_code == 200
    assert "content-language" not in answer.headers and "set-cookie" not in answer.headers


@pytest.fixture
def folder(site: Any) -> Iterator[str]:
    """The site below a folder of its host, as behind a proxy that serves other sites too."""
    before = site.datasette._settings["base_url"]
    site.datasette._settings["base_url"] = "/open/data/"
    yield "/open/data"
    site.datasette._settings["base_url"] = before


def test_a_site_below_a_folder(site: Any, folder: str) -> None:
    def ask(path: str) -> Any:
        return as_written(site, path)

    page = ask(f"{folder}/es{TABLE}?_facet=tender_status&_size=5")
    assert language_of(page) == "es"
    links = own_links(page.text)
    assert links and all(link.startswith(f"{folder}/") and link.count(folder) == 1 for link in links)
    assert ask(next(link for link in links if "_next=" in link)).status_code == 200
    assert ask(f"{folder}/es/ingp.json").headers["location"] == f"{folder}/ingp.json"
    assert ask(f"{folder}/es{TABLE}/").headers["location"] == f"{folder}/es{TABLE}"
    assert ask(f"{folder}{TABLE}/").headers["location"] == f"{folder}{TABLE}"
    assert ask(f"{folder}{TABLE}?_lang=fr").headers["location"] == f"{folder}/fr{TABLE}"
    assert ask(f"{folder}/-/lang/fr?to={folder}/es/members").headers["location"] == f"{folder}/fr/members"
    assert ask(f"{folder}/v/{site.package['version']}{TABLE}").status_code == 200


@pytest.mark.parametrize(
    ("public", "base"),
    [
        ("https://example.org", "/"),
        ("https://example.org/", "/"),
        ("https://example.org/open/data", "/open/data/"),
    ],
)
def test_a_public_address_with_a_folder_is_told_to_datasette(public: str, base: str) -> None:
    command = datasette_command(Path("release"), Path("site"), "127.0.0.1", 1, public)
    assert command[command.index("base_url") + 1] == base
