"""CSV and its relatives: encodings, delimiters, line ends, quotes, and files made to break readers."""

import csv
import io
import json
import time
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.intake.limits import Limits
from pipelines.intake.readers.blocks import BlockParser
from pipelines.intake.readers.delimited import LARGE_BLOCK as BLOCK
from pipelines.intake.readers.dialect import Dialect
from pipelines.intake.sources import Block


def cells_of(table):
    return [cells for _, cells in table.rows()]


def codes(table):
    return [(finding.code, finding.row_number, finding.column) for finding in table.findings]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16"),
        ("utf-16-be", "utf-16"),
        ("utf-32", "utf-32"),
        ("utf-32-be", "utf-32"),
        ("cp1252", "windows-1252"),
    ],
)
def test_encodings_are_recognised(read, encoding, name):
    text = "código;descripción\n1;Adquisición de útiles – niñez\n" * 3
    [table] = read(text.encode(encoding))
    assert cells_of(table)[:2] == [["código", "descripción"], ["1", "Adquisición de útiles – niñez"]]
    assert table.understood["encoding"] == name
    assert codes(table) == ([("encoding-not-utf8", None, None)] if not name.startswith("utf-8") else [])


def test_bytes_undefined_in_windows_1252_are_latin_1(read):
    [table] = read(b"a,b\n\xe1\x81,x\n")
    assert cells_of(table)[1] == ["á\x81", "x"]


def test_broken_utf8_is_told_by_row_and_the_rest_is_kept(read):
    rows = (
        [b"id,nombre"]
        + ["1,Educación".encode()] * 5
        + [b'2,"Obra\n\x93x"', b"3,\xf1"]
        + ["4,Ñandú \ufffd".encode()] * 2
    )
    [table] = read(b"\n".join(rows))
    assert cells_of(table)[6:8] == [["2", "Obra\n\ufffdx"], ["3", "\ufffd"]]
    assert codes(table) == [("invalid-bytes", 7, "B"), ("invalid-bytes", 8, "B")]
    assert cells_of(table)[8] == ["4", "Ñandú \ufffd"], "a replacement character that was sent is no damage"


def test_a_told_encoding_wins(read):
    [table] = read("a,b\nñ,1\n".encode(), encoding="cp850")
    assert cells_of(table)[1] == ["├▒", "1"]


