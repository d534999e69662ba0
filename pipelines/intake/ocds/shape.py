"""The shape that the OCDS schema gives to a release, and releases put into that shape.

Publishers write a text where a list is due, or an object where an array is due. What can be placed is placed
(a list of one), what cannot is taken out and kept as leaves, so that merging and flattening meet only shapes
they know.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from ocdsmerge.rules import MergeRules, get_merge_rules

SCHEMA_NAME = "release-schema-1.1.5.json"


class Leaf(NamedTuple):
    """A value that no column takes: JSON pointer without array indexes, ids of the enclosing array elements,
    text.
    """

    pointer: str
    parent_id: str
    value: str


@dataclass(slots=True)
class Shape:
    """What a value should be: ``objects`` (array of objects), ``list`` (array of scalars), ``object``,
    ``scalar``.

    ``open`` for an object, ``any`` for a value, of which the schema says nothing more. whole: an array that merging replaces as a whole, so that equal
    ids in it mean nothing.
    """

    kind: str
    whole: bool = False
    children: dict[str, "Shape"] = field(default_factory=dict, repr=False)
    containers: frozenset[str] = field(init=False, repr=False)
    """Names of the children that are not scalars."""

    def __post_init__(self) -> None:
        self.containers = frozenset(name for name, child in self.children.items() if child.kind != "scalar")


@dataclass(frozen=True, slots=True)
class ReleaseSchema:
    shape: Shape
    merge_rules: MergeRules


def load_json_schema(folder: Path) -> dict[str, Any]:
    """The OCDS release schema of `folder` as it stands in its file."""
    schema: dict[str, Any] = json.loads((folder / SCHEMA_NAME).read_text(encoding="utf-8"))
    return schema


@lru_cache(maxsize=4)
def load_release_schema(folder: Path) -> ReleaseSchema:
    """Shape and merge rules from ``release-schema-1.1.5.json`` of `folder`; nothing is fetched."""
    schema = load_json_schema(folder)
    rules = get_merge_rules(schema)
    return ReleaseSchema(_shape(schema, schema["definitions"], rules, ()), rules)


def _shape(
    node: Mapping[str, Any], definitions: Mapping[str, Any], rules: MergeRules, path: tuple[str, ...]
) -> Shape:
    node = _resolve(node, definitions)
    types = node.get("type", ())
    types = {types} if isinstance(types, str) else set(types)
    if types >= {"object", "string"}:
        return Shape("any")
    whole = rules.get(path) == "wholeListMerge"
    if "array" in types:
        items = _resolve(node.get("items", {}), definitions)
        if "properties" not in items:
            return Shape("list", whole)
        return Shape("objects", whole, _children(items, definitions, rules, path))
    if "properties" in node:
        return Shape("object", whole, _children(node, definitions, rules, path))
    if "object" in types:
        # `parties/details` is an object of which the standard says nothing; extensions live there.
        return Shape("open")
    return Shape("scalar")


def _resolve(node: Mapping[str, Any], definitions: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = node.get("$ref")
    return definitions[reference.rsplit("/", 1)[1]] if reference else node


def _children(
    node: Mapping[str, Any], definitions: Mapping[str, Any], rules: MergeRules, path: tuple[str, ...]
) -> dict[str, Shape]:
    return {
        name: _shape(child, definitions, rules, (*path, name)) for name, child in node["properties"].items()
    }


def pointer_step(name: str) -> str:
    """A name as a step of a JSON pointer (RFC 6901)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def scalar_text(value: Any) -> str:
    """Text of a scalar: outer white space off, ``true`` or ``false``; empty for None and for the empty
    string.
    """
    if value is True:
        return "true"
    if value is False:
        return "false"
    return value.strip() if isinstance(value, str) else ""


def parent_id(parents: Iterable[Mapping[str, Any]]) -> str:
    """Ids of the enclosing array elements, outermost first, joined by ``/``; empty where one has none."""
    return "/".join(scalar_text(parent.get("id")) for parent in parents)


