"""The journeys of a journalist and of a researcher, step by step, as they would click and type.

Each walks in the language and on the screen that its reader has; what it downloads is opened and counted.
"""

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest


@pytest.fixture
def visit(browser: Any, served: Any) -> Iterator[Any]:
    """A reader: (language, width in pixels) -> an open page with the site as base of its addresses."""
    contexts = []

    def begin(language: str, width: int) -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 800}, locale=language, base_url=served.address
        )
        contexts.append(context)
        return context.new_page()

    yield begin
    for context in contexts:
        context.close()


def follow(page: Any, locator: Any, key: str = "") -> None:
    """Click, or press a key, and wait for the page that it leads to: not even a slow machine reads the old one."""
    with page.expect_navigation():
        locator.press(key) if key else locator.click()


def taken(page: Any, link: Any) -> bytes:
    """The bytes behind a link that downloads."""
    with page.expect_download() as started:
        link.click()
    return started.value.path().read_bytes()


def count_in(text: str) -> int:
    """The first number of a text, however its language groups digits."""
    return int(re.sub(r"\D", "", re.search(r"\d[\d.,\s\u202f\xa0]*", text).group()))


@pytest.mark.parametrize(
    ("language", "filters", "apply", "open_row", "table"),
    [
        ("pt", "Filtros e ordem", "Aplicar", "Abrir", "Contratos em uma tabela"),
        ("es", "Filtros y orden", "Aplicar", "Abrir", "Contratos en una tabla"),
    ],
)
def test_journalist_on_a_phone(
    visit: Any, language: str, filters: str, apply: str, open_row: str, table: str
) -> None:
    """From the home page to rows awarded directly, one of them in full, and all of them in a file."""
    page = visit(language, 360)
    page.goto("/")
    assert page.get_attribute("html", "lang") == language
    follow(page, page.get_by_role("link", name=table, exact=True).first)
    all_rows = count_in(page.locator("#rows").inner_text())

    page.get_by_text(filters).click()
    page.locator("[name=_filter_column]").select_option("procurement_method")
    page.locator("[name=_filter_value]").fill("direct")
    page.locator("#order").select_option("contract_value_amount")
    follow(page, page.get_by_role("button", name=apply))
    found = count_in(page.locator("#rows").inner_text())
    assert 0 < found < all_rows
    assert page.locator(".chips li").first.is_visible()
    follow(page, page.locator("thead a").first)
    assert count_in(page.locator("#rows").inner_text()) == found, "sorting lost the filter"

    body = taken(page, page.locator("section[aria-labelledby=take] a", has_text=re.compile("^CSV$")))
    rows = list(csv.DictReader(io.StringIO(body.decode("utf-8"))))
    assert len(rows) == found and {row["procurement_method"] for row in rows} == {"direct"}

    follow(page, page.get_by_role("link", name=open_row).first)
    assert page.locator(".origin").is_visible() and page.locator(".record dt").count() > 10
    assert page.get_by_role("link", name="CC BY 4.0").is_visible()


def test_journalist_asks_and_searches(visit: Any, served: Any) -> None:
    """A sentence in Portuguese becomes a chart and figures that lead to their rows; words find rows anywhere."""
    page = visit("pt", 360)
    page.goto("/ask")
    page.locator("#sentence").fill("contratos diretos 2025")
    follow(page, page.locator("#sentence"), "Enter")
    assert page.locator(".chip").count() == 2
    assert page.locator("main img").first.is_visible()
    figure = page.locator("td a.number").first
    counted = count_in(figure.inner_text())
    follow(page, figure)
    assert count_in(page.locator("#rows").inner_text()) == counted

    page.goto("/search")
    page.locator("main input[type=search]").first.fill("servicio")
    page.keyboard.press("Enter")
    with_accent = page.locator("main").inner_text()
    page.locator("main input[type=search]").first.fill("SERVÍCIO")
    page.keyboard.press("Enter")
    assert count_in(page.locator("main p", has_text=re.compile(r"^\d")).first.inner_text()) == count_in(
        re.search(r"^\d.*$", with_accent, re.MULTILINE).group()
    )


def test_researcher_at_a_desk(visit: Any, served: Any) -> None:
    """Dictionary, whole file with its hash, the same answer from SQL, a pinned address, what changed."""
    page = visit("en", 1280)
    page.goto("/ingp/procurement_contracts")
    shown = count_in(page.locator("#rows").inner_text())
    page.get_by_text("What the columns mean").click()
    assert page.locator(".columns dt", has_text="value_amount").is_visible()

    whole = pq.read_table(
        io.BytesIO(taken(page, page.get_by_role("link", name=re.compile("^Parquet")).first))
    )
    assert whole.num_rows == shown
    sql = "select count(*) as n from procurement_contracts where value_amount > 10000"
    page.goto("/ingp/-/analytics")
    page.get_by_label("Query").fill(sql)
    follow(page, page.get_by_role("button", name="Run"))
    large = sum(value is not None and value > 10000 for value in whole["value_amount"].to_pylist())
    assert count_in(page.locator("td").inner_text()) == large
    follow(page, page.get_by_role("link", name="Lasting address of this query"))
    assert f"/v/{served.newer}/" in page.url and count_in(page.locator("td").inner_text()) == large

    page.goto(f"/v/{served.newer}/")
    path = f"/v/{served.newer}/parquet/procurement_contracts.parquet"
    line = page.locator("tr", has=page.locator(f"a[href='{path}']"))
    published = page.request.get(path)
    assert line.locator("code").inner_text() == hashlib.sha256(published.body()).hexdigest()
    assert published.headers["cache-control"].endswith("immutable")

    page.goto("/v/")
    follow(page, page.get_by_role("link", name=f"Changes since {served.older}"))
    follow(page, page.get_by_role("link", name="Activities"))
    assert page.locator("td", has_text="Puerto Mirage").is_visible()
    refused = page.goto(f"/ingp/-/analytics?sql={quote('select * from read_csv($$/etc/passwd$$)')}")
    assert refused.status == 400 and page.get_by_role("alert").is_visible()
