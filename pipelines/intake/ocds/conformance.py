"""Releases against the OCDS 1.1 release schema, while they stream (docs/decisions/0012-ocds-conformance.md).

The schema is compiled once into a tree of nodes, one per place of a release, so that a sound value costs a look
into two dictionaries. The keywords are those that the schema uses: ``type``, ``required``, ``enum``, ``format``,
``minLength``, ``minItems``, ``uniqueItems``, ``properties``, ``patternProperties``; `compile_schema` refuses others.
Errors are gathered by code, place and detail: a million equal errors are one finding with its number and the first
places.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from pipelines.intake.ocds.shape import load_json_schema, pointer_step, scalar_text
from pipelines.intake.ocds.stream import IntegerText, RealText
from pipelines.records import Finding

MAX_PLACES = 50
"""Places of a finding that are listed: file, release and JSON pointer."""

MAX_KINDS = 5_000
"""Different errors (code, place, detail) that are told apart."""

MAX_VALUES = 50
"""Different values outside a codelist that are told apart at one place."""

MAX_CODE = 100
"""Longest value that may be a code; longer ones are text in the wrong place, and told together."""

MAX_SHOWN = 200
MAX_NAMES = 1_000
"""Names of one object that are remembered as matched by a pattern, or not."""

PACKAGE_REQUIRED = ("uri", "version", "publishedDate", "publisher")
"""What a release package and a record package must say of themselves (OCDS 1.1.5 package schemas; OG-39)."""

_CLASSES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (IntegerText,),
    "number": (IntegerText, RealText),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_NAMES = {
    str: "string",
    IntegerText: "integer",
    RealText: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}
_KEYWORDS = {
    *("type", "properties", "patternProperties", "items", "required", "enum", "format"),
    *("minLength", "minItems", "uniqueItems"),
}
_ANNOTATIONS = {
    *(
        "id",
        "$schema",
        "definitions",
        "title",
        "description",
        "default",
        "codelist",
        "openCodelist",
        "deprecated",
    ),
    *("versionId", "omitWhenMerged", "wholeListMerge"),
}
_INSTANT = re.compile(
    r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_URI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*", re.ASCII
)

Where = tuple[int, ...]
"""Positions in the arrays on the way to a value, outermost first."""


@lru_cache(maxsize=65_536)
def is_date_time(text: str) -> bool:
    """RFC 3339 date-time: a day that exists, a time and a zone."""
    if not _INSTANT.fullmatch(text):
        return False
    try:
        date(int(text[:4]), int(text[5:7]), int(text[8:10]))
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4_096)
def is_uri(text: str) -> bool:
    """RFC 3986: a scheme, and no sign that would have to be escaped."""
    return bool(_URI.fullmatch(text))


_FORMATS = {"date-time": is_date_time, "uri": is_uri}


@dataclass(slots=True)
class Node:
    """What the schema says of one place. path: names on the way, ``None`` for an element of an array."""

    path: tuple[str | None, ...]
    allowed: frozenset[type]
    expected: str
    plain: bool = False
    """Whether a scalar of an allowed class is right without a further look."""
    required: tuple[str, ...] = ()
    properties: dict[str, "Node"] = field(default_factory=dict, repr=False)
    patterns: tuple[tuple[re.Pattern[str], "Node"], ...] = ()
    element: "Node | None" = None
    enum: frozenset[str] | None = None
    codelist: str = ""
    format: str = ""
    filled: bool = False
    unique: bool = False
    merged_by_id: bool = False
    deprecated: bool = False

    pointer: str = ""
    """Where it is, without positions: one pointer for all elements of an array."""
    _matched: "dict[str, Node | None]" = field(default_factory=dict, repr=False)

    def by_pattern(self, name: str) -> "Node | None":
        """The node of a property that only a pattern names (``title_fr``); None for one that the schema does not know."""
        if not self.patterns:
            return None
        if name not in self._matched:
            known = next((node for pattern, node in self.patterns if pattern.search(name)), None)
            path = (*self.path, name)
            found = known and replace(known, path=path, pointer=_pointer(path))
            if len(self._matched) >= MAX_NAMES:
                return found
            self._matched[name] = found
        return self._matched[name]

    def located(self, where: Where) -> str:
        """Where a value is, with the positions in arrays."""
        positions = iter(where)
        return "".join(f"/{next(positions)}" if name is None else pointer_step(name) for name in self.path)


def _pointer(path: tuple[str | None, ...]) -> str:
    return "".join(pointer_step(name) for name in path if name is not None)


def compile_schema(schema: Mapping[str, Any]) -> Node:
    """The tree of a release schema without recursion. Raises `ValueError` for a keyword that is not checked here."""
    return _compile(schema, schema["definitions"], ())


def _compile(
    schema: Mapping[str, Any],
    definitions: Mapping[str, Any],
    path: tuple[str | None, ...],
    codelist: str = "",
    **inherited: bool,
) -> Node:
    """codelist: of the array around. inherited: notes beside a reference."""
    notes = {
        **inherited,
        **{name: bool(schema[name]) for name in ("deprecated", "wholeListMerge") if name in schema},
    }
    if "$ref" in schema:
        return _compile(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions, path, codelist, **notes)
    unknown = set(schema) - _KEYWORDS - _ANNOTATIONS
    if unknown:
        raise ValueError(f"{path}: keywords that are not checked: {', '.join(sorted(unknown))}")
    types = schema.get("type", tuple(_CLASSES))
    types = (types,) if isinstance(types, str) else tuple(types)
    node = Node(path, frozenset(each for name in types for each in _CLASSES[name]), " | ".join(types))
    # A release without an ocid is refused, and told so (`ocds-release-without-ocid`).
    node.required = tuple(name for name in schema.get("required", ()) if path or name != "ocid")
    node.properties = {
        name: _compile(child, definitions, (*path, name))
        for name, child in schema.get("properties", {}).items()
    }
    node.patterns = tuple(
        (re.compile(pattern), _compile(child, definitions, path))
        for pattern, child in schema.get("patternProperties", {}).items()
    )
    if "items" in schema:
        node.element = _compile(schema["items"], definitions, (*path, None), schema.get("codelist", ""))
    node.enum = frozenset(each for each in schema["enum"] if each is not None) if "enum" in schema else None
    node.codelist = (schema.get("codelist") or codelist).removesuffix(".csv")
    node.format = schema.get("format", "")
    node.filled = bool(schema.get("minLength") or schema.get("minItems"))
    node.unique = bool(schema.get("uniqueItems"))
    node.merged_by_id = (
        "array" in types
        and not notes.get("wholeListMerge")
        and bool(node.element and "id" in node.element.properties)
    )
    node.deprecated = bool(notes.get("deprecated"))
    node.pointer = _pointer(path)
    node.plain = node.enum is None and not node.format and not node.deprecated
    return node


@lru_cache(maxsize=4)
def load_nodes(folder: Path) -> Node:
    """The compiled release schema of `folder`; nothing is fetched."""
    return compile_schema(load_json_schema(folder))


@dataclass(slots=True)
class _Kind:
    """One kind of error at one place of the standard."""

    value: str | None
    parameters: dict[str, Any]
    count: int = 0
    places: list[tuple[str, int, str]] = field(default_factory=list)


class Conformance:
    """Judges releases one after the other; `findings` at the end.

    A value is told once: what has the wrong type is not looked into, what is empty has no wrong format.
    """

    def __init__(self, folder: Path) -> None:
        self.root = load_nodes(folder)
        self._kinds: dict[tuple[str, str, str], _Kind] = {}
        self._values: Counter[str] = Counter()
        self._file = ""
        self._ordinal = 0

    def check(self, release: Any, file: str, ordinal: int) -> None:
        """Judge a release as it was read, numbers as `IntegerText` and `RealText`; what is no object is told elsewhere."""
        if release.__class__ is dict:
            self._file, self._ordinal = file, ordinal
            self._object(release, self.root, ())

    def check_package(self, package: Mapping[str, Any], file: str) -> None:
        """What a package must say of itself; `package` without its releases or records."""
        self._file, self._ordinal = file, 0
        publisher = package.get("publisher")
        missing = ["/" + name for name in PACKAGE_REQUIRED if not package.get(name)]
        if publisher and not (isinstance(publisher, dict) and scalar_text(publisher.get("name"))):
            missing.append("/publisher/name")
        for pointer in missing:
            self._add(("ocds-package-incomplete", pointer, ""), pointer, None)

    def findings(self) -> Iterator[Finding]:
        """One finding per kind of error: how often, and the first places as (file, ordinal of the release, JSON pointer)."""
        for (code, pointer, _), kind in self._kinds.items():
            file, ordinal, _ = kind.places[0]
            yield Finding(
                code,
                source_file=file,
                row_number=ordinal or None,
                value=kind.value,
                parameters={"path": pointer, **kind.parameters, "count": kind.count, "places": kind.places},
            )

    def _object(self, value: dict[str, Any], node: Node, where: Where) -> None:
        for name in node.required:
            if name not in value:
                step = pointer_step(name)
                self._add(("ocds-schema-required", node.pointer + step, ""), node.located(where) + step, None)
        properties = node.properties
        for name, child in value.items():
            known = properties.get(name) or node.by_pattern(name)
            if known is None:
                continue
            kind = child.__class__
            if kind not in known.allowed:
                self._wrong_type(child, known, where)
            elif kind is list or kind is dict or not known.plain or not child:
                self._value(child, known, where)

    def _value(self, value: Any, node: Node, where: Where) -> None:
        """A value of an allowed class."""
        if node.deprecated and value is not None:
            self._report("ocds-deprecated-field", node, where)
        kind = value.__class__
        if kind is dict:
            if not value:
                self._report("ocds-empty-value", node, where)
            self._object(value, node, where)
        elif kind is list:
            self._array(value, node, where)
        elif kind is str:
            if not value:
                self._report("ocds-schema-empty" if node.filled else "ocds-empty-value", node, where)
            elif node.enum is not None and value not in node.enum:
                detail = self._detail(node.pointer, value)
                self._report("ocds-schema-enum", node, where, value, detail, codelist=node.codelist)
            elif node.format and not _FORMATS[node.format](value):
                self._report("ocds-schema-format", node, where, value, format=node.format)

    def _array(self, value: list[Any], node: Node, where: Where) -> None:
        if not value:
            self._report("ocds-schema-empty" if node.filled else "ocds-empty-value", node, where)
            return
        element = node.element
        if element is not None:
            for position, child in enumerate(value):
                kind = child.__class__
                if kind not in element.allowed:
                    self._wrong_type(child, element, (*where, position))
                elif kind is dict:
                    self._object(child, element, (*where, position))
                elif kind is list or not element.plain or not child:
                    self._value(child, element, (*where, position))
        if len(value) > 1 and (node.unique or node.merged_by_id):
            for position, shown in _repeated(value, node):
                self._add(
                    ("ocds-schema-duplicate", node.pointer, ""), f"{node.located(where)}/{position}", shown
                )

    def _wrong_type(self, value: Any, node: Node, where: Where) -> None:
        found = _NAMES.get(value.__class__, "null")
        self._report("ocds-schema-type", node, where, value, found, expected=node.expected, found=found)

    def _detail(self, pointer: str, value: str) -> str:
        """Values outside a codelist are told one by one, up to a number; the others together."""
        if ("ocds-schema-enum", pointer, value) in self._kinds:
            return value
        self._values[pointer] += 1
        return value if self._values[pointer] <= MAX_VALUES and len(value) <= MAX_CODE else ""

    def _report(
        self, code: str, node: Node, where: Where, value: Any = None, detail: str = "", **parameters: Any
    ) -> None:
        self._add((code, node.pointer, detail), node.located(where), value, **parameters)

    def _add(self, key: tuple[str, str, str], place: str, value: Any, **parameters: Any) -> None:
        found = self._kinds.get(key)
        if found is None:
            if len(self._kinds) >= MAX_KINDS:
                return
            found = self._kinds[key] = _Kind(_shown(value), parameters)
        found.count += 1
        if len(found.places) < MAX_PLACES:
            found.places.append((self._file, self._ordinal, place))


def _shown(value: Any) -> str | None:
    """A value as findings carry it: cut, and without halves of signs, which no file can hold."""
    return scalar_text(value)[:MAX_SHOWN].encode(errors="replace").decode() or None


def _repeated(elements: list[Any], node: Node) -> Iterator[tuple[int, str]]:
    """(position, its id or nothing) of elements that repeat an earlier one, or its id where arrays are merged by id."""
    ids = [element.get("id") if element.__class__ is dict else None for element in elements]
    # Ids that are lists or objects: told as of the wrong type, and the same as nothing here.
    ids = [None if each.__class__ in (dict, list) else each for each in ids]
    if None not in ids and len(set(ids)) == len(ids):
        return
    seen_ids: set[str] = set()
    seen: set[bytes] = set()
    for position, (element, each) in enumerate(zip(elements, ids, strict=True)):
        if node.merged_by_id and each:
            if each in seen_ids:
                yield position, each
            seen_ids.add(each)
        elif node.unique:
            try:
                digest = orjson.dumps(element, option=orjson.OPT_SORT_KEYS)
            except orjson.JSONEncodeError:
                continue  # too deep, or half a sign: the release is refused for it
            if digest in seen:
                yield position, scalar_text(each)
            seen.add(digest)
