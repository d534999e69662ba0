"""Sitemaps (sitemaps.org, with the languages of each page): which pages a search engine shall know."""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from pipelines.catalogue import LANGUAGES

MOST = 50_000
"""Addresses that one sitemap may hold."""

PAGES_OF_A_PART = MOST // len(LANGUAGES)
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_SPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def parts(pages: Sequence[str], most: int = PAGES_OF_A_PART) -> list[Sequence[str]]:
    """The pages in parts that one sitemap can hold, at least one."""
    return [pages[at : at + most] for at in range(0, len(pages), most)] or [[]]


def sitemap(public: str, pages: Sequence[str], day: str) -> str:
    """One part: each page in each language, told of its others. pages: paths without language; day: ISO 8601."""
    listed = []
    for page in pages:
        others = "".join(
            f'<xhtml:link rel="alternate" hreflang="{code}" href={quoteattr(f"{public}{place}{page}")}/>'
            for code, place in (*((each, f"/{each}") for each in LANGUAGES), ("x-default", ""))
        )
        for language in LANGUAGES:
            address = escape(f"{public}/{language}{page}")
            listed.append(f"<url><loc>{address}</loc><lastmod>{day}</lastmod>{others}</url>\n")
    return (
        f'{_HEAD}<urlset {_SPACE} xmlns:xhtml="http://www.w3.org/1999/xhtml">\n{"".join(listed)}</urlset>\n'
    )


def index(public: str, count: int, day: str) -> str:
    """The sitemap of the sitemaps ``/sitemap-1.xml`` to ``/sitemap-<count>.xml``."""
    listed = "".join(
        f"<sitemap><loc>{escape(public)}/sitemap-{number}.xml</loc><lastmod>{day}</lastmod></sitemap>\n"
        for number in range(1, count + 1)
    )
    return f"{_HEAD}<sitemapindex {_SPACE}>\n{listed}</sitemapindex>\n"
