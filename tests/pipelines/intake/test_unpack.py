"""What comes in: kept byte for byte, archives opened within limits, all that is hostile told, none obeyed."""

import gzip
import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipelines.intake import unpack as unpack_module
from pipelines.intake.limits import Limits
from pipelines.intake.unpack import hash_files, identity_hash, unpack

CSV = b"id,name\n1,x\n"


@pytest.fixture
def sent(tmp_path):
    folder = tmp_path / "sent"
    folder.mkdir()
    return folder


@pytest.fixture
def open_sent(tmp_path, sent):
    """Unpack what lies in `sent`, or given paths."""
    runs = iter(range(100))

    def open_sent(*paths, **limits):
        return unpack(list(paths) or [sent], tmp_path / f"work{next(runs)}", Limits(**limits))

    return open_sent


def put(folder, name, content=CSV):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def zipped(entries, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(**parts):
    buffer = io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["a"])
    book.save(buffer)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def names(unpacked):
    return [(file.name, file.format) for file in unpacked.files]


def found(unpacked):
    return [(finding.code, finding.source_file) for finding in unpacked.findings]


def written(root):
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


# What is kept ----------------------------------------


def test_a_folder_is_kept_as_sent(sent, tmp_path):
    put(sent, "data/contratos.csv")
    put(sent, "datapackage.json", b'{"resources": []}')
    unpacked = unpack([sent], tmp_path / "work", Limits())
    assert names(unpacked) == [("data/contratos.csv", "csv"), ("datapackage.json", "descriptor")]
    assert (tmp_path / "work/original/data/contratos.csv").read_bytes() == CSV
    assert not unpacked.findings
    assert all(not file.path.samefile(sent / file.name) for file in unpacked.files), "a copy, not a link"


def test_archives_are_folders_of_names(sent, tmp_path):
    put(sent, "pack.zip", zipped({"data/a.csv": CSV, "data/": b"", "b.csv.gz": gzip.compress(CSV)}))
    unpacked = unpack([sent / "pack.zip"], tmp_path / "work", Limits())
    assert names(unpacked) == [("pack.zip/b.csv.gz/b.csv", "csv"), ("pack.zip/data/a.csv", "csv")]
    assert [file.path.read_bytes() for file in unpacked.files] == [CSV, CSV]
    assert (tmp_path / "work/original/pack.zip").read_bytes() == (sent / "pack.zip").read_bytes()


def test_several_paths_with_one_name(sent, open_sent):
    unpacked = open_sent(put(sent, "one/a.csv"), put(sent, "two/A.csv", b"x,y\n3,4\n"), sent / "one")
    assert names(unpacked) == [("A.csv", "csv"), ("a (2).csv", "csv"), ("one/a.csv", "csv")]
    assert len({file.path for file in unpacked.files}) == 3


def test_a_file_and_a_folder_of_one_name(sent, open_sent):
    unpacked = open_sent(put(sent, "one/data"), put(sent, "two/data/a.csv").parent)
    assert names(unpacked) == [("data", "csv"), ("data/a.csv", "csv")]


def test_rubbish_is_left_out_without_a_word(sent, tmp_path):
    for name in (".DS_Store", "__MACOSX/._a.csv", "Thumbs.db", "~$libro.xlsx", "a.csv"):
        put(sent, name)
    put(sent, "b.zip", zipped({"__MACOSX/._a.csv": b"x", "d/.DS_Store": b"x", "d/a.csv": CSV}))
    unpacked = unpack([sent], tmp_path / "work", Limits())
    assert names(unpacked) == [("a.csv", "csv"), ("b.zip/d/a.csv", "csv")]
    assert not unpacked.findings
    assert written(tmp_path / "work/original") == ["a.csv", "b.zip"]


# Identity ----------------------------------------


def test_identity_of_one_file_is_its_bytes(sent):
    first, second = put(sent, "a.csv"), put(sent, "other name.csv")
    other = put(sent, "c.csv", CSV + b"2,y\n")
    assert (
        identity_hash(hash_files([first]))
        == identity_hash(hash_files([second]))
        != identity_hash(hash_files([other]))
    )


