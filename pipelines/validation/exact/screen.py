"""Prove cells clean, in SQL, so that Frictionless need only look at the rest.

A predicate may suspect a clean cell, it never clears one that Frictionless would report: it accepts the canonical
spelling and nothing else. Wherever a question can be put to Frictionless' own cell reader while the screen is built
(the empty cell, a missing value, a code of an `enum`), it is. Semantics: Table Schema as frictionless-py 5.21 applies it.

Predicates are true, false or NULL, and NULL only for the empty cell, which DuckDB reads as NULL.
"""

import datetime
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from frictionless import Field

from pipelines.engine import quote_text
from pipelines.validation.exact.regexes import to_re2

_NUMBER = r"-?\d{1,20}(%s\d{1,18})?"
_INSTANT = r"\d{4}-\d{2}-\d{2}[T ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?"
_COMMON_INSTANT = r"[1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ"
"""No look at the calendar is needed: every month has 28 days."""

_TIME = r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d"
_EMAIL = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,40}@([A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?\.)+[A-Za-z]{2,10}"

_BOUNDS = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}

EXACT_DIGITS = 15
"""Decimals of up to this many digits are all different as floating point numbers."""

LARGE = 1e300
"""Beyond every number that is looked at."""

CellReader = Callable[[Any], tuple[Any, Any]]


@dataclass(frozen=True, slots=True)
class Screen:
    """What is known of a column before the data is seen.

    proof: SQL, true only for a cell that Frictionless accepts; None when no such SQL is known and the column's distinct
    values have to be read by Frictionless. empty_is_clean: what it says of the empty cell. missing: the texts that it
    reads as None, the empty one included where it is one.
    """

    proof: str | None
    empty_is_clean: bool
    missing: tuple[str, ...]

    @property
    def always(self) -> bool:
        return self.proof == "true" and self.empty_is_clean

    def condition(self) -> str:
        """SQL that is not false only for clean cells; NULL stands for a clean empty cell."""
        return self.proof or "false"


def screen_field(
    field: Field, column: str, reader: CellReader | None = None, *, quick: bool = True
) -> Screen:
    """The screen of a field whose cells are in the SQL expression `column`.

    quick: also clear what DuckDB's own casts understand (``1e5``), which is cheaper than an expression; without, only
    one spelling of a number is cleared.
    """
    reader = reader or field.create_cell_reader()
    missing = missing_values(field)
    empty = _accepts(reader, "")
    proof = _value_proof(field, column, reader)
    if quick and proof is not None and field.type == "number" and "enum" not in field.constraints:
        proof = _quick_number(field, column, proof)
    others = [text for text in missing if text]
    if proof is not None and others:
        listed = _in(column, others)
        # All missing values are one to Frictionless: if one is refused (required), all are.
        proof = f"({proof} OR {listed})" if _accepts(reader, others[0]) else f"({proof} AND NOT {listed})"
    if proof is not None and not empty:
        proof = f"({proof} AND {column} IS NOT NULL)"
    return Screen(proof, empty, missing)


def missing_values(field: Field) -> tuple[str, ...]:
    """The texts read as None: the field's own, or the schema's where the field has none."""
    values = field.missing_values
    if not field.has_defined("missing_values") and field.schema:
        values = field.schema.missing_values
    return tuple(values)


def _accepts(reader: CellReader, text: str) -> bool:
    try:
        return not reader(text)[1]
    except Exception:  # Frictionless stops at such a cell: the judge will, if it comes so far
        return False


def _in(column: str, texts: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(quote_text(text) for text in texts)})"


def _matches(column: str, pattern: str) -> str:
    return f"regexp_full_match({column}, {quote_text(pattern)})"


def _value_proof(field: Field, column: str, reader: CellReader) -> str | None:
    constraints = {name: value for name, value in field.constraints.items() if value is not None}
    listed = _listed_values(field, constraints)
    if listed is not None:
        proven = [text for text in listed if text and _accepts(reader, text)]
        return _in(column, proven) if proven else "false"
    proofs = [_type_proof(field, column)]
    for name, value in constraints.items():
        if name not in ("required", "unique") and name in field.supported_constraints:
            proofs.append(_constraint_proof(field, column, name, value))
    if None in proofs:
        return None
    asked = [proof for proof in proofs if proof and proof != "true"]
    return f"({' AND '.join(asked)})" if asked else "true"


def _listed_values(field: Field, constraints: dict[str, Any]) -> list[str] | None:
    """The only texts that can be clean, where the schema lists them."""
    if "enum" in constraints:
        return list(dict.fromkeys(str(value) for value in constraints["enum"]))
    if field.type == "boolean":
        return [*field.true_values, *field.false_values]  # type: ignore[attr-defined]
    return None


def _type_proof(field: Field, column: str) -> str | None:
    kind, form = field.type, field.format
    if kind == "any":
        return "true"
    if kind == "string":
        match form:
            case "uri":
                # Frictionless asks for a scheme only; a line end could hide the rest from its expression.
                return f"((starts_with({column}, 'https://') OR starts_with({column}, 'http://')) AND NOT contains({column}, chr(10)))"
            case "email":
                return _matches(column, _EMAIL)
            case "uuid" | "binary" | "wkt":
                return None
        return "true"
    if kind == "list":
        return "true" if field.item_type == "string" and field.delimiter else None  # type: ignore[attr-defined]
    if kind == "integer":
        # What DuckDB prints as it read it is canonical; casting there and back is quicker than an expression.
        return f"coalesce(try_cast({column} AS BIGINT)::VARCHAR, '') = {column}"
    if kind == "number":
        return _number_proof(field, column)
    if kind == "year":
        return _matches(column, r"\d{4}")
    if kind == "yearmonth":
        return _matches(column, r"\d{4}-(0[1-9]|1[0-2])")
    if form != "default":
        return None
    if kind == "date":
        # Ten characters that DuckDB prints as it read them are canonical; its other spellings (/, BC, infinity) are not.
        return f"(strlen({column}) = 10 AND {_same_day(column)})"
    if kind == "datetime":
        exact = f"({_matches(column, _INSTANT)} AND {_same_day(f'{column}[:10]')})"
        return f"CASE WHEN {_matches(column, _COMMON_INSTANT)} THEN true ELSE {exact} END"
    if kind == "time":
        return _matches(column, _TIME)
    return None


