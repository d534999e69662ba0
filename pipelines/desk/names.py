"""Names of files that strangers give: what may stay of them on our disk and in our pages."""

import unicodedata
from collections.abc import Collection

LONGEST_BYTES = 150
_RESERVED = frozenset('<>:"|?*')


def safe_name(told: str, taken: Collection[str] = ()) -> str:
    """A file name that is one: no folder, no control or direction mark, nothing hidden, not too long, none of `taken`."""
    last = unicodedata.normalize("NFC", told).replace("\\", "/").rpartition("/")[2]
    kept = "".join(
        letter for letter in last if unicodedata.category(letter)[0] != "C" and letter not in _RESERVED
    )
    kept = " ".join(kept.split()).strip(". ")
    stem, dot, ending = kept.rpartition(".")
    if not stem or len(ending.encode()) > 12:
        stem, dot, ending = kept, "", ""
    while len(stem.encode()) > LONGEST_BYTES:
        stem = stem[:-1]
    stem = stem or "file"
    name, number = f"{stem}{dot}{ending}", 2
    while name.casefold() in {each.casefold() for each in taken}:
        name, number = f"{stem}-{number}{dot}{ending}", number + 1
    return name
