"""What a file is, by its content; names decide only between kinds of plain text."""

import io

import openpyxl
import pytest

from pipelines.intake.detect import detect_content

CSV = b"id,name\n1,x\n"


def _workbook():
    buffer = io.BytesIO()
    openpyxl.Workbook().save(buffer)
    return buffer.getvalue()


WORKBOOK = _workbook()


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.txt", b"id;name\n1;x\n2;y\n", "csv"),
        ("a.xlsx", CSV, "csv"),
        ("a.csv", WORKBOOK, "xlsx"),
        ("a.bin", "id,ñ\n1,2\n".encode("utf-16"), "csv"),
        ("a.csv", b'[{"a": 1}]', "json"),
        ("a.json", b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        ("a.json", b'{"a": 1}', "json"),
        ("a.jsonl", b'{"a": 1}', "jsonl"),
        ("a.json", b'{\n "releases": []\n}', "json"),
        ("a.json", '{"ocid": "ñ"}'.encode("utf-16"), "json"),
        ("datapackage.json", b'{"resources": []}', "descriptor"),
        ("datapackage.json", b'{"resources": [', "descriptor"),
        ("datapackage.json", b'{"releases": []}', "json"),
        ("awards.schema.json", b'{"fields": []}', "other"),
        ("a.csv", b"<b>;x\n1;2\n", "csv"),
        ("a.csv", b"[id],name\n1,2\n", "csv"),
        ("a.csv", b"MZ,BM\n1,2\n", "csv"),
        ("a.csv", b"a,b\n1,\0\0\n", "csv"),
        ("leeme.txt", b"a,b\n1,2\n", "other"),
        ("notas.md", b"a,b\n1,2\n", "other"),
        ("notes about it.txt", b"One line, and\nanother\n", "other"),
    ],
)
def test_format_by_content(tmp_path, name, content, format):
    path = tmp_path / name
    path.write_bytes(content)
    assert detect_content(path, name).format == format
