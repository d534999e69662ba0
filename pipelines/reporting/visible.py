"""Foreign text made safe to show: what a cell or a file name holds must never steer the page or the terminal."""

import unicodedata

from markupsafe import escape

CHARACTERS = 80
"""Characters of a value that a report shows; the cell itself is in the file."""

_MARKS = 30
_SIGNS = {"\n": "↵", "\r": "↵", "\t": "⇥"}
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories of what has no look of its own: controls, bidi and zero-width marks, lone surrogates."""


def visible(text: str, characters: int | None = None) -> str:
    """The text on one line, cut to a length, with every character that cannot be seen written out.

    Line ends become ``↵``, tabs ``⇥``, and other controls ``[U+202E]``: an escape sequence does not reach the
    terminal, a mark that turns the writing direction does not reach the page, and a zero-width space that
    makes a code wrong can be seen.
    """
    cut = characters is not None and len(text) > characters
    shown = text[: characters - 1] if cut and characters else text
    if shown.isascii() and shown.isprintable():
        return shown + "…" if cut else shown
    out = "".join(_character(each) for each in shown.replace("\r\n", "\n"))
    return out + "…" if cut else out


def _character(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if unicodedata.category(character) in _UNSEEN:
        return f"[U+{ord(character):04X}]"
    return character


def weight(text: str) -> int:
    """Bytes of a text and its marks in a page: what is escaped weighs more than it says."""
    return len(escape(text).encode("utf-8", "replace")) + _MARKS
