"""Cells of every Table Schema type: sound, odd but sound, and wrong; drawn with the case's own dice."""

import json
import random
from typing import Any

_WORDS = (
    "obra",
    "Água",
    "puente",
    "x",
    "Ministerio, S.A.",
    'el "lote"',
    "línea\nnueva",
    "日本",
    "a;b",
    "1",
    "#nota",
)
_ODD_NUMBERS = (
    " 12.5 ", "1e5", ".5", "5.", "1_000", "+7", "007", "-0", "٤٢", "１２", "NaN", "Infinity", "-inf", "1E-3",
    "123456789012345678901234567890", "0.1000000000000000055", "9007199254740993", "-12.50", "1,000.5", "1.000,5", "$12", "12 EUR",
)  # fmt: skip
_WRONG_NUMBERS = (
    "abc", "1.2.3", "--1", "1e", "0x1F", "1 2", "½", "sNaN", "1__0", "_1", "1_", "e5", "inf1", "\x001", "1\n2",
)  # fmt: skip
_ODD_INTEGERS = (
    "+7",
    "007",
    "1_0",
    " 7",
    "7\t",
    "-0",
    "٤٢",
    "１２",
    "99999999999999999999",
    "-12",
    "7\n",
    "\x1f7",
)
_WRONG_INTEGERS = ("1.0", "1e3", "abc", "", "1 0", "0x1F", "--1", "1_", "²", "$5", "5%")
_ODD = {
    "date": ("2020-1-5", "２０２０-01-05", "0999-01-01", "9999-12-31", "2020-02-29", "01/05/2020", "5 Jan 2020", "2020"),
    "datetime": (
        "2020-01-01T10:00:00Z", "2020-01-01 10:00:00", "2020-01-01T24:00:00", "2020-01-01T10:00:00,5", "2020-01-01T10:00:00+02",
        "2020-W01-1T10:00:00", "2020-01-01T10:00:00.123456789", "20200101T10:00:00Z", "2020-01-01x10:00:00", "2020-01-01T10:00:00+24:00",
    ),
    "time": ("10:00:00Z", "24:00:00", "10:00:00.5", "10:00:00+02", "10:00:00,123456", "23:59:59"),
    "year": (" 202", "2_20", "0000", "-001", "+200", "٢٠٢٠"),
    "yearmonth": ("2020-1", "2020-12", "99999-01", " 2020-01", "2020- 1", "٢٠٢٠-01"),
    "duration": ("P1Y", "PT0S", "-P1D", "P1Y2M3DT4H5M6S", "P0.5W", "PT36H"),
    "boolean": ("True", "TRUE", "1", "False", "FALSE", "0"),
    "geopoint": ("180,90", " 1 , 2 ", "-180,-90", "1e1,2", "NaN,1"),
    "list": ("", "a", "a,b,c", "1,2", "1,x", ",", "2020-01-01,2021-01-01"),
    "array": ("[]", "[1, 2]", "[NaN]", '["a", null]', " [1] "),
    "object": ("{}", '{"a": 1}', '{"a": NaN}', '{"a": {"b": []}}'),
    "geojson": ('{"type": "Point", "coordinates": [1, 2]}', '{"type": "Feature", "geometry": null, "properties": {}}'),
    "any": ("", "x", "1"),
}  # fmt: skip
_WRONG = {
    "date": ("2020-13-01", "2020-02-30", "0000-01-01", "2020/01/01", "2020-01-01T00:00:00", "hoy", "2020-01-01 ", "10000-01-01"),
    "datetime": ("2020-01-01", "2020-01-01T10:00", "2020-13-01T10:00:00", "2020-01-01T25:00:00", "ayer", "2020-01-01T10:00:0x"),
    "time": ("10:00", "25:00:00", "10:60:00", "10.00.00", "noon"),
    "year": ("20", "20200", "abcd", "20.0", "2020 "),
    "yearmonth": ("2020", "2020-13", "2020-00", "2020-01-01", "x-1"),
    "duration": ("1 day", "P", "", "PT", "P1S", "x"),
    "boolean": ("tRue", "yes", "no", "2", " true", "true "),
    "geopoint": ("181,1", "1,91", "1", "1,2,3", "a,b"),
    "list": ("x,,y", "a b"),
    "array": ("{}", "[1,]", "[", "1", "null"),
    "object": ("[]", '{"a": 1,}', "{", "1"),
    "geojson": ("{}", '{"type": "Point"}', '{"type": "x"}', "[]"),
    "any": (),
}  # fmt: skip
_STRINGS = {
    "default": (_WORDS, ("", " ", "\ufeff", "é" * 250, "a\rb", "\u2028", "\x0b", "x" * 5_000), ()),
    "uri": (
        ("http://example.org/a", "urn:isbn:1", "https://example.org/ñ?q=1#f", "mailto:a@b.co"),
        ("HTTP://EXAMPLE.ORG", "a:", "file:///x", "http://[::1]/", "data:,x"),
        ("example.org", "//host/x", ":x", "1http://x", "/path", "http//x"),
    ),
    "email": (
        ("a@example.org", "maria.perez@compras.gob.pe"),
        ("a+b@example.co", "ñandú@example.org", '"a b"@example.org', "a@xn--ls8h.la"),
        ("a@", "@b", "a b@example.org", "a@b", "a@example..org"),
    ),
    "uuid": (
        ("6fa459ea-ee8a-3ca4-894e-db77e160355e", "16fd2706-8baf-433b-82eb-8c7fada847da"),
        ("6FA459EA-EE8A-3CA4-894E-DB77E160355E", "6fa459eaee8a3ca4894edb77e160355e", "{6fa459ea-ee8a-3ca4-894e-db77e160355e}"),
        ("6fa459ea", "x", "6fa459ea-ee8a-3ca4-894e-db77e160355"),
    ),
    "binary": (("aGVsbG8=", "AAAA"), ("aGVs\nbG8=", "a-_b", "    "), ("a", "abcde", "é")),
    "wkt": (("POINT (1 2)", "LINESTRING (30 10, 10 30)"), ("POINT EMPTY", "point(1 2)"), ("POINT", "POINT (1)", "x")),
}  # fmt: skip
PATTERNS = (
    "[a-z]+", "[A-Z]{2}-[0-9]{4}", "a|b", r"\d+", r"\w*", "(x|y)?[0-9]*", ".*", "[^,]*", "^abc$", r"\s?.{0,10}", "(?i)abc", "a{2,}b?",
    r"[\w.-]+", r"(a)\1", "(?!x).*", r"\bfoo\b", "[À-ÿ]+", "é|x", r"[^\d]+", "", "a||b", r"ocds-\d{6}-.+",
)  # fmt: skip
_PATTERN_TEXTS = (
    "abc",
    "AB-1234",
    "a",
    "b",
    "ab",
    "12",
    "x1",
    "y",
    "ABC",
    "aab",
    "aa",
    "foo",
    "éa",
    "١٢",
    "a\n",
    "ocds-123456-x",
    "ax",
    "\n",
    "a|b",
)


