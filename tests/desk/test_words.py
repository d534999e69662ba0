"""Every sentence of the desk, its letters among them, exists in every language: none missing, none empty, none left over."""

from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from tests.datasette.test_words import KEYWORDS, PLACEHOLDER

DESK = Path(__file__).resolve().parents[2] / "datasette" / "desk"
SOURCES = (
    ("plugins", [("**.py", "python")]),
    ("templates", [("**.html", "jinja2")]),
    ("mail", [("**.txt", "jinja2")]),
)


@cache
def messages_of_the_sources() -> set[str | tuple[str, ...]]:
    options = {"**.html": {"silent": "false"}, "**.txt": {"silent": "false"}}
    return {
        message
        for folder, methods in SOURCES
        for _file, _line, message, *_rest in extract_from_dir(
            DESK / folder, methods, options, keywords=KEYWORDS
        )
    }


def words_of(language: str) -> Catalog:
    with (DESK / "locales" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def test_extraction_finds_the_words() -> None:
    assert {"Sign in", "There is no such page"} <= messages_of_the_sources()


@pytest.mark.parametrize("language", ["es", "pt", "fr"])
def test_every_message_is_translated(language: str) -> None:
    wanted = messages_of_the_sources()
    words = {message.id: message for message in words_of(language) if message.id}
    assert not wanted - words.keys(), "missing"
    assert not words.keys() - wanted, "stale"
    for message in words.values():
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(texts) and len(texts) == len(ids), f"empty: {message.id}"
        for source, text in zip(ids, texts, strict=True):
            assert sorted(PLACEHOLDER.findall(source)) == sorted(PLACEHOLDER.findall(text)), source
