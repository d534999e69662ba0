"""Prove cells clean, in SQL, so that Frictionless need only look at the rest.

A predicate may suspect a clean cell, it never clears one that Frictionless would report: it accepts the
canonical spelling and nothing else. Semantics: Table Schema as frictionless-py 5.21 applies it.
"""

import re
from collections.abc import Mapping
from typing import Any

from pipelines.engine import quote_text

_SIMPLE_PATTERN = re.compile(r"(?:[A-Za-z0-9_\-]|\\d|\[[A-Za-z0-9_\-]+\]|\{\d+(?:,\d+)?\}|[?+])+")
"""Regular expressions that mean the same to Python and to RE2: literals, digits, plain classes, bounded repeats."""

_INTEGER = r"-?(0|[1-9]\d{0,17})"
_NUMBER = r"-?\d{1,20}(\.\d{1,18})?"
_DATE = r"\d{4}-\d{2}-\d{2}"
_INSTANT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)"
_URI = r"https?://[!-~]+"
_EMAIL = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,40}@([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.)+[A-Za-z]{2,10}"


def _matches(column: str, pattern: str) -> str:
    return f"regexp_full_match({column}, {quote_text(pattern)})"


def _type_is_clean(column: str, descriptor: Mapping[str, Any]) -> str:
    kind, form = descriptor["type"], descriptor.get("format", "default")
    match kind, form:
        case ("string", "default") | ("list", "default"):
            return "true"
        case ("string", "uri"):
            return _matches(column, _URI)
        case ("string", "email"):
            return _matches(column, _EMAIL)
        case ("integer", "default"):
            return _matches(column, _INTEGER)
        case ("number", "default"):
            return _matches(column, _NUMBER)
        case ("boolean", "default"):
            return f"{column} IN ('true', 'false')"
        case ("year", "default"):
            return _matches(column, r"[1-9]\d{3}")
        case ("date", "default"):
            return f"({_matches(column, _DATE)} AND {column} > '1000' AND try_cast({column} AS DATE) IS NOT NULL)"
        case ("datetime", "default"):
            return f"({_matches(column, _INSTANT)} AND {column} > '1000' AND try_cast({column}[:19] AS TIMESTAMP) IS NOT NULL)"
    return "false"


def _constraint_is_clean(column: str, kind: str, name: str, value: Any) -> str:
    text = kind in ("string", "list")
    match name:
        case "required":
            return "true"  # asked of the missing cell, below
        case "enum" if kind == "string":
            return f"{column} IN ({', '.join(quote_text(str(each)) for each in value)})"
        case "pattern" if kind == "string" and _SIMPLE_PATTERN.fullmatch(value):
            return _matches(column, value)
        case "maxLength" if text:
            return f"length({column}) <= {int(value)}" if kind == "string" else "false"
        case "minLength" if kind == "string":
            return f"length({column}) >= {int(value)}"
        case "minimum" if kind in ("integer", "number"):
            return f"try_cast({column} AS DECIMAL(38,18)) >= {value}"
        case "maximum" if kind in ("integer", "number"):
            return f"try_cast({column} AS DECIMAL(38,18)) <= {value}"
    return "false"


def clean_cell(descriptor: Mapping[str, Any]) -> str:
    """SQL that is true only for cells of this field in which Frictionless finds nothing."""
    column = '"' + descriptor["name"] + '"'
    constraints = descriptor.get("constraints", {})
    proofs = [_type_is_clean(column, descriptor)]
    proofs += [
        _constraint_is_clean(column, descriptor["type"], name, value) for name, value in constraints.items()
    ]
    proof = " AND ".join(each for each in proofs if each != "true") or "true"
    missing = "false" if constraints.get("required") else "true"
    return f"CASE WHEN {column} IS NULL THEN {missing} ELSE coalesce({proof}, false) END"


def suspect_row(fields: list[Mapping[str, Any]]) -> str:
    """SQL that is true for rows with a cell that could not be proved clean."""
    proofs = [proof for field in fields if (proof := clean_cell(field)) != _ALWAYS.format(name=field["name"])]
    return f"NOT ({' AND '.join(proofs)})" if proofs else "false"


_ALWAYS = 'CASE WHEN "{name}" IS NULL THEN true ELSE coalesce(true, false) END'
