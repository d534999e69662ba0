"""What search engines find, and what they are kept away from."""

import re
from typing import Any
from urllib.robotparser import RobotFileParser
from xml.etree import ElementTree

import pytest

PUBLIC = "https://data.example.org"
S = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
LANGUAGES = ("es", "en", "pt", "fr")


def rule_for(robots: str, path: str) -> bool:
    """Whether a crawler may fetch a path: RFC 9309, the longest rule that fits, Allow where two are as long."""
    best = (0, True)
    for kind, pattern in re.findall(r"^(Allow|Disallow): (\S+)$", robots, re.MULTILINE):
        made = re.escape(pattern).replace(r"\*", ".*")
        made = made.removesuffix(r"\$") + "$" if pattern.endswith("$") else made
        if re.match(made, path):
            best = max(best, (len(pattern), kind == "Allow"))
    return best[1]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", True), ("/es/", True), ("/es/ingp/procurement_processes", True), ("/fr/members/XAA", True),
        ("/pt/v/2026.11.1/", True), ("/assets/site.css?_hash=1", True), ("/llms.txt", True), ("/sitemap.xml", True),
        ("/es/ingp/-/analytics", True), ("/es/ingp/procurement_processes?_facet=ocid", False),
        ("/ingp/procurement_processes?_sort=ocid", False), ("/es/ingp/-/query?sql=select+1", False),
        ("/ingp/-/analytics.csv?sql=select+1", False), ("/v/2026.11.1/ingp.db", False), ("/v/2026.11.1/csv/t.csv", False),
        ("/files/ingp.duckdb", False), ("/latest/x", False), ("/es/-/lang/es?to=/", False),
    ],
)  # fmt: skip
def test_robots(site: Any, path: str, allowed: bool) -> None:
    answer = site.get("/robots.txt")
    assert answer.headers["content-type"].startswith("text/plain")
    assert rule_for(answer.text, path) is allowed
    assert f"Sitemap: {PUBLIC}/sitemap.xml" in answer.text
    parser = RobotFileParser()
    parser.parse(answer.text.splitlines())
    assert parser.site_maps() == [f"{PUBLIC}/sitemap.xml"]


def test_views_of_a_page_are_not_kept_by_search_engines(site: Any) -> None:
    assert 'content="noindex"' in site.get("/ingp/procurement_processes?_facet=ocid").text
    assert 'content="noindex"' not in site.get("/es/ingp/procurement_processes").text


def test_sitemap_leads_to_pages_that_are_there(site: Any) -> None:
    answer = site.get("/sitemap.xml")
    assert answer.headers["content-type"].startswith("application/xml")
    parts = [each.text for each in ElementTree.fromstring(answer.content).iter(f"{S}loc")]
    assert parts == [f"{PUBLIC}/sitemap-1.xml"]
    root = ElementTree.fromstring(site.get("/sitemap-1.xml").content)
    listed = [url.findtext(f"{S}loc").removeprefix(PUBLIC) for url in root]
    assert len(listed) == len(set(listed)) and len(listed) % len(LANGUAGES) == 0
    for path in (
        "/",
        "/ingp/procurement_processes",
        f"/v/{site.package['version']}/",
        "/members",
        "/feeds",
        "/developers",
    ):
        assert {f"/{language}{path}" for language in LANGUAGES} <= set(listed)
    for path in listed:
        if path.startswith("/pt/"):
            assert site.get(path).status_code == 200, path
            assert rule_for(site.get("/robots.txt").text, path), path
    for url in root:
        others = {
            link.get("hreflang"): link.get("href")
            for link in url.findall("{http://www.w3.org/1999/xhtml}link")
        }
        assert set(others) == {*LANGUAGES, "x-default"} and url.findtext(f"{S}loc") in others.values()
    assert site.get("/sitemap-2.xml").status_code == 404


def test_llms_txt(site: Any) -> None:
    text = site.get("/llms.txt").text
    assert (text.startswith("# ") and "\n> " in text and "CC BY 4.0" in text) or "Creative Commons" in text
    for link in re.findall(r"\]\((\S+?)\)", text):
        path = link.removeprefix(PUBLIC)
        assert path != link and site.get(path).status_code in (200, 302), link


@pytest.mark.parametrize("path", ["/robots.txt", "/sitemap.xml", "/sitemap-1.xml", "/llms.txt"])
def test_a_site_without_data_has_them_too(empty_site: Any, path: str) -> None:
    assert empty_site.get(path).status_code == 200


def test_lists_of_nobody_are_not_in_the_sitemap(site: Any, empty_site: Any) -> None:
    assert "/es/buyers<" in site.get("/sitemap-1.xml").text
    assert "/es/suppliers<" in site.get("/sitemap-1.xml").text
    listed = empty_site.get("/sitemap-1.xml").text
    assert "/es/members<" in listed and "/buyers<" not in listed and "/suppliers<" not in listed