@pytest.mark.parametrize("told", ["unicode_escape", "zip", "no-such", 7, "ascii"])
def test_an_unusable_told_encoding_is_not_followed(read, told):
    [table] = read("a,b\n\\n ñ,1\n".encode(), encoding=told)
    assert cells_of(table)[1] == ["\\n ñ", "1"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(read, delimiter):
    [table] = read(f"a{delimiter}b\n1{delimiter}2\n")
    assert cells_of(table) == [["a", "b"], ["1", "2"]]
    assert table.understood["delimiter"] == delimiter


def test_a_decimal_comma_does_not_win(read):
    [table] = read("id;monto\n" + "1;1.234,50\n" * 50)
    assert cells_of(table)[1] == ["1", "1.234,50"]


@pytest.mark.parametrize(
    "lines",
    [[f"{number},50" for number in range(40)], ["Sí, claro", "No", "Tal vez, o no, o sí"] * 9, ["x"] * 9],
)
def test_one_column_stays_one(read, lines):
    [table] = read("\n".join(["monto", *lines]))
    assert cells_of(table)[1:] == [[line] for line in lines]


def test_quoted_delimiters_do_not_count(read):
    [table] = read('a;b\n"x,y,z";1\n"p,q,r";2\n')
    assert cells_of(table)[1] == ["x,y,z", "1"]


def test_excel_separator_line_is_an_order_and_no_row(read):
    [table] = read("sep=|\r\na|b;c\r\n1|2;3\r\n")
    assert list(table.rows()) == [(1, ["a", "b;c"]), (2, ["1", "2;3"])]


def test_told_delimiter_quote_and_skipped_rows_win(read):
    [table] = read("title\n'a,x';b,c\n1;2\n", delimiter=";", quote="'", skip_rows=1)
    assert list(table.rows()) == [(2, ["a,x", "b,c"]), (3, ["1", "2"])]
    [table] = read('a,b\n"x,1\n', quote="")
    assert cells_of(table)[1] == ['"x', "1"]


@pytest.mark.parametrize(("end", "name"), [("\n", "lf"), ("\r\n", "crlf"), ("\r", "cr")])
def test_line_ends(read, end, name):
    [table] = read(end.join(["a,b", '"x\ny",1', "", "2,3"]))
    rows = [(number, cells if any(cells) else []) for number, cells in table.rows()]
    assert rows == [(1, ["a", "b"]), (2, ["x\ny", "1"]), (3, []), (4, ["2", "3"])]
    assert table.understood["line_end"] == (name if name == "lf" else "mixed")


def test_mixed_line_ends_and_bare_returns_in_quotes(read):
    [table] = read('a,b\r\n1,"x\ry"\n2,z\r3,w')
    assert cells_of(table) == [["a", "b"], ["1", "x\ry"], ["2", "z"], ["3", "w"]]


def test_empty_cells_are_none_quoted_or_not(read):
    [table] = read('a,b,c\n,"",x\n')
    assert cells_of(table)[1] == [None, None, "x"]


def test_control_characters_are_removed_and_told(read):
    [table] = read('a,b\n1,x\x00y\x1b\n\x0c2,"tab\there"\n')
    assert cells_of(table)[1:] == [["1", "xy"], ["2", "tab\there"]]
    assert codes(table) == [("control-characters", 2, "B"), ("control-characters", 3, "A")]
    assert table.findings[0].parameters["characters"] == "U+0000 U+001B"
    list(table.rows())
    assert len(table.findings) == 2, "a second reading tells nothing again"


def test_control_characters_in_utf16(read):
    [table] = read("a,b\nx\x01,ñ\n".encode("utf-16"))
    assert cells_of(table)[1] == ["x", "ñ"]
    assert ("control-characters", 2, "A") in codes(table)


def test_findings_of_a_table_are_bounded(read):
    [table] = read("a\n" + "x\x01\n" * 3_000)
    list(table.rows())
    assert len(table.findings) == 1_000
    assert table.findings[-1].parameters["further"] == 2_000


def test_a_quote_open_to_the_end_loses_no_row(read):
    [table] = read('a,b\n1,"open\n2,x\n3,"y"\n4,z\n5,"never closed\n6,w\n')
    rows = dict(table.rows())
    assert rows[2] == ["1", 'open\n2,x\n3,y"'], "as spreadsheet programs join them"
    assert [rows[number][0] for number in (3, 4, 5)] == ["4", "5", "6"]
    assert codes(table) == [("unclosed-quote", 4, None)]


def test_a_quote_that_swallows_more_than_100_lines_is_undone(read):
    lines = ["id,text", '1,"open'] + [f"{number},x" for number in range(2, 400)]
    [table] = read("\n".join(lines) + "\n")
    rows = list(table.rows())
    assert rows[1] == (2, ["1", '"open'])
    assert [cells[0] for _, cells in rows[1:]] == [str(number) for number in range(1, 400)]
    assert codes(table) == [("unclosed-quote", 2, None)]


def test_unclosed_quotes_on_every_line_are_not_read_over_and_over(read):
    # Inside an open quote each line closes it and opens the next.
    [table] = read("a,b\n" + 'x","y\n' * 20_000)
    started = time.process_time()
    assert sum(1 for _ in table.rows()) == 20_001
    assert time.process_time() - started < 10
    assert table.findings[-1].parameters["further"] == 19_000


def test_a_quoted_cell_of_100_lines_is_a_cell(read):
    text = "\n".join(["line"] * 100)
    [table] = read(f'a,b\n1,"{text}"\n2,x\n')
    assert list(table.rows())[1:] == [(2, ["1", text]), (3, ["2", "x"])]
    assert not table.findings


def test_a_record_across_blocks(read):
    row = "1," + "x" * 1000 + "\n"
    text = "a,b\n" + row * (BLOCK // len(row)) + '2,"' + "y\n" * 50 + '"\n' + row * 300
    [table] = read(text)
    rows = list(table.rows())
    expected = list(csv.reader(io.StringIO(text, newline="")))
    assert [cells for _, cells in rows] == expected
    assert [number for number, _ in rows] == list(range(1, len(expected) + 1))


def test_blocks_and_lines_alternate_with_right_row_numbers(read):
    plain, odd = ("1," + "x" * 97 + "\n") * (BLOCK // 100), '2,5" pipe\n'
    text = "a,b\n" + plain + odd + plain + odd
    [table] = read(text)
    rows = list(table.rows())
    assert [cells for _, cells in rows] == list(csv.reader(io.StringIO(text, newline="")))
    assert rows[-1] == (len(rows), ["2", '5" pipe'])


def test_a_cell_over_the_limit_is_emptied_and_told(read):
    [table] = read("a,b\n1," + "9" * 500 + "\n2,x\n", limits=Limits(max_cell_characters=100))
    assert cells_of(table) == [["a", "b"], ["1", None], ["2", "x"]]
    [finding] = table.findings
    assert (finding.code, finding.row_number, finding.column) == ("value-too-long", 2, "B")
    assert finding.parameters == {"length": 500, "limit": 100}


def test_a_quoted_cell_over_the_limit_keeps_the_cells_beside_it(read):
    long = '"' + 'a,""b' * 300 + '"'
    [table] = read(f"x,{long},y\n" * 2 + "1,2,3\n", limits=Limits(max_cell_characters=50))
    assert cells_of(table) == [["x", None, "y"]] * 2 + [["1", "2", "3"]]


def test_a_cell_of_many_lines_over_the_limit(read):
    [table] = read('a,b\n1,"' + "abcdefghi\n" * 90 + '"\n', limits=Limits(max_cell_characters=300))
    assert cells_of(table)[1] == ["1", None]
    assert table.findings[0].parameters["length"] == 900


def test_gigantic_number_in_bounded_memory(tmp_path, read):
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"id,amount\n1,")
        for _ in range(48):
            file.write(b"9" * 2**20)
        file.write(b"\n2,5\n")
    tracemalloc.start()
    [table] = read(path, format="csv")
    rows = cells_of(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows == [["id", "amount"], ["1", None], ["2", "5"]]
    assert table.findings[0].parameters["length"] == 48 * 2**20
    assert peak < 20 * 2**20


def test_a_line_of_countless_cells_is_cut(tmp_path, read):
    path = tmp_path / "wide.csv"
    path.write_bytes(b"a,b\n" + b"," * 5_000_000 + b"\n1,2\n")
    [table] = read(path, format="csv")
    rows = cells_of(table)
    assert len(rows[1]) < 5_000
    assert rows[2] == ["1", "2"]


def test_a_line_of_too_many_characters_is_cut_and_told(read):
    limits = Limits(max_cell_characters=100)
    [table] = read("a,b\n" + ("x" * 90 + ",") * 100 + "\n1,2\n", limits=limits)
    rows = cells_of(table)
    assert rows[2] == ["1", "2"]
    assert table.findings[0].code == "value-too-long"
    assert table.findings[0].parameters == {"length": 9_100, "limit": 1_600}


def test_rows_can_be_left_half_way_and_begun_again(read):
    [table] = read("a\n1\n2\n")
    half = table.rows()
    next(half)
    half.close()
    assert len(list(table.rows())) == 3


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
CONTENT = st.one_of(TEXT, st.text(alphabet='a,;"\n\r\t\\é', max_size=8))
KEEP = {"max_examples": 150, "deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@settings(**KEEP)
@given(
    st.lists(st.lists(CONTENT, min_size=2, max_size=5), min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_csv_writer_writes_is_read(read, rows, delimiter, end, quoting, encoding):
    # The writer of Python 3.11 leaves a line end unquoted that is not its own.
    quoting = csv.QUOTE_ALL if any("\r" in cell or "\n" in cell for row in rows for cell in row) else quoting
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=quoting).writerows(rows)
    [table] = read(buffer.getvalue().encode(encoding), format="csv", delimiter=delimiter)
    controls = dict.fromkeys(code for code in range(32) if code not in (9, 10, 13))
    expected = [[cell.translate(controls) or None for cell in row] for row in rows]
    assert cells_of(table) == expected


@settings(**KEEP)
@given(st.text(alphabet='ab,"\n\r\t\\é1', max_size=60), st.sampled_from(['"', "'"]))
def test_blocks_mean_what_the_csv_module_means(text, quote):
    text = text.replace('"', quote)
    parser = BlockParser(Dialect(",", quote))
    columns = parser.parse(text.encode(), 1_000) if text else None
    if columns is not None:
        parsed = [cells for _, cells in Block(1, columns).to_rows()]
        expected = [
            [cell or None for cell in row]
            for row in csv.reader(io.StringIO(text, newline=""), quotechar=quote)
        ]
        # A blank line is a row without cells to one and a row of empty cells to the other: a blank row for both.
        assert [row if any(row) else [] for row in parsed] == [row if any(row) else [] for row in expected]


@settings(**KEEP)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_exception(read, content):
    for table in read(content, format="csv"):
        for _, cells in table.rows():
            "".join(filter(None, cells)).encode()


# Peers and real data ----------------------------------------

SPECTRUM = [
    "comma_in_quotes",
    "empty",
    "empty_crlf",
    "escaped_quotes",
    "json",
    "location_coordinates",
    "newlines",
    "newlines_crlf",
    "quotes_and_newlines",
    "simple",
    "simple_crlf",
    "utf8",
]


@pytest.mark.parametrize("name", SPECTRUM)
def test_csv_spectrum(read, shared, name):
    [table] = read(shared / "conformance/csv-spectrum/csvs" / f"{name}.csv")
    labels, *rows = cells_of(table)
    expected = json.loads(
        (shared / "conformance/csv-spectrum/json" / f"{name}.json").read_text(encoding="utf-8")
    )
    expected = expected if isinstance(expected, list) else [expected]
    if name == "location_coordinates":
        expected[0]["Contact Phone Number"] = "2095257564"  # the expectation has another number than its CSV
    assert [{label: cell or "" for label, cell in zip(labels, row, strict=True)} for row in rows] == expected


def test_peru_is_windows_1252_with_semicolons(read, shared):
    [table] = read(shared / "real/xlsx-peru-osce-conosce/DATA_CONSOLIDADA_520.csv")
    rows = cells_of(table)
    assert (len(rows), {len(cells) for cells in rows}) == (521, {8})
    assert rows[0][2] == "FECHA DE INSCRIPCIÓN"
    assert [finding.parameters for finding in table.findings] == [{"encoding": "windows-1252"}]


def test_canada_has_one_damaged_row(read, shared):
    [table] = read(shared / "real/csv-canada-proactive-disclosure/contracts-output-2014.csv")
    rows = cells_of(table)
    assert (len(rows), {len(cells) for cells in rows}, rows[0][0]) == (24_351, {13}, "ID")
    assert codes(table) == [("invalid-bytes", 10_427, "C")]


def test_honduras_bare_returns_stay_inside_cells(read, shared):
    [table] = read(shared / "real/csv-honduras-oncae-ocds-flat/CE_2020/parties20.csv")
    rows = cells_of(table)
    assert (len(rows), {len(cells) for cells in rows}) == (19_986, {14})
    assert table.understood["line_end"] == "mixed"


def test_chile_keeps_its_ragged_row(read, shared):
    [table] = read(shared / "real/csv-chile-mercadopublico/adjudicadas.csv")
    assert [(number, len(cells)) for number, cells in table.rows() if len(cells) != 17] == [(1_609, 16)]