def _same_day(text: str) -> str:
    """SQL: DuckDB reads a date, and prints it as it stands; NULL for NULL, which stands for the empty cell."""
    return f"coalesce(try_cast({text} AS DATE)::VARCHAR, '') = {text}"


def _number_proof(field: Field, column: str) -> str | None:
    mark, group = field.decimal_char, field.group_char  # type: ignore[attr-defined]
    if len(mark) != 1 or mark.isalnum() or mark == "-" or not mark.isascii():
        return None
    # The grouping character is taken out first: digits without any are read the same with and without it.
    if any(each.isdigit() or each in ("-", mark) for each in group):
        return None
    return _matches(column, _NUMBER % re.escape(mark))


def _constraint_proof(field: Field, column: str, name: str, value: Any) -> str | None:
    kind = field.type
    if name == "pattern":
        expression = to_re2(value)
        return None if expression is None else _matches(column, expression)
    if name in ("minLength", "maxLength"):
        if kind != "string" or not isinstance(value, int):
            return None
        # Bytes are quicker to count than characters, and never fewer.
        if name == "maxLength":
            return f"(strlen({column}) <= {value} OR length({column}) <= {value})"
        return f"length({column}) >= {value}"
    if name in _BOUNDS:
        return _bound_proof(field, column, _BOUNDS[name], field.create_value_reader()(value))
    return None


def _bound_proof(field: Field, column: str, sign: str, limit: Any) -> str | None:
    """Comparison with a limit that Frictionless' own reader has read."""
    kind = field.type
    if kind == "year" and type(limit) is int and 0 <= limit <= 9999:
        return f"{column} {sign} '{limit:04d}'"  # four digits sort as text
    if kind in ("integer", "year"):
        if type(limit) is not int or abs(limit) >= 10**18:
            return None
        return f"try_cast({column} AS BIGINT) {sign} {limit}"
    if kind == "number":
        return _number_bound(field, column, sign, limit)
    if kind == "date":
        if type(limit) is not datetime.date or limit.year < 1000:
            return None
        return f"{column} {sign} '{limit.isoformat()}'"  # canonical dates sort as text
    return None


def _number_bound(field: Field, column: str, sign: str, limit: Any) -> str | None:
    floating = isinstance(limit, float)
    if not _is_finite(limit):
        return None
    exact = Decimal(repr(limit)) if floating else Decimal(limit)
    if abs(exact) >= 10**15:
        return None
    mark = field.decimal_char  # type: ignore[attr-defined]
    text = column if mark == "." else f"replace({column}, {quote_text(mark)}, '.')"
    near = f"try_cast({text} AS DOUBLE)"
    strict = sign[0]
    beyond = f"{near} {strict} {float(exact)!r}::DOUBLE"
    # Rounding keeps order, so strictly beyond as a float is strictly beyond. At the limit itself the two agree
    # where neither has more digits than a float can tell apart.
    if "=" not in sign or len(exact.as_tuple().digits) > EXACT_DIGITS or _leading_zeros(exact) > 0:
        return f"({beyond})"
    return f"({beyond} OR ({near} = {float(exact)!r}::DOUBLE AND strlen({column}) <= {EXACT_DIGITS}))"


def _quick_number(field: Field, column: str, exact: str) -> str:
    """DuckDB reads no text as a number that Python does not read as the same one, and rounding keeps order."""
    defined = set(field.list_defined())
    if defined & {"group_char", "decimal_char", "bare_number"}:
        return exact
    # Both ends, always: NaN is above everything to DuckDB.
    low, high = -LARGE, LARGE
    reader = field.create_value_reader()
    for name, value in field.constraints.items():
        if name in _BOUNDS and value is not None:
            limit = reader(value)
            if not _is_finite(limit):
                return exact
            low, high = (
                (max(low, float(limit)), high)
                if name.lower().endswith("minimum")
                else (low, min(high, float(limit)))
            )
    near = f"try_cast({column} AS DOUBLE)"
    # ``+-1`` is a number to DuckDB; whatever begins with a plus sign or a blank sorts before the minus sign.
    inside = f"{near} > {low!r}::DOUBLE AND {near} < {high!r}::DOUBLE AND {column} >= '-'"
    return f"CASE WHEN {inside} THEN true ELSE {exact} END"


def _is_finite(limit: Any) -> bool:
    """Whether a limit is a number that others can be compared with; asking a signalling NaN for more is an exception."""
    return (
        isinstance(limit, float | int | Decimal)
        and not isinstance(limit, bool)
        and Decimal(limit).is_finite()
    )


def _leading_zeros(number: Decimal) -> int:
    """Zeros that a spelling needs beyond its digits: 1E+20 has one digit and 21 characters."""
    _, digits, exponent = number.as_tuple()
    return max(int(exponent) + len(digits) - EXACT_DIGITS, -int(exponent) - EXACT_DIGITS, 0)
