"""SQL that reads text the way people write it: numbers, dates, booleans. One expression per type.

Every expression gives canonical text (what Table Schema calls the default format) when it is certain, and
the text as written when it is not: then validation says so at the cell. Nothing is ever guessed into a value.
Comma decimals, day-first dates and the like are decided per column by `pipelines.intake.canonical`.
"""

from pipelines.engine import quote_name, quote_text

WHITESPACE = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(8239) || chr(65279)"

MISSING_MARKS = ("-", "--", "---", "—", "none", "null", "na", "n/a", "nan", "#n/a", "s/d", "n/d")
"""What people and programs write for "nothing", compared without case. Codes of a codelist are never marks."""

TRUE_WORDS = (
    "true",
    "t",
    "yes",
    "y",
    "si",
    "sí",
    "s",
    "sim",
    "oui",
    "verdadero",
    "verdadeiro",
    "vrai",
    "1",
    "x",
)
FALSE_WORDS = ("false", "f", "no", "n", "não", "nao", "non", "falso", "faux", "0")

PLAIN_NUMBER = r"[-+]?\d+(\.\d+)?"
GROUPED_BY_COMMA = r"[-+]?\d{1,3}(,\d{3})+"
GROUPED_BY_DOT = r"[-+]?\d{1,3}(\.\d{3})+"
ONLY_DOT_DECIMAL = r"[-+]?\d*\.(\d{1,2}|\d{4,})|[-+]?0\.\d+|[-+]?\d{4,}\.\d+|[-+]?\d{1,3}(,\d{3})+\.\d+"
"""Can only be read with the dot as decimal sign."""
ONLY_COMMA_DECIMAL = r"[-+]?\d*,(\d{1,2}|\d{4,})|[-+]?0,\d+|[-+]?\d{4,},\d+|[-+]?\d{1,3}(\.\d{3})+,\d+"
"""Can only be read with the comma as decimal sign."""
NOT_GROUPED = r"[-+]?\d{4,}"
"""A number that would carry a thousands sign if the column used one."""

ISO_DATE = r"\d{4}-\d{2}-\d{2}"
ISO_INSTANT = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?( ?(Z|z|GMT|UTC|[+-]\d{2}(:?\d{2})?))?"
SPLIT_DATE = r"\d{1,2}[/.-]\d{1,2}[/.-](\d{4}|\d{2})([ T].*)?"
YEAR_FIRST = r"\d{4}[/.]\d{1,2}[/.]\d{1,2}([ T].*)?"
COMPACT_DATE = r"(19|20)\d{6}"


CANONICAL = {
    "number": r"-?\d+|-?\d*\.(\d{1,2}|\d{4,})|-?0\.\d+|-?\d{4,}\.\d+",
    "integer": r"-?\d+",
    "boolean": "true|false",
    "date": r"\d{4}-\d{2}-\d{2}",
    "datetime": r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})",
}
"""Spellings that need no reading, whatever the rest of the column looks like: 1.234 is not among them."""


def clean(column: str) -> str:
    """Outer white space off, empty to NULL."""
    return f"nullif(trim({quote_name(column)}, {WHITESPACE}), '')"


def has_blanks(column: str) -> str:
    """Whether `clean` would change a cell; asked of the first and last sign before anything dearer is."""
    cell = quote_name(column)
    plain = f"{cell}[1] BETWEEN '!' AND '~' AND {cell}[-1] BETWEEN '!' AND '~'"
    return (
        f"CASE WHEN {cell} IS NULL OR ({plain}) THEN false ELSE {clean(column)} IS DISTINCT FROM {cell} END"
    )


def bare_number(text: str) -> str:
    """Without inner blanks, apostrophes, a currency sign in front, and accounting brackets for minus."""
    spaceless = f"replace(replace(replace(replace({text}, ' ', ''), chr(160), ''), chr(8239), ''), '''', '')"
    signless = rf"regexp_replace({spaceless}, '^([-+]?)(?:[A-Za-z]{{0,3}}[$€£₡₲]|[A-Za-z]{{1,2}}/\.?)', '\1')"
    return rf"regexp_replace({signless}, '^\((.+)\)$', '-\1')"


