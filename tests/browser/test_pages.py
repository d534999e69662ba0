"""Every kind of page in a real browser: accessible, light, on a phone, without a script, in four languages."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe

from pipelines.catalogue import LANGUAGES
from tests.browser.kinds import KINDS, Kind

PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1280, "height": 900}
FIRST_VIEW, HTML = 300_000, 100_000
"""Bytes of a first view with everything it loads, and of its HTML alone, before any compression."""

FULL = "es"
"""The language in which a page is examined in full: that of most readers, with words longer than English ones."""

AXE = {
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


@contextmanager
def opened(browser: Any, served: Any, kind: Kind, language: str, **options: Any) -> Iterator[Any]:
    """A page of a kind in a fresh browser, with `asked`, `problems` and `answers` of its loading.

    ``page.answers``: the responses. ``page.problems``: what the console and the network complained about.
    """
    context = browser.new_context(viewport=DESKTOP, locale=language, **options)
    page = context.new_page()
    page.answers, page.problems = [], []
    page.on("response", lambda answer: page.answers.append(answer))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("requestfailed", lambda request: page.problems.append(f"failed: {request.url}"))
    page.on(
        "console", lambda said: page.problems.append(said.text) if said.type in ("error", "warning") else None
    )
    answer = page.goto(served.url(kind.path))
    assert answer.status == kind.status
    yield page
    context.close()


OTHERS = [language for language in LANGUAGES if language != FULL]

SOUND = [(kind, FULL) for kind in KINDS] + [
    (kind, OTHERS[place % len(OTHERS)]) for place, kind in enumerate(KINDS)
]
"""Every kind in two languages, in turn: what one language breaks (a long word in a button) breaks on many pages."""


@pytest.mark.parametrize(
    ("kind", "language"), SOUND, ids=lambda each: each.name if isinstance(each, Kind) else each
)
def test_page_is_sound(browser: Any, served: Any, kind: Kind, language: str) -> None:
    with opened(browser, served, kind, language) as page:
        assert page.get_attribute("html", "lang") == language
        assert page.locator("h1").count() == page.locator("main").count() == 1
        assert page.locator("h1").inner_text().strip() and page.title().strip()
        here = urlsplit(served.address).netloc
        assert {urlsplit(answer.url).netloc for answer in page.answers} == {here}
        # Chromium reports the page's own status as an error; that one is expected of the kinds of errors.
        expected = f"status of {kind.status}"
        assert [said for said in page.problems if kind.status == 200 or expected not in said] == []
        bodies = [len(answer.body()) for answer in page.answers if not 300 <= answer.status < 400]
        assert bodies[0] < HTML and sum(bodies) < FIRST_VIEW
        assert page.evaluate(SIDEWAYS) == []
        page.set_viewport_size(PHONE)
        assert page.evaluate(SIDEWAYS) == []


EXAMINED = [(kind, PHONE) for kind in KINDS] + [(kind, DESKTOP) for kind in KINDS[::3]]
"""All at the width where most goes wrong; at a desk, where the same parts lie farther apart, every third."""


@pytest.mark.parametrize(
    ("kind", "width"), EXAMINED, ids=lambda each: each.name if isinstance(each, Kind) else str(each["width"])
)
def test_page_is_accessible(browser: Any, served: Any, kind: Kind, width: dict[str, int]) -> None:
    with opened(browser, served, kind, FULL) as page:
        page.set_viewport_size(width)
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        found = Axe().run(page, options=AXE)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("kind", KINDS[::2], ids=lambda kind: kind.name)
def test_page_needs_no_script_and_no_mouse(browser: Any, served: Any, kind: Kind) -> None:
    with opened(browser, served, kind, FULL) as page:
        with_script = page.locator("main").inner_text()
        page.keyboard.press("Tab")
        skip = page.locator(":focus")
        assert skip.get_attribute("href") == "#content" and skip.bounding_box()["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.tagName") == "MAIN"
    with opened(browser, served, kind, FULL, java_script_enabled=False) as page:
        assert page.locator("main").inner_text() == with_script