def test_identity_of_several_files_is_names_and_bytes(sent, tmp_path):
    first, second = put(sent, "a.csv"), put(sent, "b.csv", b"x")
    both = identity_hash(hash_files([first, second]))
    assert both == identity_hash(hash_files([second, first])) == identity_hash(hash_files([sent]))
    put(sent, ".DS_Store")
    assert identity_hash(hash_files([sent])) == both
    second.rename(sent / "c.csv")
    assert identity_hash(hash_files([sent])) != both


def test_identity_of_a_link_does_not_follow_it(sent, tmp_path):
    secret = put(tmp_path, "secret.txt", b"secret")
    (sent / "a.csv").symlink_to(secret)
    before = identity_hash(hash_files([sent / "a.csv"]))
    secret.write_bytes(b"another")
    assert identity_hash(hash_files([sent / "a.csv"])) == before


# Kinds of files ----------------------------------------


PDF, PNG, HTML = b"%PDF-1.7\n...", b"\x89PNG\r\n\x1a\n", b"<!DOCTYPE html><html><table>"


@pytest.mark.parametrize(
    ("name", "content"), [("a.pdf", PDF), ("logo.png", PNG), ("README.md", b"# x"), ("i.html", HTML)]
)
def test_documents_beside_data_are_set_aside_and_alone_are_refused(sent, open_sent, name, content):
    put(sent, name, content)
    assert found(open_sent()) == [("not-a-table", name)]
    put(sent, "z.csv")
    unpacked = open_sent()
    assert (names(unpacked), unpacked.findings) == (sorted([(name, "other"), ("z.csv", "csv")]), [])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (HTML, "html"),
        (PDF, "pdf"),
        (PNG, "image"),
        (b"<?xml version='1.0'?><a/>", "xml"),
        (b"\x00\x01\x02" * 99, "binary"),
    ],
)
@pytest.mark.parametrize("name", ["contratos.csv", "contratos.xls"])
def test_what_only_calls_itself_data_is_no_table(sent, open_sent, name, content, kind):
    put(sent, name, content)
    put(sent, "z.csv")
    unpacked = open_sent()
    assert found(unpacked) == [("not-a-table", name)]
    assert unpacked.findings[0].parameters == {"kind": kind}


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.rar", b"Rar!\x1a\x07\x00"), ("a.parquet", b"PAR1"), ("a.xml", b"<?xml version='1.0'?><a/>")],
)
def test_data_in_other_formats_is_told(sent, open_sent, name, content):
    put(sent, name, content)
    assert found(open_sent()) == [("unknown-format", name)]


@pytest.mark.parametrize(
    "content", [b"", b"\xef\xbb\xbf", b"\r\n \n\t", "\n \n".encode("utf-16"), b"\n" * 300_000]
)
def test_empty_files(sent, open_sent, content):
    put(sent, "a.csv", content)
    put(sent, "b.zip", zipped({"in.csv": content}))
    assert found(open_sent()) == [("empty-file", "a.csv"), ("empty-file", "b.zip/in.csv")]


# Limits ----------------------------------------


@pytest.fixture
def no_floor(monkeypatch):
    monkeypatch.setattr(unpack_module, "HARMLESS_BYTES", 10_000)


def test_a_bomb_is_stopped_at_the_ratio(sent, tmp_path, no_floor):
    put(sent, "bomb.zip", zipped({f"{number}.csv": b"0" * 500_000 for number in range(20)}))
    unpacked = unpack([sent], tmp_path / "work", Limits(max_expansion=10))
    assert found(unpacked) == [("archive-too-large", "bomb.zip")]
    size = sum(path.stat().st_size for path in (tmp_path / "work/unpacked").iterdir())
    assert size <= 10 * (sent / "bomb.zip").stat().st_size + 10_000


def test_a_nested_bomb_has_one_budget(sent, tmp_path, no_floor):
    inner = zipped({"in.csv": b"0" * 1_000_000})
    put(sent, "bomb.zip", zipped({f"{number}.zip": inner for number in range(30)}))
    unpacked = unpack([sent], tmp_path / "work", Limits(max_expansion=200))
    assert found(unpacked) == [("archive-too-large", "bomb.zip")]
    assert not any(path.suffix == ".zip" for path in (tmp_path / "work/unpacked").iterdir())


