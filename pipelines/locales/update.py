"""Brings the interface catalogues up to date with the sources: ``python -m pipelines.locales.update``.

A message that is new in the sources comes in empty, one that the sources no longer say goes out, and the
files are written in one fixed form, so that a change of one sentence is a change of one entry.
"""

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from pipelines.catalogue import LANGUAGES

CHECKOUT = Path(__file__).resolve().parent.parent.parent
SOURCES = ("pipelines", "flows")
TRANSLATED = tuple(language for language in LANGUAGES if language != "en")

_HEADER = """msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {plural_forms}\\n"

"""


def python_messages(
    file: Any, keywords: Mapping[str, Any], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, Any, Any, Any]]:
    """Extraction method for Babel that reads the syntax tree.

    Babel's own reads tokens, and before Python 3.12 a call inside an f-string is not a token. Raises
    ValueError for a call whose message is not written out, since no catalogue could hold it.
    """
    for node in ast.walk(ast.parse(file.read())):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name not in ("_", "gettext", "ngettext"):
            continue
        told = node.args[:2] if name == "ngettext" else node.args[:1]
        messages = tuple(
            each.value for each in told if isinstance(each, ast.Constant) and isinstance(each.value, str)
        )
        if not messages or len(messages) != len(told):
            raise ValueError(f"line {node.lineno}: the message of {name}() must be written out")
        yield node.lineno, name, messages if len(messages) > 1 else messages[0], []


def source_messages(root: Path = CHECKOUT) -> Catalog:
    """Every message of the sources, with the files that say it."""
    found = Catalog()
    for folder in SOURCES:
        for path in sorted((root / folder).rglob("*.py")):
            name = path.relative_to(root).as_posix()
            try:
                with path.open("rb") as file:
                    for line, message, _comments, context in extract(python_messages, file):
                        found.add(message, locations=[(name, line)], context=context)
            except ValueError as error:
                raise ValueError(f"{name}, {error}") from None
    return found


def catalogue_path(language: str, root: Path = CHECKOUT) -> Path:
    return root / "pipelines" / "locales" / language / "LC_MESSAGES" / "messages.po"


def read_catalogue(language: str, root: Path = CHECKOUT) -> Catalog:
    """A catalogue as it is in its file; empty when there is no file yet."""
    path = catalogue_path(language, root)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def update(language: str, root: Path = CHECKOUT) -> tuple[list[str], list[str]]:
    """Write one catalogue anew. Returns the messages without a translation, and those dropped."""
    before, sources = read_catalogue(language, root), source_messages(root)
    after = Catalog(locale=language)
    for message in sources:
        if message.id:
            known = before.get(message.id)
            after.add(message.id, known.string if known else None, locations=message.locations)
    path = catalogue_path(language, root)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(_HEADER.format(language=language, plural_forms=after.plural_forms).encode())
        write_po(file, after, width=0, omit_header=True, sort_output=True, include_lineno=False)
    missing = [
        str(message.id)
        for message in after
        if message.id and not (message.string and all(_forms(message.string)))
    ]
    return missing, [str(message.id) for message in before if message.id and message.id not in sources]


def _forms(string: str | Sequence[str]) -> Sequence[str]:
    return (string,) if isinstance(string, str) else string


def main() -> None:
    """Update every catalogue and say what is left to translate."""
    for language in TRANSLATED:
        missing, dropped = update(language)
        print(f"{language}: {len(missing)} to translate, {len(dropped)} dropped")
        for message in missing:
            print(f"  + {message}")
        for message in dropped:
            print(f"  - {message}")


if __name__ == "__main__":
    main()
