"""What a page of the data shows, by its address below a release: for its citation and for files made from it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from pipelines.catalogue import Catalogue
from pipelines.exceptions import UnknownError
from pipelines.publication.metadata.described import Described, describe

_ADDRESS = re.compile(r"ingp(/[^?#\s]*)?(\?\S*)?")
MOST_LETTERS = 8_000


def described_at(package: Mapping[str, Any], catalogue: Catalogue, place: str) -> Described:
    """The table of the page, else the whole release; its member where the page has one; the address of the page.

    Raises UnknownError for a place that is not ``ingp`` or below it.
    """
    if len(place) > MOST_LETTERS or not _ADDRESS.fullmatch(place):
        raise UnknownError(f"not a page of the data: {place[:100]!r}")
    path, _mark, query = place.partition("?")
    pieces = path.split("/")
    named = {each.get("table") for each in package["resources"]}
    table = pieces[1] if len(pieces) > 1 and pieces[1] in named else None
    member = None
    if table and len(pieces) > 2:
        # Keys in addresses are tilde-encoded: percent-encoding with another sign.
        member = unquote_plus(pieces[2].split(",")[0].replace("~", "%"))
    elif table:
        asked = parse_qs(query)
        members = [each for key in ("member_code", "member_code__exact") for each in asked.get(key, [])]
        member = members[0] if len(members) == 1 else None
    try:
        described = describe(package, catalogue, table=table, member=member)
    except UnknownError:
        described = describe(package, catalogue, table=table)
    address = f"{package['homepage'].rstrip('/')}/v/{package['version']}/{place}"
    return replace(described, identifier=address, landing=address)
