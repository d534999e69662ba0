"""Sitemaps stay below the most that search engines read."""

from pipelines.serving.sitemap import MOST, index, parts, sitemap


def test_no_part_holds_more_than_allowed() -> None:
    pages = [f"/{number}" for number in range(30_000)]
    split = parts(pages)
    assert [len(each) for each in split] == [12_500, 12_500, 5_000]
    assert sitemap("https://e.org", split[0], "2026-01-01").count("<loc>") == MOST
    assert index("https://e.org", len(split), "2026-01-01").count("<loc>") == 3
    assert parts([]) == [[]]


def test_addresses_are_escaped() -> None:
    assert "<loc>https://e.org/es/a&amp;b</loc>" in sitemap("https://e.org", ["/a&b"], "2026-01-01")