def leaves(pointer: str, value: Any, parents: tuple[Mapping[str, Any], ...]) -> Iterator[Leaf]:
    """Every text below a value, empty ones left out."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from leaves(pointer + pointer_step(name), child, parents)
    elif isinstance(value, list):
        for element in value:
            inside = (*parents, element) if isinstance(element, dict) else parents
            yield from leaves(pointer, element, inside)
    elif text := scalar_text(value):
        yield Leaf(pointer, parent_id(parents), text)


def _is_flat(value: dict[str, Any]) -> bool:
    return not any(child.__class__ is dict or child.__class__ is list for child in value.values())


class Repair:
    """Puts releases into the shape of the schema, in place.

    misplaced: leaves taken out because they have no place. for_merging: also makes ids safe to merge by: an
    empty id is no id, and of elements with the same id in one array the last stays (OCDS 1.1, identifier
    merge), equal copies silently, others with the difference kept in `misplaced`.
    """

    def __init__(self, shape: Shape, *, for_merging: bool = False) -> None:
        self.root = shape
        self.for_merging = for_merging
        self.misplaced: list[Leaf] = []

    def release(self, release: dict[str, Any]) -> None:
        self._object(release, self.root, "", ())

    def _object(
        self, value: dict[str, Any], shape: Shape | None, pointer: str, parents: tuple[Mapping[str, Any], ...]
    ) -> None:
        children, containers = (shape.children, shape.containers) if shape else ({}, frozenset())
        changed: dict[str, Any] = {}
        for name, child in value.items():
            nested = child.__class__ is dict or child.__class__ is list
            if not nested and (name not in containers or child is None):
                continue
            known = children.get(name)
            if known is not None:
                fixed = self._fix(child, known, pointer + "/" + name, parents)
                if name == "id" and fixed.__class__ is list:
                    # Several ids are none: nothing can be merged or referred to by them.
                    self._misplace(pointer + "/id", fixed, parents)
                    fixed = None
                if fixed is not child:
                    changed[name] = fixed
            elif self.for_merging:
                self._unknown(child, pointer + pointer_step(name), parents)
        for name, fixed in changed.items():
            if fixed is None:
                del value[name]
            else:
                value[name] = fixed

    def _fix(self, value: Any, shape: Shape, pointer: str, parents: tuple[Mapping[str, Any], ...]) -> Any:
        """The value in its shape, the same object where it had it; None when nothing of it has a place."""
        match shape.kind:
            case "object":
                if value.__class__ is dict:
                    if shape.containers or not _is_flat(value):
                        self._object(value, shape, pointer, parents)
                    return value
                if isinstance(value, list):
                    objects = [element for element in value if isinstance(element, dict)]
                    self._misplace(pointer, [each for each in value if each not in objects[:1]], parents)
                    value = objects[0] if objects else None
                if isinstance(value, dict):
                    self._object(value, shape, pointer, parents)
                    return value
            case "open":
                if isinstance(value, dict):
                    return value
            case "objects":
                return self._objects(value, shape, pointer, parents)
            case "list":
                if isinstance(value, list):
                    return self._scalars(value, pointer, parents)
                if not isinstance(value, dict):
                    return [value] if scalar_text(value) else None
            case "scalar":
                if isinstance(value, list):
                    scalars = self._scalars(value, pointer, parents)
                    return scalars[0] if scalars and len(scalars) == 1 else scalars
            case _:
                return value
        self._misplace(pointer, value, parents)
        return None

    def _scalars(
        self, value: list[Any], pointer: str, parents: tuple[Mapping[str, Any], ...]
    ) -> list[Any] | None:
        nested = [each for each in value if each.__class__ is dict or each.__class__ is list]
        if not nested:
            return value
        self._misplace(pointer, nested, parents)
        return [each for each in value if each.__class__ not in (dict, list)] or None

    def _objects(
        self, value: Any, shape: Shape, pointer: str, parents: tuple[Mapping[str, Any], ...]
    ) -> list[dict[str, Any]] | None:
        if isinstance(value, dict):
            value = [value]
        if not isinstance(value, list):
            self._misplace(pointer, value, parents)
            return None
        if not all(element.__class__ is dict for element in value):
            self._misplace(pointer, [each for each in value if not isinstance(each, dict)], parents)
            value = [each for each in value if isinstance(each, dict)]
        for element in value:
            if shape.containers or not _is_flat(element):
                self._object(element, shape, pointer, (*parents, element))
        return value if shape.whole or not self.for_merging else self._distinct(value, pointer, parents)

    def _unknown(self, value: Any, pointer: str, parents: tuple[Mapping[str, Any], ...]) -> None:
        """Ids below a value that is outside the standard, made safe to merge by."""
        if isinstance(value, dict):
            self._object(value, None, pointer, parents)
            return
        if value and all(element.__class__ is dict for element in value):
            for element in value:
                self._object(element, None, pointer, (*parents, element))
            value[:] = self._distinct(value, pointer, parents)

    def _distinct(
        self, elements: list[dict[str, Any]], pointer: str, parents: tuple[Mapping[str, Any], ...]
    ) -> list[dict[str, Any]]:
        last: dict[str, dict[str, Any]] = {}
        for element in elements:
            if "id" in element:
                if element["id"].__class__ in (dict, list):
                    self._misplace(pointer + "/id", element.pop("id"), (*parents, element))
                elif text := scalar_text(element["id"]):
                    element["id"] = text
                    last[text] = element
                else:
                    del element["id"]
        kept = []
        for element in elements:
            winner = last.get(element.get("id", ""), element)
            if winner is element:
                kept.append(element)
            elif element != winner:
                self._misplace(pointer, [element], parents)
        return kept if len(kept) < len(elements) else elements

    def _misplace(self, pointer: str, value: Any, parents: tuple[Mapping[str, Any], ...]) -> None:
        self.misplaced += leaves(pointer, value, parents)


def strip_to_schema(value: dict[str, Any], shape: Shape, out: list[Leaf]) -> None:
    """Take everything that the schema does not know out of a repaired release, in place, into `out`."""

    def walk(
        value: dict[str, Any], shape: Shape, pointer: str, parents: tuple[Mapping[str, Any], ...]
    ) -> None:
        for name in [name for name in value if name not in shape.children]:
            out.extend(leaves(pointer + pointer_step(name), value.pop(name), parents))
        for name, child in value.items():
            known = shape.children[name]
            if known.kind == "open" and child:
                out.extend(leaves(pointer + pointer_step(name), child, parents))
                child.clear()
            elif known.kind == "object" and child:
                walk(child, known, pointer + pointer_step(name), parents)
            elif known.kind == "objects":
                for element in child or ():
                    walk(element, known, pointer + pointer_step(name), (*parents, element))

    walk(value, shape, "", ())


def drop_twins(value: Any) -> None:
    """Of equal array elements without an id, keep one (in place): merging appends them once per release."""
    if isinstance(value, dict):
        for child in value.values():
            if child.__class__ in (dict, list):
                drop_twins(child)
        return
    for element in value:
        if element.__class__ in (dict, list):
            drop_twins(element)
    if len(value) > 1 and any(element.__class__ is dict and "id" not in element for element in value):
        seen: set[bytes] = set()
        kept = []
        for element in value:
            if element.__class__ is dict and "id" not in element:
                key = orjson.dumps(element, option=orjson.OPT_SORT_KEYS)
                if key in seen:
                    continue
                seen.add(key)
            kept.append(element)
        value[:] = kept
