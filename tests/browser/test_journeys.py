"""The journeys of a journalist and of a researcher, step by step, in four languages, on a phone or at a desk.

They click what a reader reads: names are the words of the page's own language. What is downloaded is opened and
counted. With ``INGP_SHOTS=<folder>`` all run on both, and a picture of every step stays there.
"""

import csv
import hashlib
import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipelines.reporting.language import translations
from tests.browser.conftest import ROOT, SHOTS

pytestmark = pytest.mark.xdist_group("browser")
"""All on one worker of xdist: each other one would have to publish and to serve again."""

LOCALES = ROOT / "datasette" / "locales"
WIDTHS = {"phone": 360, "desk": 1280}
LANGUAGES = ("es", "en", "pt", "fr")
SENTENCES = {
    "es": "contratos directos 2025 de más de 1000",
    "en": "direct contracts 2025 over 1000",
    "pt": "contratos diretos 2025 acima de 1000",
    "fr": "marchés de gré à gré 2025 de plus de 1000",
}
COMPARED = (
    "“No data” means that the member has published none for this choice; it is not a zero. Amounts are as published, each in its own"
    " currency: they are not converted and not added across currencies."
)
CONTRACTS, FLAT = "procurement_contracts", "procurement_contracts_flat"


def readers(first: str, second: str) -> list[tuple[str, str]]:
    """(language, width) of each: the widths by turns, so that two journeys have every language on both. For pictures all."""
    by_turns = [(language, (first, second)[place % 2]) for place, language in enumerate(LANGUAGES)]
    return [(language, width) for language in LANGUAGES for width in WIDTHS] if SHOTS else by_turns


class Visitor:
    """A reader with a browser in one language on one screen, who begins without a language in the address."""

    def __init__(self, page: Any, journey: str, language: str, width: str) -> None:
        self.page, self.language = page, language
        self._texts = translations(language, LOCALES)
        self._shots = f"{journey}-{language}-{width}"
        self._step = 0

    def say(self, message: str) -> str:
        """A message of the site in the language of the reader."""
        return self._texts.gettext(message)

    def sees(self) -> None:
        """The end of a step: the page is in the language of the reader, and no wider than the screen."""
        self._step += 1
        assert self.page.get_attribute("html", "lang") == self.language
        assert self.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(SHOTS) / f"{self._shots}-{self._step:02}.png")

    def link(self, message: str) -> Any:
        return self.page.get_by_role("link", name=self.say(message)).first

    def follow(self, locator: Any, key: str = "") -> None:
        """Click, or press a key, and wait for the page that it leads to: not even a slow machine reads the old one."""
        with self.page.expect_navigation():
            locator.press(key) if key else locator.click()

    def taken(self, link: Any) -> tuple[str, bytes]:
        """(name, bytes) of the file behind a link that downloads."""
        with self.page.expect_download() as started:
            link.click()
        return started.value.suggested_filename, started.value.path().read_bytes()

    def rows(self) -> int:
        """How many rows the page says that there are."""
        return count_in(self.page.locator("#rows").inner_text())


@pytest.fixture
def visit(browser: Any, served: Any) -> Iterator[Any]:
    """(journey, language, width) -> a visitor of the site."""
    contexts = []

    def begin(journey: str, language: str, width: str) -> Visitor:
        context = browser.new_context(
            viewport={"width": WIDTHS[width], "height": 800}, locale=language, base_url=served.address
        )
        contexts.append(context)
        return Visitor(context.new_page(), journey, language, width)

    yield begin
    for context in contexts:
        context.close()


def count_in(text: str) -> int:
    """The first number of a text, however its language groups digits."""
    found = re.search(r"\d[\d.,\s\u202f\xa0]*", text)
    assert found, text
    return int(re.sub(r"\D", "", found.group()))