def number(text: str, decimal: str) -> str:
    """Canonical decimal text; `decimal` is the decimal sign of the column, ``.`` or ``,``."""
    bare = bare_number(text)
    dotted = f"ltrim(replace({bare}, ',', ''), '+')"
    comma = f"ltrim(replace(replace({bare}, '.', ''), ',', '.'), '+')"
    if decimal == ".":
        rules = [
            (rf"{PLAIN_NUMBER}([eE][-+]?\d{{1,3}})?|[-+]?\.\d+", f"ltrim({bare}, '+')"),
            (rf"{GROUPED_BY_COMMA}(\.\d+)?", dotted),
            (ONLY_COMMA_DECIMAL, comma),
        ]
        fast = f"regexp_full_match({text}, '-?\\d+(\\.\\d+)?')"
    else:
        rules = [
            (rf"{GROUPED_BY_DOT}(,\d+)?|[-+]?\d+(,\d+)?|[-+]?,\d+", comma),
            (ONLY_DOT_DECIMAL, dotted),
        ]
        fast = f"regexp_full_match({text}, '-?\\d+')"
    whens = " ".join(
        f"WHEN regexp_full_match({bare}, {quote_text(pattern)}) THEN {value}" for pattern, value in rules
    )
    return f"CASE WHEN {text} IS NULL OR {fast} THEN {text} {whens} ELSE {text} END"


def integer(text: str, decimal: str) -> str:
    """As `number`, and ``12.0`` is ``12``."""
    return rf"regexp_replace({number(text, decimal)}, '^(-?\d+)\.0+$', '\1')"


def boolean(text: str) -> str:
    words = [f"WHEN lower({text}) IN ({', '.join(map(quote_text, TRUE_WORDS))}) THEN 'true'"]
    words.append(f"WHEN lower({text}) IN ({', '.join(map(quote_text, FALSE_WORDS))}) THEN 'false'")
    return f"CASE {' '.join(words)} ELSE {text} END"


def _formats(day_first: bool, digits: int) -> str:
    date = "%d/%m/" if day_first else "%m/%d/"
    year = "%Y" if digits == 4 else "%y"
    times = (" %H:%M:%S", " %H:%M:%S.%f", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "")
    return "[" + ", ".join(quote_text(date + year + time) for time in times) + "]"


def _split_instant(text: str, day_first: bool) -> str:
    """TIMESTAMP of ``31/12/2014 13:05`` and its kin, NULL when it is none; an impossible order is read the other way."""
    slashed = (
        rf"replace(regexp_replace({text}, '^(\d{{1,2}})[/.-](\d{{1,2}})[/.-](\d+)', '\1/\2/\3'), 'T', ' ')"
    )
    long_year = rf"regexp_matches({text}, '^\d{{1,2}}[/.-]\d{{1,2}}[/.-]\d{{4}}')"
    readings = {
        digits: ", ".join(
            f"try_strptime({slashed}, {_formats(order, digits)})" for order in (day_first, not day_first)
        )
        for digits in (4, 2)
    }
    return f"CASE WHEN {long_year} THEN coalesce({readings[4]}) ELSE coalesce({readings[2]}) END"


def _year_first_instant(text: str) -> str:
    dashed = (
        rf"replace(regexp_replace({text}, '^(\d{{4}})[/.](\d{{1,2}})[/.](\d{{1,2}})', '\1-\2-\3'), 'T', ' ')"
    )
    return f"try_strptime({dashed}, ['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M', '%Y-%m-%d'])"


def _iso_zone(text: str) -> str:
    """Offset of an ISO instant as ``Z`` or ``+hh:mm``; '' when it has none."""
    raw = rf"regexp_extract({text}, ':[0-9.,:]+? ?(Z|z|GMT|UTC|[+-]\d{{2}}:?(?:\d{{2}})?)$', 1)"
    return (
        f"CASE WHEN {raw} IN ('Z', 'z', 'GMT', 'UTC') THEN 'Z' WHEN {raw} = '' THEN '' "
        f"WHEN length({raw}) = 3 THEN {raw} || ':00' WHEN length({raw}) = 5 THEN {raw}[:3] || ':' || {raw}[4:] ELSE {raw} END"
    )


