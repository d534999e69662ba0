"""Whatever the RE2 form matches, Frictionless' own use of the Python expression matches."""

import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.validation.exact.regexes import to_re2

ATOMS = st.sampled_from(
    ["a", "b", "é", r"\d", r"\w", r"\s", r"\S", r"\D", ".", "[a-c]", "[^a]", r"[^\d]", r"[\w-]", "[é-ü]", "[^é]", r"\.", "-", r"\x41",
     "^", "$", r"\b", "(?i)a", "(?:a)", "(?=a)", r"(a)\1", "|", "[0-9a-f]", "[]a]", "[^]]", r"[\s\S]", "(?s:.)", "(?P<n>a)"]
)  # fmt: skip
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "++", "{0,1001}"])
PATTERNS = st.recursive(
    st.tuples(ATOMS, REPEATS).map("".join),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: "(" + "|".join(parts) + ")"),
    ),
    max_leaves=5,
)
CELLS = st.lists(st.text(st.sampled_from("abcAé١1_-. \n\r\t]x"), max_size=5), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@settings(deadline=None, max_examples=150)
@given(pattern=PATTERNS, cells=CELLS)
def test_never_more_than_python(con: duckdb.DuckDBPyConnection, pattern: str, cells: list[str]) -> None:
    expression = to_re2(pattern)
    if expression is None:
        return
    theirs = re.compile(f"^{pattern}$")
    try:
        found = con.execute(
            "SELECT cell FROM unnest(?::VARCHAR[]) AS t(cell) WHERE regexp_full_match(cell, ?)",
            [cells, expression],
        ).fetchall()
    except duckdb.Error:
        return  # too large for RE2: the plan notices, and reads the column by its distinct values
    assert [cell for (cell,) in found if not theirs.match(cell)] == []


@pytest.mark.parametrize(
    ("pattern", "cells"),
    [
        (r"ocds-[a-z0-9]{6}-.+", ["ocds-abc123-1", "ocds-abc123-é"]),
        (r"\d{8}-\d", ["12345678-9"]),
        ("[A-Z]{2,3}", ["PY", "USD"]),
        ("(open|closed)", ["open", "closed"]),
        (r"[^@\s]+@[^@\s]+", ["a@b"]),
        ("é+", ["éé"]),
        (r"[\w.-]*", ["", "a.b-c_1"]),
    ],
)
def test_the_usual_ones_are_translated(
    con: duckdb.DuckDBPyConnection, pattern: str, cells: list[str]
) -> None:
    expression = to_re2(pattern)
    assert expression is not None
    query = "SELECT bool_and(regexp_full_match(cell, ?)) FROM unnest(?::VARCHAR[]) AS t(cell)"
    assert con.execute(query, [expression, cells]).fetchall() == [(True,)]


@pytest.mark.parametrize(
    "pattern", ["a|b", "(?=a)a", r"(a)\1", r"a\b", "(?i)a", "(?i:a)", "a{2000}", "^a", "(", "a++"]
)
def test_what_is_not_certain_is_refused(pattern: str) -> None:
    assert to_re2(pattern) is None