def sound(dice: random.Random, field: dict[str, Any]) -> str:
    """A cell that its type takes (constraints and declared characters may still refuse it)."""
    kind = field.get("type", "any")
    if kind == "string":
        texts = _STRINGS[field.get("format", "default")][0]
        if field.get("format", "default") == "default" and dice.random() < 0.4:
            return dice.choice(_PATTERN_TEXTS)
        return dice.choice(texts)
    if kind == "integer":
        return str(dice.choice((0, 1, 2, 3, 5, 10, -1, 100, 2020, dice.randrange(-500, 10_000))))
    if kind == "number":
        whole = str(dice.randrange(-100, 10_000))
        return dice.choice((whole, whole + ".5", f"{dice.random() * 1000:.2f}", "0", "1", "10.00"))
    day = f"{dice.randrange(1990, 2030)}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}"
    hour = f"{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}"
    if kind == "date":
        return {"%d/%m/%Y": "/".join(reversed(day.split("-"))), "%Y%m%d": day.replace("-", "")}.get(
            field.get("format", "default"), day
        )
    if kind == "datetime":
        return (
            f"{day} {hour}"
            if field.get("format", "default").startswith("%")
            else f"{day}T{hour}" + dice.choice(("", "Z", "+01:00"))
        )
    if kind == "time":
        return hour
    if kind == "year":
        return day[:4]
    if kind == "yearmonth":
        return day[:7]
    if kind == "boolean":
        told = field.get("trueValues", ["true"]) + field.get("falseValues", ["false"])
        return dice.choice(told) if told else "true"
    if kind == "duration":
        return f"P{dice.randrange(1, 9)}D"
    if kind == "geopoint":
        lon, lat = dice.randrange(-180, 181), dice.randrange(-90, 91)
        shapes = {"array": f"[{lon}, {lat}]", "object": json.dumps({"lon": lon, "lat": lat})}
        return shapes.get(field.get("format", "default"), f"{lon},{lat}")
    return dice.choice(_ODD[kind])


def odd(dice: random.Random, field: dict[str, Any]) -> str:
    """A cell at the edge of what its type takes."""
    kind = field.get("type", "any")
    if kind == "string":
        return dice.choice(_STRINGS[field.get("format", "default")][1])
    return dice.choice({"integer": _ODD_INTEGERS, "number": _ODD_NUMBERS}.get(kind) or _ODD[kind])


def wrong(dice: random.Random, field: dict[str, Any]) -> str:
    """A cell that its type refuses, mostly."""
    kind = field.get("type", "any")
    if kind == "string":
        texts: tuple[str, ...] = _STRINGS[field.get("format", "default")][2]
    else:
        texts = {"integer": _WRONG_INTEGERS, "number": _WRONG_NUMBERS}.get(kind) or _WRONG[kind]
    return dice.choice(texts or ("", "?", "-", "n/a"))