@pytest.mark.parametrize(("language", "width"), readers("phone", "desk"))
def test_journalist(visit: Any, served: Any, language: str, width: str) -> None:
    """Contracts above an amount that were awarded directly: from a link to a chart in an article and a feed."""
    visitor = visit("journalist", language, width)
    page, say = visitor.page, visitor.say

    # 1. From a link that names no language; her choice of it stays in the address from then on.
    page.goto("/")
    visitor.follow(page.locator(f".languages a[lang={language}]"))
    assert page.url == f"{served.address}/{language}/"
    assert page.locator("script[type='application/ld+json']").count() == 1
    visitor.sees()

    # 2. Asks as she would ask a colleague.
    page.locator("main input[type=search]").fill(SENTENCES[language])
    visitor.follow(page.locator("main input[type=search]"), "Enter")
    assert page.locator(".proposal .chip").count() >= 4, "method, amount and year were understood"
    visitor.sees()

    # 3. A chart and a table by member; who has sent nothing has no data, which is not zero.
    visitor.follow(page.locator(".proposal .button"))
    assert page.locator(".chip").count() == 3 and page.locator(".notice strong").count() == 0
    chart = page.locator("main img").first
    assert chart.is_visible() and chart.evaluate("each => each.complete && each.naturalWidth > 100")
    assert page.locator(".absent", has_text=say("no data")).first.is_visible()
    visitor.sees()

    # 4. "Is that comparable?"
    assert page.locator("main p.meta", has_text=say(COMPARED)).is_visible()
    page.locator("figure, .scroll").last.scroll_into_view_if_needed()
    visitor.sees()

    # 5. From a figure to its rows; sorting loses no filter.
    figure = page.locator("td a.number").first
    counted = count_in(figure.inner_text())
    visitor.follow(figure)
    assert visitor.rows() == counted and page.locator(".chips li").count() >= 4
    visitor.follow(page.locator("thead a").first)
    assert visitor.rows() == counted, "sorting lost a filter"
    page.locator("#rows").scroll_into_view_if_needed()
    visitor.sees()

    # 7. A workbook, and 8. CSV: as many rows as the page says, dates that are dates, numbers that are numbers.
    take = page.locator("section[aria-labelledby=take]")
    name, book = visitor.taken(take.get_by_role("link", name="XLSX"))
    sheet = openpyxl.load_workbook(io.BytesIO(book)).worksheets[0]
    lines = list(sheet.iter_rows(values_only=True))
    assert name.endswith(".xlsx") and len([line for line in lines if any(line)]) >= counted + 1
    name, body = visitor.taken(take.get_by_role("link", name="CSV", exact=True))
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8"))))
    assert name.endswith(".csv") and len(rows) == counted
    assert {row["procurement_method"] for row in rows} == {"direct"} and {row["year"] for row in rows} == {
        "2025"
    }
    _name, body = visitor.taken(take.get_by_role("link", name=say("CSV for Excel")))
    assert body.startswith(b"\xef\xbb\xbf") and body.decode("utf-8-sig").count("\r\n") >= counted + 1
    take.scroll_into_view_if_needed()
    visitor.sees()

    # 9. "May I publish this?"
    page.locator("#cite summary").click()
    assert page.locator("#cite a[rel~=license]").is_visible()
    lasting = page.locator("#cite a[rel~=bookmark]")
    assert f"/v/{served.newer}/ingp/{FLAT}?" in lasting.get_attribute("href")
    page.locator("#cite").scroll_into_view_if_needed()
    visitor.sees()

    of_rows = page.url

    # 6. One contract: what happened when, what is missing, where it comes from.
    visitor.follow(page.locator("tbody th a", has_text=say("Open")).first)
    assert page.locator(".origin").is_visible() and page.locator(".record dt").count() > 10
    visitor.sees()
    visitor.follow(visitor.link("The whole contracting process on one page, from planning to payments"))
    assert page.locator(".timeline li").count() >= 1 and page.locator("#missing").is_visible()
    visitor.sees()
    visitor.follow(page.locator("main .lead a").first)
    visitor.follow(page.locator("section:has(#biggest) tbody a").first)
    assert page.locator(".timeline li").count() >= 1, "from the buyer's biggest contract to its process"

    # 10. A frame for the article, which keeps to release and language, and a feed.
    page.goto(of_rows)
    frame = html.unescape(page.locator("#snippet").input_value())
    address = re.search(r'src="([^"]+)"', frame)
    feeds = page.locator("link[rel=alternate][type='application/atom+xml']")
    feed = page.request.get(feeds.last.get_attribute("href"))
    assert feed.ok and "<feed" in feed.text() and f'xml:lang="{language}"' in feed.text()
    assert address and f"/{language}/v/{served.newer}/embed/" in address[1]
    page.goto(address[1])
    assert page.locator(".source-line").is_visible()
    visitor.sees()