def test_sizes_stated_by_a_zip_are_not_believed(sent, open_sent, no_floor):
    content = bytearray(zipped({"a.csv": b"0" * 1_000_000}))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<L", 10)
    put(sent, "a.zip", bytes(content))
    assert found(open_sent()) == [("truncated-archive", "a.zip")]


def test_a_gzip_bomb(sent, open_sent, no_floor):
    put(sent, "a.csv.gz", gzip.compress(b"0" * 3_000_000))
    unpacked = open_sent(max_expansion=5)
    assert (found(unpacked), unpacked.files) == ([("archive-too-large", "a.csv.gz")], [])


def test_a_bomb_inside_a_workbook(sent, open_sent, no_floor):
    put(sent, "a.xlsx", workbook(**{"xl/sharedStrings2.xml": b"\n" * 3_000_000}))
    put(sent, "b.csv")
    unpacked = open_sent(max_expansion=5)
    assert (found(unpacked), names(unpacked)) == ([("archive-too-large", "a.xlsx")], [("b.csv", "csv")])


def test_total_and_file_sizes(sent, tmp_path, open_sent):
    put(sent, "a.csv", CSV * 100)
    put(sent, "b.csv", CSV)
    put(sent, "c.zip", zipped({"in.csv": CSV * 100}))
    unpacked = open_sent(max_file_bytes=1_000)
    assert found(unpacked) == [("file-too-large", "a.csv"), ("file-too-large", "c.zip/in.csv")]
    assert unpacked.findings[0].parameters == {"limit": 1_000}
    assert names(unpacked) == [("b.csv", "csv")]
    assert found(open_sent(max_total_bytes=1_300)) == [("archive-too-large", "c.zip")]
    assert found(open_sent(max_total_bytes=500)) == [("archive-too-large", "a.csv")]


def test_depth(sent, open_sent):
    content = CSV
    for level in ("c.csv", "b.zip", "a.zip"):
        content = zipped({level: content})
    put(sent, "top.zip", content)
    unpacked = open_sent(max_depth=2)
    assert found(unpacked) == [("archive-too-deep", "top.zip/a.zip/b.zip")]
    assert names(open_sent(max_depth=3)) == [("top.zip/a.zip/b.zip/c.csv", "csv")]


def test_number_of_files(sent, open_sent, monkeypatch):
    put(sent, "a.zip", zipped({f"{number}.csv": CSV for number in range(20)}))
    put(sent, "b.csv")
    unpacked = open_sent(max_files=10)
    assert [code for code, _ in found(unpacked)] == ["archive-too-many-files"]
    assert len(unpacked.files) == 9
    monkeypatch.setattr("pipelines.intake.readers.containers.MAX_DIRECTORY_BYTES", 500)
    assert found(open_sent()) == [("archive-too-many-files", "a.zip")]


# Hostile names ----------------------------------------

CLIMBERS = [
    "../a.csv",
    "x/../../a.csv",
    "/etc/a.csv",
    "C:/a.csv",
    "c:\\a.csv",
    "..\\a.csv",
    "x\\..\\..\\a.csv",
    "\\\\host\\a.csv",
]


@pytest.mark.parametrize("name", CLIMBERS)
def test_names_that_climb_are_told_and_nothing_is_written_outside(sent, tmp_path, name):
    put(sent, "a.zip", zipped({name: CSV, "good.csv": CSV}))
    unpacked = unpack([sent], tmp_path / "deep/work", Limits())
    assert found(unpacked) == [("unsafe-path", "a.zip")]
    assert unpacked.findings[0].parameters == {"path": name}
    assert names(unpacked) == [("a.zip/good.csv", "csv")]
    assert [each for each in written(tmp_path) if not each.startswith(("sent/", "deep/work/"))] == []


def test_a_name_with_a_zero_byte(sent, open_sent):
    put(sent, "a.zip", zipped({"good.csv": CSV, "a.csvX.exe": CSV}).replace(b"a.csvX.exe", b"a.csv\0.exe"))
    unpacked = open_sent()
    assert found(unpacked) == [("unsafe-path", "a.zip")]
    assert names(unpacked) == [("a.zip/good.csv", "csv")]


