"""Random Table Schemas: all types, formats, constraints, missing values, keys, ways of matching the header."""

import random
from typing import Any

from tests.fuzz.values import PATTERNS, odd, sound

V2 = "https://datapackage.org/profiles/2.0/"
_TYPES = (
    "string", "string", "string", "integer", "integer", "number", "number", "boolean", "date", "date", "datetime", "time", "year",
    "yearmonth", "duration", "geopoint", "geojson", "list", "array", "object", "any",
)  # fmt: skip
_FORMATS = {
    "string": ("default", "default", "default", "uri", "email", "uuid", "binary", "wkt"),
    "date": ("default", "default", "any", "%d/%m/%Y", "%Y%m%d"),
    "datetime": ("default", "default", "any", "%Y-%m-%d %H:%M:%S"),
    "time": ("default", "default", "any", "%H:%M:%S"),
    "geopoint": ("default", "array", "object"),
    "geojson": ("default", "topojson"),
}
_BOUNDED = ("integer", "number", "date", "datetime", "time", "year", "yearmonth")
_UNHASHABLE = ("list", "array", "object", "geojson")
_NAMES = (
    "id",
    "ocid",
    "name",
    "amount",
    "Título",
    "fecha",
    "a b",
    "x1",
    "estado",
    "ID",
    "url",
    "código",
    "n",
)
_MISSING = ([""], ["", "-"], ["", "NA", "n/a"], [], ["0"], ["-", "x"], [" "], ["", "2020", "true"])


def field(dice: random.Random, name: str, v2: bool) -> dict[str, Any]:
    """One field descriptor; now and then one that frictionless refuses."""
    kind = dice.choice(_TYPES)
    told: dict[str, Any] = {"name": name, "type": kind}
    if kind in _FORMATS and dice.random() < 0.5:
        told["format"] = dice.choice(_FORMATS[kind])
    if kind in ("integer", "number") and dice.random() < 0.15:
        told["bareNumber"] = False
    if kind == "number":
        if dice.random() < 0.2:
            told["decimalChar"] = dice.choice((",", ".", "@"))
        if dice.random() < 0.2:
            told["groupChar"] = dice.choice((",", ".", " ", "'"))
        if dice.random() < 0.15:
            told["floatNumber"] = True
    if kind == "boolean" and dice.random() < 0.4:
        told["trueValues"] = dice.choice((["si", "sí"], ["1"], ["true", "yes"], ["x"]))
        told["falseValues"] = dice.choice((["no"], ["0"], ["false"], ["x", "no"]))
    if kind == "list":
        if dice.random() < 0.4:
            told["delimiter"] = dice.choice((";", "|", ","))
        if dice.random() < 0.5:
            told["itemType"] = dice.choice(
                ("string", "integer", "boolean", "number", "date", "time", "datetime")
            )
    if kind == "array" and dice.random() < 0.3:
        told["arrayItem"] = {"type": dice.choice(("integer", "string"))}
    if dice.random() < 0.25:
        told["missingValues"] = list(dice.choice(_MISSING))
        if v2 and dice.random() < 0.2 and told["missingValues"]:
            told["missingValues"] = [{"value": each, "label": "none"} for each in told["missingValues"]]
    if dice.random() < 0.55:
        told["constraints"] = _constraints(dice, told, v2)
    return told


def _constraints(dice: random.Random, told: dict[str, Any], v2: bool) -> dict[str, Any]:
    kind, given = told["type"], {}
    if dice.random() < 0.4:
        given["required"] = dice.random() < 0.9
    # A list or a mapping as a key stops frictionless: worth a case now and then, not every fifth.
    if dice.random() < (0.02 if kind in _UNHASHABLE else 0.25):
        given["unique"] = True
    if kind == "string" and dice.random() < 0.4:
        given["pattern"] = dice.choice(PATTERNS)
    if kind in ("string", "list", "array", "object"):
        if dice.random() < 0.2:
            given["minLength"] = dice.choice((0, 1, 2, 4))
        if dice.random() < 0.25:
            given["maxLength"] = dice.choice((0, 3, 10, 249, 250))
    if kind in _BOUNDED:
        for bound in ("minimum", "maximum", *(("exclusiveMinimum", "exclusiveMaximum") if v2 else ())):
            if dice.random() < 0.2:
                given[bound] = _typed(dice, told)
    if kind not in ("list",) and dice.random() < 0.15:
        given["enum"] = [_typed(dice, told) for _ in range(dice.randrange(1, 8))]
    return given


def _typed(dice: random.Random, told: dict[str, Any]) -> Any:
    """A bound or a member of an enum: as text, or as JSON's own number or truth."""
    text = sound(dice, told) if dice.random() < 0.85 else odd(dice, told)
    if dice.random() < 0.5:
        if told["type"] in ("integer", "year") and text.lstrip("-").isascii() and text.lstrip("-").isdigit():
            return int(text)
        if told["type"] == "number":
            return dice.choice((1, 2.5, 10, 100, 0.1))
        if told["type"] == "boolean":
            return dice.random() < 0.5
    return text


def schema(dice: random.Random, v2: bool, other: str | None) -> dict[str, Any]:
    """A Table Schema of 0 to 7 fields; `other` is the name of a resource it may refer to."""
    names = dice.sample(_NAMES, dice.choice((1, 2, 3, 4, 4, 5, 6, 7)))
    if dice.random() < 0.01:
        names = []
    told: dict[str, Any] = {"fields": [field(dice, name, v2) for name in names]}
    if dice.random() < 0.3:
        told["missingValues"] = list(dice.choice(_MISSING))
    if dice.random() < 0.2:
        told["fieldsMatch"] = dice.choice(("exact", "equal", "subset", "superset", "partial"))
    if dice.random() < 0.95:
        names = [each["name"] for each in told["fields"] if each["type"] not in _UNHASHABLE]
    if names and dice.random() < 0.35:
        told["primaryKey"] = dice.sample(names, min(len(names), dice.choice((1, 1, 2))))
    keys = []
    if names and other and dice.random() < 0.7:
        keys.append({"fields": [dice.choice(names)], "reference": {"resource": other, "fields": ["id"]}})
    if names and dice.random() < 0.12:
        at = dice.sample(names, min(len(names), dice.choice((1, 2))))
        keys.append({"fields": at, "reference": {"resource": "", "fields": dice.sample(names, len(at))}})
    if keys:
        told["foreignKeys"] = keys
    return told
