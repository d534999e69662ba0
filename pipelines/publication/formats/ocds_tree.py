"""Rows of linked tables -> an OCDS release: the inverse of the flattening at intake, driven by the same paths.

A table says which arrays or objects of a release its rows are (``ocds.sources``), a field where its value stands
(``ocdsPath``). Both directions read these, so a column that is imported is exported. Values come as text (as the
CSV has them); numbers keep every digit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from pipelines.catalogue import Field, PackageType, Table

Row = Mapping[str, str | None]


def _steps(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


@dataclass(frozen=True, slots=True)
class _Place:
    """One source of a table, ready to put rows into.

    path: steps from the release. constants: cells that tell this source from the others of the table. keys: the
    columns with the ids of the arrays around a row, outermost first. fields: (column, steps from the row).
    """

    table: str
    path: tuple[str, ...]
    constants: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]
    fields: tuple[tuple[Field, tuple[str, ...]], ...]
    is_array: bool


class _Summary(list[dict[str, str]]):
    """An array known from a list cell only. Where its own table has rows, they take its place."""


class Builder:
    """Builds releases. tables: those that it needs, in an order where parents come before children."""

    def __init__(self, package_type: PackageType) -> None:
        places = [
            _place(table, number)
            for table in package_type.tables
            for number in range(len(table.ocds_sources))
        ]
        self._places = sorted(places, key=lambda place: len(place.path))
        self._arrays = {place.path for place in places if place.is_array}
        self.tables = tuple(dict.fromkeys(place.table for place in self._places))

    def release(self, ocid: str, rows: Mapping[str, Sequence[Row]]) -> dict[str, Any]:
        """The release of one process; rows: table -> its rows of this process."""
        release: dict[str, Any] = {"ocid": ocid}
        for place in self._places:
            for row in rows.get(place.table, ()):
                if all((row.get(name) or "") == text for name, text in place.constants):
                    self._put(release, place, row)
        return release

    def _put(self, release: dict[str, Any], place: _Place, row: Row) -> None:
        target: dict[str, Any] = release
        around = sum(place.path[:depth] in self._arrays for depth in range(1, len(place.path)))
        keys = [row.get(name) for name in place.keys][-around:] if around else []
        for depth, step in enumerate(place.path, 1):
            last = depth == len(place.path)
            if place.path[:depth] not in self._arrays:
                target = target.setdefault(step, {})
            elif last:
                if isinstance(target.get(step), _Summary):
                    del target[step]
                own: dict[str, Any] = {}
                target.setdefault(step, []).append(own)
                target = own
            else:
                target = _element(target.setdefault(step, []), keys.pop(0))
        for field, steps in place.fields:
            text = row.get(field.name)
            if text is None or text == "":
                continue
            if (*place.path, *steps) in self._arrays:
                _dig(target, steps[:-1])[steps[-1]] = _Summary(_references(text))
            else:
                _dig(target, steps[:-1])[steps[-1]] = _value(field, text)


def _place(table: Table, number: int) -> _Place:
    source = table.ocds_sources[number]
    parents = [field for field in table.fields if (field.ocds_path or "").startswith("../")]
    parents.sort(key=lambda field: -(field.ocds_path or "").count("../"))
    fields = tuple(
        (field, _steps(field.ocds_path))
        for field in table.fields
        if field.ocds_path and not field.ocds_path.startswith(("../", "/"))
    )
    # A row that has an id of its own, or refers to something by id, is an element of an array.
    is_array = bool(source.path) and any(steps == ("id",) for _, steps in fields)
    return _Place(
        table.name,
        _steps(source.path),
        tuple(source.constants.items()),
        tuple(field.name for field in parents),
        fields,
        is_array,
    )


def _element(array: list[dict[str, Any]], identifier: str | None) -> dict[str, Any]:
    """The element with this id; made where the tables hold the child and not the parent."""
    for each in reversed(array):
        if each.get("id") == identifier:
            return each
    array.append({"id": identifier} if identifier else {})
    return array[-1]


def _dig(target: dict[str, Any], steps: Sequence[str]) -> dict[str, Any]:
    for step in steps:
        target = target.setdefault(step, {})
    return target


def _references(text: str) -> list[dict[str, str]]:
    """``scheme:id`` of a list cell as objects."""
    found = []
    for each in text.split(";"):
        scheme, colon, number = each.partition(":")
        found.append({"scheme": scheme, "id": number} if colon else {"id": each})
    return found


def _value(field: Field, text: str) -> Any:
    if field.type == "list":
        return text.split(";")
    if field.type in ("number", "integer", "year"):
        return orjson.Fragment(text)
    return text == "true" if field.type == "boolean" else text
