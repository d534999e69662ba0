"""Where the proof holds, Python's csv.reader finds the same records; where readers could differ, it does not hold."""

import csv
import io
from pathlib import Path
from tempfile import NamedTemporaryFile

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipelines.structure import UnprovedError, iterate_records, prove_segment

TEXT = st.text(st.sampled_from('a,"\n\ré;'), max_size=14)
ROWS = st.lists(st.lists(st.text(st.sampled_from('a,"\n\ré ;'), max_size=4), max_size=4), max_size=8)


def read(text: str, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def check(data: bytes, *, delimiter: str = ",") -> bool:
    """Compare with csv.reader, record by record; False when nothing was proved."""
    try:
        records, used = prove_segment(data, delimiter=delimiter)
    except UnprovedError:
        return False
    rows = read(data.decode(), delimiter)
    assert used == len(data)
    assert records.cells.tolist() == [len(row) for row in rows]
    cut = [data[start:end].decode() for start, end in zip(records.starts, records.ends, strict=True)]
    assert [read(text, delimiter) or [[]] for text in cut] == [[row] for row in rows]
    assert [text.count('"') for text in cut] == records.quotes.tolist()
    return True


@given(TEXT)
def test_any_text(text: str) -> None:
    check(text.encode())


@given(ROWS, st.sampled_from(["\n", "\r\n"]), st.sampled_from([",", ";"]), st.booleans(), st.booleans())
def test_what_a_writer_wrote_is_proved(
    rows: list[list[str]], newline: str, delimiter: str, quoted: bool, ended: bool
) -> None:
    file = io.StringIO(newline="")
    # Python's writer leaves a carriage return unquoted where it does not end lines; readers take it for a line end.
    assume(quoted or newline == "\r\n" or not any("\r" in cell for row in rows for cell in row))
    style = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    csv.writer(file, lineterminator=newline, delimiter=delimiter, quoting=style).writerows(rows)
    text = file.getvalue()
    if not ended and rows and rows[-1]:
        text = text.removesuffix(newline)
    assert check(text.encode(), delimiter=delimiter)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'a,b"c"\n', "quote inside a cell"),
        (b'a, "b"\n', "quote inside a cell"),
        (b'"a" ,b\n', "text after a closing quote"),
        (b'"a"b,c\n', "text after a closing quote"),
        (b'a,"b\n', "unterminated quote"),
        (b"a,b\r\nc,d\n", "mixed line ends"),
        (b"a,b\nc,d\r\n", "mixed line ends"),
        (b"a,b\rc,d\n", "mixed line ends"),
        (b'"a"\r,b\n', "mixed line ends"),
    ],
)
def test_what_readers_could_differ_about(data: bytes, reason: str) -> None:
    with pytest.raises(UnprovedError, match=reason):
        prove_segment(data)


@given(ROWS, st.integers(1, 40), st.booleans())
def test_segments_are_one_file(rows: list[list[str]], segment_bytes: int, count_cells: bool) -> None:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    data = b"\xef\xbb\xbf" + file.getvalue().encode()
    whole, _ = prove_segment(data[3:], offset=3, count_cells=count_cells)
    with NamedTemporaryFile() as held:
        held.write(data)
        held.flush()
        path = Path(held.name)
        parts = list(iterate_records(path, start=3, segment_bytes=segment_bytes, count_cells=count_cells))
    for name in ("starts", "ends", "cells", "quotes"):
        assert [int(each) for part in parts for each in getattr(part, name)] == getattr(whole, name).tolist()


def test_a_change_of_line_end_between_segments_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"a,b\n" * 10 + b"c,d\r\n" * 10)
    with pytest.raises(UnprovedError, match="mixed line ends"):
        list(iterate_records(path, segment_bytes=8))


def test_without_counting_only_blank_lines_are_told_apart() -> None:
    records, _ = prove_segment(b"a,b\n\nc\n", count_cells=False)
    assert records.cells.tolist() == [1, 0, 1]
    assert prove_segment(b"a,b\n\nc\n")[0].cells.tolist() == [2, 0, 1]