def test_links_in_a_zip(sent, open_sent):
    link = zipfile.ZipInfo("passwords.csv")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    put(sent, "a.zip", zipped([(link, b"/etc/passwd"), ("good.csv", CSV)]))
    unpacked = open_sent()
    assert (found(unpacked), names(unpacked)) == ([("unsafe-path", "a.zip")], [("a.zip/good.csv", "csv")])


def test_links_and_pipes_in_a_folder(sent, open_sent, tmp_path):
    secret = put(tmp_path, "secret/secret.csv")
    (sent / "link.csv").symlink_to(secret)
    (sent / "folder").symlink_to(secret.parent)
    os.mkfifo(sent / "pipe.csv")
    put(sent, "good.csv")
    unpacked = open_sent()
    assert sorted(found(unpacked)) == [("unsafe-path", name) for name in ("folder", "link.csv", "pipe.csv")]
    assert names(unpacked) == [("good.csv", "csv")]
    assert found(open_sent(sent / "link.csv")) == [("unsafe-path", "link.csv")]


def test_names_that_are_the_same_or_nearly(sent, open_sent):
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = zipped(
            [("a.csv", CSV), ("a.csv", b"x,y\n"), ("A.CSV", b"z,w\n"), ("d\\a.csv", CSV), ("d/a.csv", CSV)]
        )
    put(sent, "p.zip", content)
    unpacked = open_sent()
    assert [file.name for file in unpacked.files] == [
        f"p.zip/{name}" for name in ("A (3).CSV", "a (2).csv", "a.csv", "d/a (2).csv", "d/a.csv")
    ]
    assert [file.path.read_bytes() for file in unpacked.files[:3]] == [b"z,w\n", b"x,y\n", CSV]


def test_names_without_end_and_without_print(sent, open_sent):
    long = "ñ" * 300 + ".csv"
    put(sent, "p.zip", zipped({long: CSV, "d/" * 2_000 + "deep.csv": CSV, "e\x1b[31m.csv": CSV}))
    unpacked = open_sent()
    assert not unpacked.findings
    assert len(unpacked.files) == 3
    for file in unpacked.files:
        assert file.path.read_bytes() == CSV
        assert file.name.endswith(".csv") and file.name.isprintable()
        assert len(file.name.encode()) < 1_100


def test_names_of_windows_and_of_macs(sent, open_sent):
    put(sent, "dos.zip", zipped({"licitaciXn.csv": CSV}).replace(b"licitaciXn", b"licitaci\xa2n"))
    put(sent, "mac.zip", zipped({"licitacio\u0301n.csv": CSV}))
    assert [file.name for file in open_sent().files] == ["dos.zip/licitación.csv", "mac.zip/licitación.csv"]


# Damage, passwords, programs ----------------------------------------


def test_truncated_archives(sent, open_sent):
    content = os.urandom(5_000).hex().encode()
    put(sent, "a.zip", zipped({"a.csv": content})[:-3_000])
    put(sent, "b.csv.gz", gzip.compress(content)[:-10])
    put(sent, "c.xlsx", workbook()[:-1_000])
    put(sent, "d.csv.gz", b"\x1f\x8b nothing")
    codes = ["truncated-archive", "truncated-archive", "unreadable-file", "truncated-archive"]
    assert found(open_sent()) == list(zip(codes, ["a.zip", "b.csv.gz", "c.xlsx", "d.csv.gz"], strict=True))


def test_a_wrong_checksum(sent, open_sent):
    content = bytearray(zipped({"a.csv": CSV}, compresslevel=0))
    position = content.index(b"id,name")
    content[position] ^= 1
    put(sent, "a.zip", bytes(content))
    assert found(open_sent()) == [("truncated-archive", "a.zip")]


@example(damage=[(70367, 1)], cut=0)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    damage=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.integers(0, 200),
)
def test_no_damage_raises(sent, open_sent_many, damage, cut):
    content = bytearray(zipped({"d/a.csv": CSV * 20, "b.zip": zipped({"c.csv": CSV})}))
    for position, byte in damage:
        content[position % len(content)] = byte
    put(sent, "a.zip", bytes(content[: len(content) - cut]))
    for finding in open_sent_many().findings:
        assert finding.code