@pytest.mark.parametrize(("language", "width"), readers("desk", "phone"))
def test_researcher(visit: Any, served: Any, language: str, width: str) -> None:
    """A panel of rates: the dictionary, the files with their hashes, SQL, an address for ever, what changed."""
    visitor = visit("researcher", language, width)
    page, say = visitor.page, visitor.say

    # 1. What a search engine for data sets reads of a table.
    page.goto(f"/{language}/ingp/{CONTRACTS}")
    told = json.loads(page.locator("script[type='application/ld+json']").text_content())
    assert "Dataset" in json.dumps(told) and "CC" in json.dumps(told)
    shown = visitor.rows()
    visitor.sees()

    # 2. One page about the table: who, when, how complete, known problems.
    visitor.follow(visitor.link("About this table: columns, coverage, quality, changes"))
    assert page.locator("#coverage, #quality, #columns, #changes").count() == 4
    visitor.sees()

    # 3. The dictionary, and one column of it.
    visitor.follow(page.locator("#c-value_amount th a"))
    assert (
        page.locator("#filled").is_visible()
        and page.locator("h1 code").inner_text() == f"{CONTRACTS}.value_amount"
    )
    visitor.sees()

    # 4. The whole file, also a part of it by range, without a key; 5. what is in it.
    page.go_back()
    _name, body = visitor.taken(page.get_by_role("link", name=re.compile("^Parquet")).first)
    whole = pq.read_table(io.BytesIO(body))
    assert whole.num_rows == shown
    path = f"/v/{served.newer}/parquet/{CONTRACTS}.parquet"
    tail = page.request.get(path, headers={"range": "bytes=-4"})
    assert (
        tail.status == 206 and tail.body() == b"PAR1" and tail.headers["access-control-allow-origin"] == "*"
    )

    # 6. The same answer from SQL in the browser as from the file.
    page.goto(f"/{language}/ingp/-/analytics")
    page.get_by_label(say("Query"), exact=True).fill(
        f"select count(*) as n from {CONTRACTS} where value_amount > 10000"
    )
    visitor.follow(page.get_by_role("button", name=say("Run")))
    large = pc.sum(pc.greater(whole["value_amount"], 10000)).as_py()
    assert count_in(page.locator("td").inner_text()) == large > 0
    visitor.sees()

    # 7. An address that keeps the answer, a hash that proves the file.
    page.locator("#cite summary").click()
    visitor.follow(page.locator("#cite a[rel~=bookmark]"))
    assert f"/v/{served.newer}/" in page.url and count_in(page.locator("td").inner_text()) == large
    page.goto(f"/{language}/v/{served.newer}/")
    line = page.locator("tr", has=page.locator(f"a[href$='{path}']"))
    published = page.request.get(path)
    assert line.locator("code").inner_text() == hashlib.sha256(published.body()).hexdigest()
    assert published.headers["cache-control"].endswith("immutable")
    visitor.sees()

    # 8. What changed since the release before.
    page.goto(f"/{language}/v/")
    visitor.follow(page.get_by_role("link", name=say("Changes since %(number)s") % {"number": served.older}))
    visitor.sees()
    visitor.follow(page.locator("a[href$='/activity_activities']"))
    assert page.locator("td", has_text="Puerto Mirage").is_visible()
    visitor.sees()

    # 9. An indicator, its rows and its query: the reader's own run says the same.
    page.goto(f"/{language}/questions/direct-awards")
    visitor.sees()
    said = [row.split("\t") for row in page.locator("table.answer tbody tr").all_inner_texts()]
    visitor.follow(visitor.link("Open it in the SQL editor and change it"))
    visitor.follow(page.get_by_role("button", name=say("Run")))
    assert visitor.rows() == len(said) > 0
    visitor.sees()

    # 10. A citation for the reference manager.
    page.locator("#cite summary").click()
    _name, body = visitor.taken(page.locator("#cite").get_by_role("link", name="BibTeX"))
    assert body.startswith(b"@misc{") and served.newer.encode() in body
    page.locator("#cite").scroll_into_view_if_needed()
    visitor.sees()
