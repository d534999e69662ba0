"""Every kind of page in a real browser: accessible, light, on a phone and at a desk, without a script, in four languages.

A kind is opened once and read in full in one language; the others are read for what a language can break.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from pipelines.catalogue import LANGUAGES
from pipelines.serving.addresses import has_language, split_language
from tests.browser.kinds import KINDS, Kind

pytestmark = pytest.mark.xdist_group("browser")
"""All on one worker of xdist: each other one would have to publish and to serve again."""

WIDTHS = {"phone": {"width": 360, "height": 740}, "desk": {"width": 1280, "height": 900}}
FIRST_VIEW, HTML = 300_000, 100_000
"""Bytes of a first view with everything it loads, and of its HTML alone, before any compression."""

FULL = "es"
"""The language in which a page is examined in full: that of most readers, with words longer than English ones."""

OTHERS = [language for language in LANGUAGES if language != FULL]

AXE: dict[str, Any] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
}

SIDEWAYS = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll('body *')].filter(each =>
        each.getBoundingClientRect().right > width + 1 && !each.closest('.scroll, .facets, pre, .unseen, .skip'))
        .map(each => each.outerHTML.slice(0, 200)).concat(['the page is wider than the screen']);
}"""

SAID = """() => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), said = [];
    while (walk.nextNode()) {
        const each = walk.currentNode;
        if (!each.parentElement.closest('h1, td, th, dd, code, pre, textarea, select, .hits, .key, .facet li, .plain li, [aria-labelledby=cite], [lang]:not(html)'))
            said.push(each.textContent.replace(/\\s+/g, ' ').trim());
    }
    for (const name of ['aria-label', 'title', 'placeholder', 'alt'])
        for (const each of document.querySelectorAll(`[${name}]`)) said.push(each.getAttribute(name));
    return said.filter(Boolean);
}"""
"""What the page itself says: not the data, nor the names of agencies in a citation."""

ENGLISH = re.compile(r"\b(the|of|and|with|from|this|these|are|not|which|shown)\b")
"""Words that no sentence in English can do without, and that the three other languages do not have."""

ADDRESSES = "() => [...document.querySelectorAll('a[href]')].map(each => each.href)"


LIKE_THE_OTHERS = (
    "document.querySelectorAll('tbody').forEach(each => [...each.rows].slice(5).forEach(row => row.remove()))"
)
"""The rows of a table are made alike: axe, which takes seconds for some hundred cells, reads the first of them."""


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Any:
    """pytest runs all tests of one kind before it goes on to the next, so that one open page serves them all."""
    return request.param


@pytest.fixture(scope="module")
def tabs(browser: Any) -> Iterator[Any]:
    """Where the pages are opened: a browser that has a window already opens the next page much faster."""
    context = browser.new_context(viewport=WIDTHS["phone"], locale=FULL)
    context.new_page()
    yield context
    context.close()


@pytest.fixture(scope="module")
def page(tabs: Any, served: Any, kind: Kind) -> Iterator[Any]:
    """A page of the kind on a phone.

    ``page.answers``: the responses. ``page.problems``: what the console and the network complained about.
    """
    page = tabs.new_page()
    page.answers, page.problems = [], []
    page.on("response", lambda answer: page.answers.append(answer))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url}"))
    page.on(
        "console", lambda said: page.problems.append(said.text) if said.type in ("error", "warning") else None
    )
    page.status = page.goto(served.url(f"/{FULL}{kind.path}")).status
    yield page
    page.close()


@pytest.fixture(scope="module")
def walker(browser: Any) -> Iterator[Any]:
    """One page that walks through all addresses without a script; without a language in them they answer in English."""
    context = browser.new_context(locale="en", java_script_enabled=False)
    yield context.new_page()
    context.close()


def says_it_all_in(language: str, page: Any, served: Any) -> None:
    """The page speaks the language of its address in every word that is not data, and leads to pages that do."""
    assert page.get_attribute("html", "lang") == language
    if language != "en":
        assert [said for said in page.evaluate(SAID) if ENGLISH.search(said)] == []
    addresses = [each for each in page.evaluate(ADDRESSES) if each.startswith(f"{served.address}/")]
    paths = {path for each in addresses if has_language(path := each.removeprefix(served.address))}
    assert {path for path in paths if split_language(path)[0] != language} == set()


def test_page_is_sound_and_light(page: Any, kind: Kind, served: Any) -> None:
    assert page.status == kind.status
    assert page.locator("h1").count() == page.locator("main").count() == 1
    assert page.locator("h1").inner_text().strip() and page.title().strip()
    # Chromium reports the page's own status as an error; that one is expected of the kinds of errors.
    expected = f"status of {kind.status}"
    assert [said for said in page.problems if kind.status == 200 or expected not in said] == []
    assert {urlsplit(answer.url).netloc for answer in page.answers} == {urlsplit(served.address).netloc}
    bodies = [len(answer.body()) for answer in page.answers if not 300 <= answer.status < 400]
    assert bodies[0] < HTML and sum(bodies) < FIRST_VIEW
    says_it_all_in(FULL, page, served)


def test_page_needs_no_script_and_no_mouse(page: Any, walker: Any, served: Any, kind: Kind) -> None:
    walker.goto(served.url(f"/{FULL}{kind.path}"))
    assert walker.locator("main").text_content() == page.locator("main").text_content()
    if "/embed/" in kind.path:
        return  # A frame has no head that could be skipped.
    walker.keyboard.press("Tab")
    skip = walker.locator(":focus")
    assert skip.get_attribute("href") == "#content" and skip.bounding_box()["x"] >= 0
    walker.keyboard.press("Enter")
    assert walker.evaluate("document.activeElement.tagName") == "MAIN"


@pytest.mark.parametrize(
    ("other", "language"),
    [(each, OTHERS[place % len(OTHERS)]) for place, each in enumerate(KINDS)],
    ids=lambda each: each.name if isinstance(each, Kind) else each,
)
def test_page_in_another_language(walker: Any, served: Any, other: Kind, language: str) -> None:
    """Every kind in one more language, in turn: what one breaks (a long word in a button) breaks on many pages."""
    assert walker.goto(served.url(f"/{language}{other.path}")).status == other.status
    says_it_all_in(language, walker, served)
    for width in WIDTHS.values():
        walker.set_viewport_size(width)
        assert walker.evaluate(SIDEWAYS) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_page_is_accessible_and_fits(page: Any, width: str) -> None:
    """Before and after all that is folded up is opened: a long address in a box must not widen the page either.

    Last of the tests of a page, for it takes rows away.
    """
    page.set_viewport_size(WIDTHS[width])
    assert page.evaluate(SIDEWAYS) == []
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate(SIDEWAYS) == []
    page.evaluate(LIKE_THE_OTHERS)
    # Contrast takes axe most of its time, and no colour depends on the width.
    rules = {**AXE["rules"], "color-contrast": {"enabled": width == "phone"}}
    found = Axe().run(page, options={**AXE, "rules": rules})
    assert found.violations_count == 0, found.generate_report()