@pytest.fixture
def open_sent_many(tmp_path, sent):
    runs = iter(range(10_000))
    return lambda: unpack([sent], tmp_path / f"many{next(runs)}", Limits())


def test_a_zip_with_a_password(sent, open_sent):
    content = bytearray(zipped({"a.csv": CSV, "b.csv": CSV}))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        position = content.find(signature)
        while position >= 0:
            content[position + offset] |= 1
            position = content.find(signature, position + 4)
    put(sent, "a.zip", bytes(content))
    assert found(open_sent()) == [("password-protected", "a.zip")]


def compound_file(*stream_names):
    """A minimal OLE compound file: header, one sector of the table, one of the directory."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<5H", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<8L", header, 44, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    struct.pack_into("<109L", header, 76, 0, *[0xFFFFFFFF] * 108)
    table = struct.pack("<128L", 0xFFFFFFFD, 0xFFFFFFFE, *[0xFFFFFFFF] * 126)
    directory = b""
    for kind, name in [(5, "Root Entry"), *((2, name) for name in stream_names)]:
        text = name.encode("utf-16-le") + b"\0\0"
        directory += text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1) + bytes(48)
        directory += struct.pack("<LQ", 0xFFFFFFFE, 0)
    return bytes(header) + table + directory.ljust(512, b"\0")


def test_a_workbook_with_a_password(sent, open_sent):
    put(sent, "a.xlsx", compound_file("EncryptedPackage", "EncryptionInfo"))
    manifest = b'<manifest><file-entry><encryption-data checksum=""/></file-entry></manifest>'
    mimetype = b"application/vnd.oasis.opendocument.spreadsheet"
    put(sent, "b.ods", zipped({"mimetype": mimetype, "META-INF/manifest.xml": manifest, "content.xml": b"x"}))
    assert found(open_sent()) == [("password-protected", "a.xlsx"), ("password-protected", "b.ods")]


def test_workbooks_with_programs(sent, open_sent):
    mimetype = b"application/vnd.oasis.opendocument.spreadsheet"
    put(sent, "a.xlsx", workbook(**{"xl/vbaProject.bin": b"x"}))
    put(
        sent, "b.ods", zipped({"mimetype": mimetype, "content.xml": b"x", "Basic/Standard/Module1.xml": b"x"})
    )
    put(sent, "c.xls", compound_file("Workbook", "_VBA_PROJECT_CUR"))
    put(sent, "d.xlsx", workbook(**{"xl/macrosheets/sheet1.xml": b"x"}))
    put(sent, "e.xlsx", workbook())
    unpacked = open_sent()
    assert found(unpacked) == [
        ("workbook-with-macros", name) for name in ("a.xlsx", "b.ods", "c.xls", "d.xlsx")
    ]
    assert [format for _, format in names(unpacked)] == ["xlsx", "ods", "xls", "xlsx", "xlsx"]


def test_a_workbook_with_a_part_twice_is_not_read(sent, open_sent):
    with pytest.warns(UserWarning, match="Duplicate name"):
        content = workbook(**{"xl/workbook.xml": b"<other/>"})
    put(sent, "a.xlsx", content)
    assert found(open_sent()) == [("unreadable-file", "a.xlsx")]


def test_ways_of_packing_that_ask_for_memory_are_not_read(sent, open_sent):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.csv", CSV)
    put(sent, "a.zip", buffer.getvalue())
    assert found(open_sent()) == [("unreadable-file", "a.zip/a.csv")]


def test_an_ole_file_that_runs_in_circles(sent, open_sent):
    content = bytearray(compound_file("Workbook"))
    struct.pack_into("<L", content, 512 + 4, 1)
    put(sent, "a.xls", bytes(content))
    assert found(open_sent()) == [("unreadable-file", "a.xls")]


def test_other_paths_of_the_machine_do_not_matter(sent, open_sent, monkeypatch):
    put(sent, "a.csv")
    monkeypatch.chdir(sent)
    assert names(open_sent(Path("a.csv"))) == [("a.csv", "csv")]
