"""Compiled releases -> rows of the tables of a package type, driven by the catalogue alone.

A table says where its rows are (``ocds.sources``: paths of arrays or objects of a release) and a field where
its value is (``ocdsPath``): relative to the row, ``/name`` from the release, ``../name`` of the array element
around the row. Whatever no column takes becomes a row of ``additional_fields``: every value of a release is
in some cell.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.catalogue import PackageType, Table
from pipelines.catalogue.model import OcdsSource
from pipelines.intake.ocds.shape import Leaf, leaves, pointer_step, scalar_text

ADDITIONAL_FIELDS = "additional_fields"
ADDITIONAL_COLUMNS = ("ocid", "path", "parent_id", "value")

Parents = tuple[Mapping[str, Any], ...]
Row = list[str | None]


@dataclass(slots=True)
class _Source:
    """Rows of one table from one place. Columns are positions in the table's fields."""

    table: str
    width: int
    path: tuple[str, ...]
    constants: list[tuple[int, str]] = field(default_factory=list)
    from_release: list[tuple[int, str]] = field(default_factory=list)
    from_parents: list[tuple[int, int, str]] = field(default_factory=list)
    open_row: Row | None = None


@dataclass(slots=True)
class _Node:
    """A place in a release: the sources whose rows are here, the columns that take the value here."""

    pointer: str
    children: dict[str, "_Node"] = field(default_factory=dict)
    sources: list[_Source] = field(default_factory=list)
    targets: list[tuple[_Source, int, bool]] = field(default_factory=list)
    taken: bool = False
    numbered: tuple[str, str] | None = None
    """(table, column) that names the elements of the array here by their own ``id``."""
    only: tuple[_Source, int] | None = None
    """The one column that takes the value here as it is: nearly every place, and the quick way through."""

    def child(self, name: str) -> "_Node":
        if name not in self.children:
            self.children[name] = _Node(self.pointer + pointer_step(name))
        return self.children[name]

    def at(self, path: tuple[str, ...]) -> "_Node":
        node = self
        for name in path:
            node = node.child(name)
        return node


def _steps(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part)


def _build(package_type: PackageType) -> _Node:
    root = _Node("")
    for table in package_type.tables:
        for place in table.ocds_sources:
            source = _Source(table.name, len(table.fields), _steps(place.path))
            node = root.at(source.path)
            node.sources.append(source)
            _add_columns(root, node, source, table, place)
    _mark_only(root)
    return root


def _mark_only(node: _Node) -> None:
    if len(node.targets) == 1 and not node.targets[0][2] and not node.taken:
        node.only = node.targets[0][:2]
    for child in node.children.values():
        _mark_only(child)


def _add_columns(root: _Node, node: _Node, source: _Source, table: Table, place: OcdsSource) -> None:
    for column, each in enumerate(table.fields):
        path = each.ocds_path
        if each.name in place.constants:
            source.constants.append((column, place.constants[each.name]))
        elif path is None:
            continue
        elif path.startswith("/"):
            source.from_release.append((column, path))
            root.at(_steps(path)).taken = True
        elif path.startswith("../"):
            source.from_parents.append((column, path.count("../"), path.rsplit("/", 1)[1]))
        else:
            node.at(_steps(path)).targets.append((source, column, each.type == "list"))
            if path == "id" and each.name in table.primary_key and each.name != "party_id":
                node.numbered = (table.name, each.name)


def _list_text(values: list[Any]) -> str | None:
    """Elements of a list joined by ``;``; a ``;`` inside an element becomes a comma."""
    texts = [text.replace(";", ",") for value in values if (text := scalar_text(value))]
    return ";".join(texts) or None


def _codes_text(elements: list[Any]) -> str | None:
    """``scheme:id`` of each object of a list (identifiers, classifications), scalars as they are."""
    codes = []
    for element in elements:
        if isinstance(element, dict):
            scheme, number = scalar_text(element.get("scheme")), scalar_text(element.get("id"))
            codes.append(f"{scheme}:{number}" if scheme and number else number)
        else:
            codes.append(element)
    return _list_text(codes)


def _dig(value: Any, path: tuple[str, ...]) -> str | None:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, list):
        return _list_text(value)
    return scalar_text(value) or None


