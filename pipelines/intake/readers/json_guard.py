"""JSON that must not reach ijson: two kinds of small files bring its C parser and the whole process down.

Measured with ijson 3.6: an integer of more than 4,300 digits is a segmentation fault (the conversion fails
under Python's limit and the failure is not looked at); brackets nested n deep take memory of n squared,
100,000 of them all that a machine has. Both are found by replacements over whole blocks, without parsing.
"""

from typing import IO

MAX_DIGITS = 4_000
MAX_DEPTH = 100
"""Levels that are surely let through; twice as many are surely refused."""
BLOCK = 2**20

_STRUCTURE = b'"[]{}'
_OTHERS = bytes(byte for byte in range(256) if byte not in _STRUCTURE)
_DIGITS = bytes(48 if 48 <= byte < 58 else 32 for byte in range(256))
_TOO_LONG = b"0" * (MAX_DIGITS + 1)


def find_danger(stream: IO[bytes]) -> str | None:
    """What in a stream of UTF-8 is too much for the parser; None when it can be parsed. Reads to the end.

    Digits inside of strings count too: nobody writes so many there.
    """
    open_brackets, last_digits, in_string = b"", b"", False
    while block := stream.read(BLOCK):
        while (len(block) - len(block.rstrip(b"\\"))) % 2:
            # An escape must not be cut in two.
            block += (further := stream.read(1))
            if not further:
                break
        digits = last_digits + block.translate(_DIGITS)
        if _TOO_LONG in digits:
            return f"number of more than {MAX_DIGITS} digits"
        last_digits = digits[-MAX_DIGITS:]
        structure = block.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _OTHERS)
        if in_string:
            structure = b'"' + structure
        in_string = structure.count(b'"') % 2 == 1
        # Two quotes side by side leave everything after them inside or outside of strings as it was.
        outside = b"".join(structure.replace(b'""', b"").split(b'"')[::2])
        unmatched = _unmatched(open_brackets + outside)
        if unmatched is None or len(unmatched) > MAX_DEPTH:
            return f"more than {MAX_DEPTH} levels"
        open_brackets = unmatched
    return None


def _unmatched(brackets: bytes) -> bytes | None:
    """The brackets that stay when pairs are taken out level by level; None when there are too many levels."""
    for _ in range(MAX_DEPTH + 1):
        fewer = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(fewer) == len(brackets):
            return brackets
        brackets = fewer
    return None
