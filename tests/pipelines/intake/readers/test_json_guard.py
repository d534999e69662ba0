"""What is found before a parser sees it: endless numbers and endless nesting, and nothing else."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.intake.readers import json_guard
from pipelines.intake.readers.json_guard import MAX_DEPTH, MAX_DIGITS, find_danger


@pytest.mark.parametrize(
    ("text", "danger"),
    [
        ('[{"a": 1}]', False),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, False),
        ("[" * (2 * MAX_DEPTH + 1) + "]" * (2 * MAX_DEPTH + 1), True),
        ("[" * 300_000, True),
        ('{"a":' * 50_000 + "1" + "}" * 50_000, True),
        ("[" + "[[]]," * 5_000 + "1]", False),
        (json.dumps(["[" * 5_000, "}{" * 5_000, '\\"[[[' * 900]), False),
        ("[" + "9" * MAX_DIGITS + "]", False),
        ("[" + "9" * (MAX_DIGITS + 1) + "]", True),
    ],
)
@pytest.mark.parametrize("block", [7, 2**20])
def test_dangers(monkeypatch, text, danger, block):
    monkeypatch.setattr(json_guard, "BLOCK", block if len(text) < 20_000 else 2**16)
    assert bool(find_danger(io.BytesIO(text.encode()))) is danger


JSON = st.recursive(
    st.none() | st.text(alphabet='a"\\[]{}é\n', max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(JSON, st.integers(1, 40), st.booleans())
def test_sound_json_is_never_dangerous(value, block, ascii_only):
    before, json_guard.BLOCK = json_guard.BLOCK, block
    try:
        assert find_danger(io.BytesIO(json.dumps(value, ensure_ascii=ascii_only).encode())) is None
    finally:
        json_guard.BLOCK = before


@settings(deadline=None)
@given(JSON)
def test_too_deep_is_seen_whatever_the_strings_say(value):
    text = json.dumps([value] * 3)
    deep = "[" * (MAX_DEPTH + 1) + text + "]" * (MAX_DEPTH + 1)
    assert find_danger(io.BytesIO(deep.encode())) is not None