class Flattener:
    """Turns compiled releases into rows: call `rows` for each, one after the other.

    additional: leaves of the release last flattened that no column took. unplaced: those of them whose shape
    fits no column although the place has one. assigned: per (table, column), elements that came without an id
    and got their place in the array (``#2``) for one, so that they can be kept and told apart.
    """

    def __init__(self, package_type: PackageType) -> None:
        self._root = _build(package_type)
        self._keeps_additional = ADDITIONAL_FIELDS in package_type.by_name
        self._rows: dict[str, list[Row]] = {}
        self._release: Mapping[str, Any] = {}
        self._from_release: dict[str, str | None] = {}
        self.additional: list[Leaf] = []
        self.unplaced: list[Leaf] = []
        self.assigned: Counter[tuple[str, str]] = Counter()
        self.has_sources = bool(self._root.children)

    def rows(self, release: Mapping[str, Any], extra: Iterable[Leaf] = ()) -> dict[str, list[Row]]:
        """Rows of a release by table, cells in the order of its fields.

        extra: leaves from elsewhere to keep in ``additional_fields``, whose cells are in the order of
        `ADDITIONAL_COLUMNS`.
        """
        self._rows, self._release, self._from_release = {}, release, {}
        self.additional, self.unplaced = [], []
        self._element(release, self._root, (), in_array=False)
        if self._keeps_additional:
            ocid = scalar_text(release.get("ocid"))
            self.additional += extra
            if self.additional:
                self._rows[ADDITIONAL_FIELDS] = [
                    [ocid, leaf.pointer, leaf.parent_id or None, leaf.value] for leaf in self.additional
                ]
        return self._rows

    def _element(self, value: Mapping[str, Any], node: _Node, parents: Parents, *, in_array: bool) -> None:
        """An object at a place that the catalogue knows: opens its rows, fills them, closes them."""
        sources = node.sources
        for source in sources:
            source.open_row = [None] * source.width
        inside = (*parents, value) if in_array else parents
        children = node.children
        for name, child in value.items():
            known = children.get(name)
            if known is None:
                if child is not None:
                    self.additional += leaves(node.pointer + pointer_step(name), child, inside)
            elif child.__class__ is str:
                text = child.strip()
                if not text:
                    continue
                if known.only is not None:
                    row = known.only[0].open_row
                    if row is not None and row[known.only[1]] is None:
                        row[known.only[1]] = text
                        continue
                self._text(text, known, inside)
            elif child is not None:
                self._place(child, known, inside)
        for source in sources:
            self._close(source, source.open_row or [], value if in_array else None, parents)
            source.open_row = None

    def _close(self, source: _Source, row: Row, element: Mapping[str, Any] | None, parents: Parents) -> None:
        """Add the row, unless nothing of it was given: an object that only holds other tables is no row."""
        if source.path and not any(row) and not (element and next(leaves("", element, ()), None)):
            return
        for column, text in source.constants:
            row[column] = text or None
        for column, path in source.from_release:
            if path not in self._from_release:
                self._from_release[path] = _dig(self._release, _steps(path))
            row[column] = self._from_release[path]
        for column, level, name in source.from_parents:
            if len(parents) >= level:
                row[column] = _dig(parents[-level], (name,))
        if source.table in self._rows:
            self._rows[source.table].append(row)
        else:
            self._rows[source.table] = [row]

    def _text(self, text: str, node: _Node, parents: Parents) -> None:
        """A text at a place of the catalogue, into every column that waits for it there."""
        fits = node.taken or bool(node.targets)
        for source, column, is_list in node.targets:
            row = source.open_row
            if row is not None and row[column] is None:
                row[column] = text.replace(";", ",") if is_list else text
            else:
                fits = False
        if not fits:
            self._misfit(node.pointer, text, parents)

    def _place(self, value: Any, node: _Node, parents: Parents) -> None:
        """An object, an array or a boolean at a place of the catalogue."""
        if isinstance(value, dict):
            if node.targets and value:
                self.unplaced += leaves(node.pointer, value, parents)
            self._element(value, node, parents, in_array=False)
        elif isinstance(value, list):
            self._list(value, node, parents)
        elif text := scalar_text(value):
            self._text(text, node, parents)

    def _list(self, values: list[Any], node: _Node, parents: Parents) -> None:
        objects = [each for each in values if isinstance(each, dict)]
        if not objects:
            self._scalars(values, node, parents)
            return
        for source, column, is_list in node.targets:
            if is_list and source.open_row is not None and source.open_row[column] is None:
                source.open_row[column] = _codes_text(values)
        for place, each in enumerate(values, 1):
            if isinstance(each, dict):
                self._element(self._with_id(each, node, place), node, parents, in_array=True)
            else:
                self._misfit(node.pointer, each, parents)

    def _with_id(self, element: Mapping[str, Any], node: _Node, place: int) -> Mapping[str, Any]:
        if (
            node.numbered is None
            or scalar_text(element.get("id"))
            or next(leaves("", element, ()), None) is None
        ):
            return element
        self.assigned[node.numbered] += 1
        return {**element, "id": f"#{place}"}

    def _scalars(self, values: list[Any], node: _Node, parents: Parents) -> None:
        """A list without objects: one cell, in every column that waits for it there."""
        text = _list_text(values)
        fits = bool(node.targets) and not any(each.__class__ is list for each in values)
        for source, column, _ in node.targets if fits else ():
            if source.open_row is not None and source.open_row[column] is None:
                source.open_row[column] = text
            else:
                fits = False
        if not fits:
            self._misfit(node.pointer, values, parents)

    def _misfit(self, pointer: str, value: Any, parents: Parents) -> None:
        misfits = list(leaves(pointer, value, parents))
        self.additional += misfits
        self.unplaced += misfits
