"""Every sentence of the site exists in every language: none missing, none empty, none left over."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

SITE = Path(__file__).resolve().parents[2] / "datasette"
SOURCES = (
    ("plugins", [("**.py", "python")], {}),
    ("templates", [("**.html", "jinja2")], {"**.html": {"silent": "false"}}),
)
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2)}
PLACEHOLDER = re.compile(r"%\(\w+\)s|%%")

Message = str | tuple[str, ...]


@cache
def messages_of_the_sources() -> set[Message]:
    found: set[Message] = set()
    for folder, methods, options in SOURCES:
        for _file, _line, message, _comments, _context in extract_from_dir(
            SITE / folder, methods, options, keywords=KEYWORDS
        ):
            found.add(message)
    return found


def words_of(language: str) -> Catalog:
    with (SITE / "locales" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def test_extraction_finds_the_words() -> None:
    found = messages_of_the_sources()
    assert {"Search in this table", "Public procurement", ("%(n)s row", "%(n)s rows")} <= found


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_every_message_is_translated(language: str) -> None:
    wanted = messages_of_the_sources()
    words = {message.id: message for message in words_of(language) if message.id}
    assert not wanted - words.keys(), "missing"
    assert not words.keys() - wanted, "stale"
    for message in words.values():
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(texts) and len(texts) == (2 if isinstance(message.id, tuple) else 1), (
            f"empty: {message.id}"
        )
        assert not message.fuzzy, f"fuzzy: {message.id}"


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_placeholders_are_the_same(language: str) -> None:
    for message in words_of(language):
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        for source, text in zip(ids, texts, strict=True):
            assert sorted(PLACEHOLDER.findall(source)) == sorted(PLACEHOLDER.findall(text)), source
            assert "%" not in PLACEHOLDER.sub("", text)


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_one_and_many_are_told_apart(language: str) -> None:
    words = words_of(language)
    assert words.num_plurals == 2
    one, many = words[("%(n)s row", "%(n)s rows")].string
    assert one != many
