"""JSON text: numbers as written, positions of faults, encodings, windows smaller than the values."""

import codecs
import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.intake.ocds.stream import (
    MAX_DIGITS,
    BrokenJsonError,
    JsonStream,
    TextSource,
    detect_encoding,
    numbered_lines,
)


def read(text: str, size: int = 10_000) -> object:
    """The value of a text that is handed over in pieces of `size` characters."""
    stream = JsonStream(text[start : start + size] for start in range(0, len(text), size))
    value = stream.value()
    assert not stream.peek()
    return value


def fault(text: str, size: int = 10_000) -> tuple[str, int | None, int | None]:
    with pytest.raises(BrokenJsonError) as caught:
        read(text, size)
    return caught.value.reason, caught.value.line, caught.value.column


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("1", "1"),
        ("-0", "-0"),
        ("1.50", "1.50"),
        ("0.1", "0.1"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        ("1e3", "1000"),
        ("1.5E+2", "150"),
        ("2.5e-3", "0.0025"),
    ],
)
def test_numbers_keep_every_digit(written: str, kept: str) -> None:
    assert read(written) == kept
    assert read(f'{{"amount": {written}}}') == {"amount": kept}


def test_other_values_are_what_they_are() -> None:
    assert read('{"a": [true, false, null, "4530"], "b": {}}') == {"a": [True, False, None, "4530"], "b": {}}


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
def test_a_window_smaller_than_the_value_changes_nothing(size: int) -> None:
    text = '{"título": "ñ\\u00e9\\n\\"x\\"", "n": [123456, -1.25e2, true, null], "o": {"a": {"b": "c"}}}'
    assert read(text, size) == read(text)


@pytest.mark.parametrize("size", [1, 5, 10_000])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1,\n "b": }', ("syntax", 2, 7)),
        ('{"a": 1,\n "b" 2}', ("syntax", 2, 6)),
        ('{"a": "x', ("truncated", 1, 7)),
        ('{"a": [1, 2', ("truncated", 1, 12)),
        ('\n\n{"a": NaN}', ("not-a-number", 3, 7)),
        ("[-Infinity]", ("not-a-number", 1, 2)),
        ('{"a": "x\ty"}', ("control-character", 1, 9)),
        ("", ("truncated", 1, 1)),
    ],
)
def test_faults_have_line_and_column(text: str, expected: tuple[str, int, int], size: int) -> None:
    assert fault(text, size) == expected


def test_a_number_of_a_thousand_digits_is_the_longest() -> None:
    assert read("9" * MAX_DIGITS) == "9" * MAX_DIGITS
    assert fault("[" + "9" * (MAX_DIGITS + 1) + "]") == ("number-too-long", 1, 2)
    assert fault("[1" + "." + "0" * MAX_DIGITS + "]")[0] == "number-too-long"


@pytest.mark.parametrize("number", ["1e1001", "1e999999999999", "1e-1001", "-5E+2000"])
def test_an_exponent_is_not_written_out_without_end(number: str) -> None:
    assert fault(f"[{number}]") == ("number-too-long", 1, 2)


def test_an_endless_number_is_refused_after_the_first_window() -> None:
    pieces = 0

    def endless() -> Iterator[str]:
        nonlocal pieces
        yield '{"a": '
        while True:
            pieces += 1
            yield "7" * 5_000

    with pytest.raises(BrokenJsonError) as caught:
        JsonStream(endless()).value()
    assert caught.value.reason == "number-too-long"
    assert pieces < 3


def test_many_digits_inside_a_text_are_a_text() -> None:
    digits = "1" * (3 * MAX_DIGITS)
    assert read(f'["{digits}"]', 500) == [digits]


def test_deep_nesting_is_a_fault_and_no_crash() -> None:
    assert fault("[" * 100_000)[0] == "too-deep"
    assert fault('{"a":' * 100_000)[0] == "too-deep"


@pytest.mark.parametrize("text", ["[1 2]", "[1,]", '{"a" 1}', "{1: 2}", '{"a": 1,}', "[1", '{"a"', "["])
def test_stepping_through_broken_structures_is_a_fault(text: str) -> None:
    stream = JsonStream(iter([text]))
    with pytest.raises(BrokenJsonError) as caught:
        if stream.peek() == "[":
            for _ in stream.elements():
                stream.value()
        else:
            for _ in stream.members():
                stream.value()
    assert caught.value.reason in ("syntax", "truncated")


def test_stepping_through_empty_structures() -> None:
    assert list(JsonStream(iter(["[ ]"])).elements()) == []
    assert list(JsonStream(iter(["{\n}"])).members()) == []


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (b'{"', ("utf-8", 0)),
        (codecs.BOM_UTF8 + b"{", ("utf-8", 3)),
        ("{}".encode("utf-16-le"), ("utf-16-le", 0)),
        ("{}".encode("utf-16-be"), ("utf-16-be", 0)),
        (codecs.BOM_UTF16_LE + "{}".encode("utf-16-le"), ("utf-16-le", 2)),
        (codecs.BOM_UTF16_BE + "{}".encode("utf-16-be"), ("utf-16-be", 2)),
        (codecs.BOM_UTF32_LE + "{}".encode("utf-32-le"), ("utf-32-le", 4)),
        (b"", ("utf-8", 0)),
    ],
)
def test_encodings_are_told_by_the_first_bytes(start: bytes, expected: tuple[str, int]) -> None:
    assert detect_encoding(start) == expected


def test_gzip_is_recognised_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "releases.json"
    path.write_bytes(gzip.compress('"ñ"'.encode()))
    assert "".join(TextSource(path, 1_000)) == '"ñ"'


@pytest.mark.parametrize(
    ("content", "limit", "reason"),
    [
        (gzip.compress(b"[" + b"1," * 100_000 + b"1]")[:-50], 10**9, "damaged-archive"),
        (b"\x1f\x8bnot gzip at all", 10**9, "damaged-archive"),
        (b'{"a": "Lic\xe9tation"}', 10**9, "encoding"),
        (b"[1, 2, 3]", 5, "too-large"),
    ],
)
def test_bytes_that_are_no_text_are_a_fault(tmp_path: Path, content: bytes, limit: int, reason: str) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(BrokenJsonError) as caught:
        list(TextSource(path, limit))
    assert caught.value.reason == reason


def test_the_place_of_a_bad_byte_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(b'{\n"a": "Lic\xe9tation"}')
    with pytest.raises(BrokenJsonError) as caught:
        JsonStream(iter(TextSource(path, 1_000))).value()
    assert (caught.value.reason, caught.value.line, caught.value.column) == ("encoding", 2, 10)


def test_lines_keep_their_numbers_and_blank_ones_are_skipped() -> None:
    assert list(numbered_lines(iter(["a\n\n", "b", "c\r\n  \nd"]))) == [(1, "a"), (3, "bc\r"), (5, "d")]
