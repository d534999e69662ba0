"""Which language a page is in, and how a reader changes it without losing the place."""

import re
from html import unescape
from typing import Any

import pytest


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
    answer = site.get("/?_lang=es", "fr", cookie="ingp_lang=pt")
    assert language_of(answer) == "es"
    assert answer.headers["set-cookie"].startswith("ingp_lang=es;")


@pytest.mark.parametrize("cookie", ["ingp_lang=xx", "ingp_lang=", '=;;=,"', "ingp_lang=../../etc"])
def test_strange_cookies_do_no_harm(site: Any, cookie: str) -> None:
    assert language_of(site.get("/?_lang=xx", "fr", cookie=cookie)) == "fr"


def test_switch_keeps_the_place(site: Any) -> None:
    html = site.get("/ingp/procurement_processes?_search=papel&tender_status=active&_lang=fr").text
    switch = unescape(re.search(r'<a href="([^"]+)" lang="pt"', html).group(1))
    answer = site.get(switch)
    assert answer.status_code == 302
    assert answer.headers["location"] == "/ingp/procurement_processes?_search=papel&tender_status=active"
    assert answer.headers["set-cookie"].startswith("ingp_lang=pt;")


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
    assert site.get(f"/-/lang/es?to={place}").headers["location"] == "/"


def test_pages_name_their_other_languages(site: Any) -> None:
    html = site.get("/ingp/procurement_processes", "en").text
    assert '<link rel="alternate" hreflang="es" href="/ingp/procurement_processes?_lang=es">' in html


def test_programs_are_answered_in_no_language(site: Any) -> None:
    answer = site.get("/ingp/procurement_processes.json?_lang=es")
    assert "content-language" not in answer.headers and "set-cookie" not in answer.headers
