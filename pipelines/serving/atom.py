"""Atom feeds (RFC 4287): what is new, for programs that tell people of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

ATOM = "http://www.w3.org/2005/Atom"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
MEDIA_TYPE = "application/atom+xml"

ElementTree.register_namespace("", ATOM)


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of news. address: page about it, for ever the same and nobody else's, so it is the id too.

    updated: RFC 3339 with a zone. html: its sentences, already escaped.
    """

    address: str
    title: str
    updated: str
    html: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed in one language. address: of the feed itself, and its id; page: what it is about.

    others: language -> address of the same feed. updated: for a feed in which nothing has happened yet.
    """

    address: str
    page: str
    title: str
    subtitle: str
    language: str
    author: str
    rights: str
    updated: str
    others: Mapping[str, str]
    entries: Sequence[Entry]


def write_feed(feed: Feed) -> bytes:
    """The feed as XML. What XML cannot hold (control characters) is left out."""
    root = ElementTree.Element(f"{{{ATOM}}}feed", {XML_LANG: feed.language})

    def put(parent: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
        child = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
        if text:
            child.text = _clean(text)
        return child

    put(root, "id", feed.address)
    put(root, "title", feed.title)
    put(root, "subtitle", feed.subtitle)
    put(root, "updated", max((entry.updated for entry in feed.entries), default=feed.updated))
    put(root, "link", rel="self", type=MEDIA_TYPE, href=feed.address)
    put(root, "link", rel="alternate", type="text/html", hreflang=feed.language, href=feed.page)
    for language, address in feed.others.items():
        put(root, "link", rel="alternate", type=MEDIA_TYPE, hreflang=language, href=address)
    put(put(root, "author"), "name", feed.author)
    put(root, "rights", feed.rights)
    for entry in feed.entries:
        told = put(root, "entry")
        put(told, "id", entry.address)
        put(told, "title", entry.title)
        put(told, "updated", entry.updated)
        put(told, "link", rel="alternate", type="text/html", hreflang=feed.language, href=entry.address)
        put(told, "content", entry.html, type="html")
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _clean(text: str) -> str:
    return "".join(each for each in text if each in "\t\n\r" or (each >= " " and each not in "\ufffe\uffff"))