def _zoned(local: str, time_zone: str) -> str:
    """Text with offset of a local TIMESTAMP in a told zone; ``Z`` when none was told."""
    if time_zone == "UTC":
        return f"strftime({local}, '%Y-%m-%dT%H:%M:%SZ')"
    return f"strftime(timezone({quote_text(time_zone)}, {local}), '%Y-%m-%dT%H:%M:%SZ')"


def datetime(text: str, day_first: bool, is_end: bool, time_zone: str) -> str:
    """Canonical instant. A bare date becomes the first second of its day, or the last where a period ends."""
    clock = "T23:59:59Z" if is_end else "T00:00:00Z"
    iso_time = rf"{text}[12:16] || coalesce(nullif(replace(regexp_extract({text}, '^.{{16}}(:\d{{2}}(?:[.,]\d+)?)', 1), ',', '.'), ''), ':00')"
    iso_local = f"{text}[:10] || 'T' || {iso_time}"
    zone = _iso_zone(text)
    split, year_first = _split_instant(text, day_first), _year_first_instant(text)

    def from_local(local: str) -> str:
        is_bare = f"NOT regexp_matches({text}, ':')"
        return f"CASE WHEN {is_bare} THEN strftime({local}, '%Y-%m-%d') || {quote_text(clock)} ELSE {_zoned(local, time_zone)} END"

    naive = (
        f"{iso_local} || 'Z'"
        if time_zone == "UTC"
        else _zoned(f"try_cast({iso_local} AS TIMESTAMP)", time_zone)
    )
    return f"""CASE
        WHEN {text} IS NULL THEN NULL
        WHEN regexp_full_match({text}, {quote_text(ISO_DATE)}) THEN
            CASE WHEN try_cast({text} AS DATE) IS NULL THEN {text} ELSE {text} || {quote_text(clock)} END
        WHEN regexp_full_match({text}, {quote_text(ISO_INSTANT)}) THEN
            CASE WHEN try_cast({iso_local} AS TIMESTAMP) IS NULL THEN {text}
                 WHEN {zone} = '' THEN {naive} ELSE {iso_local} || {zone} END
        WHEN regexp_full_match({text}, {quote_text(SPLIT_DATE)}) THEN coalesce({from_local(split)}, {text})
        WHEN regexp_full_match({text}, {quote_text(YEAR_FIRST)}) THEN coalesce({from_local(year_first)}, {text})
        WHEN regexp_full_match({text}, {quote_text(COMPACT_DATE)}) THEN
            coalesce(strftime(try_strptime({text}, '%Y%m%d'), '%Y-%m-%d') || {quote_text(clock)}, {text})
        ELSE {text} END"""


def date(text: str, day_first: bool) -> str:
    """Canonical date; the time of day of an instant is dropped, its own day kept."""
    return f"""CASE
        WHEN {text} IS NULL OR regexp_full_match({text}, {quote_text(ISO_DATE)}) THEN {text}
        WHEN regexp_full_match({text}, {quote_text(ISO_INSTANT)}) THEN coalesce(try_cast({text}[:10] AS DATE)::VARCHAR, {text})
        WHEN regexp_full_match({text}, {quote_text(SPLIT_DATE)}) THEN coalesce(strftime({_split_instant(text, day_first)}, '%Y-%m-%d'), {text})
        WHEN regexp_full_match({text}, {quote_text(YEAR_FIRST)}) THEN coalesce(strftime({_year_first_instant(text)}, '%Y-%m-%d'), {text})
        WHEN regexp_full_match({text}, {quote_text(COMPACT_DATE)}) THEN coalesce(strftime(try_strptime({text}, '%Y%m%d'), '%Y-%m-%d'), {text})
        ELSE {text} END"""
