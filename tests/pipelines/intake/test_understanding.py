"""What the intake makes of headings, numbers, dates, codes and marks; each case one small file through the whole intake."""

import json
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.catalogue import Catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.intake.flattened import is_flattened
from pipelines.intake.labels import LabelIndex, fold
from pipelines.intake.plan import column_letter
from pipelines.records import StagedPackage
from pipelines.zones import Zones


def stage(
    tmp_path: Path,
    catalogue: Catalogue,
    files: dict[str, str | bytes],
    mapping: dict | None = None,
    member: str = "HND",
) -> StagedPackage:
    folder = tmp_path / "sent"
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    paths = [folder / name for name in files] if len(files) == 1 else [folder]
    return receive_submission(
        paths, MemberCode(member), Zones(tmp_path / "var"), catalogue, instructions=mapping
    )


def cells(staged: StagedPackage, table: str, column: str) -> list[str | None]:
    found = staged.table(table)
    assert found is not None, [finding.code for finding in staged.findings]
    rows = pq.read_table(found.path).to_pylist()
    return [row[column] for row in sorted(rows, key=lambda row: row["source_row_number"])]


def codes(staged: StagedPackage) -> set[str]:
    return {finding.code for finding in staged.findings}


def column(
    tmp_path: Path, catalogue: Catalogue, field: str, values: list[str], mapping: dict | None = None
) -> tuple[list[str | None], set[str]]:
    """A column of ``contracts_flat`` as it is staged from these texts, and the codes that were found."""
    rows = "".join(f"C{number};Obras;Uno;{value}\n" for number, value in enumerate(values))
    staged = stage(
        tmp_path, catalogue, {"c.csv": f"contract_id;buyer_name;supplier_name;{field}\n{rows}"}, mapping
    )
    return cells(staged, "contracts_flat", field), codes(staged)


@pytest.mark.parametrize(
    ("values", "expected", "code"),
    [
        (["1.234,56", "7,5", "1.000"], ["1234.56", "7.5", "1000"], None),
        (["1,234.56", "7.5", "1,000"], ["1234.56", "7.5", "1000"], None),
        (["37.000,00", "37,000.00"], ["37000.00", "37000.00"], None),
        (["12500", "1.500"], ["12500", "1.500"], None),
        (["1.500", "2.250"], ["1.500", "2.250"], "numbers-ambiguous"),
        (["1,5", "2.5", "1.000"], None, "numbers-mixed"),
        (["R$ 1.000,50", "US$ 2.000,00"], ["1000.50", "2000.00"], None),
        (["(5,25)", "-5,25"], ["-5.25", "-5.25"], None),
        (["1 234,5", "1'234,5"], ["1234.5", "1234.5"], None),
        (["abc", "12 %"], ["abc", "12 %"], None),
    ],
)
def test_numbers(
    tmp_path: Path, catalogue: Catalogue, values: list[str], expected: list[str] | None, code: str | None
) -> None:
    read, found = column(tmp_path, catalogue, "contract_value_amount", values)
    if expected is not None:
        assert read == expected
    assert {each for each in found if each.startswith("numbers-")} == ({code} if code else set())


def test_a_decimal_sign_that_is_told_wins(tmp_path: Path, catalogue: Catalogue) -> None:
    read, found = column(tmp_path, catalogue, "contract_value_amount", ["1.500", "2.250"], {"decimal": ","})
    assert (read, "numbers-ambiguous" in found) == (["1500", "2250"], False)


@pytest.mark.parametrize(
    ("values", "expected", "ambiguous"),
    [
        (["31/12/2024", "01/02/2024"], ["2024-12-31T00:00:00Z", "2024-02-01T00:00:00Z"], False),
        (["12/31/2024", "01/02/2024"], ["2024-12-31T00:00:00Z", "2024-01-02T00:00:00Z"], False),
        (["01/02/2024"], ["2024-02-01T00:00:00Z"], True),
        (
            ["31/12/14", "5.1.2015", "6-1-2015"],
            ["2014-12-31T00:00:00Z", "2015-01-05T00:00:00Z", "2015-01-06T00:00:00Z"],
            False,
        ),
        (
            ["2014-03-11 19:01", "2014-03-11 00:00:00 GMT"],
            ["2014-03-11T19:01:00Z", "2014-03-11T00:00:00Z"],
            False,
        ),
        (["2017-10-10T12:13:14.5-0600"], ["2017-10-10T12:13:14.5-06:00"], False),
        (["20240131"], ["2024-01-31T00:00:00Z"], False),
        (["32/01/2024", "9999-999-99", "mañana"], ["32/01/2024", "9999-999-99", "mañana"], False),
    ],
)
def test_dates(
    tmp_path: Path, catalogue: Catalogue, values: list[str], expected: list[str], ambiguous: bool
) -> None:
    read, found = column(tmp_path, catalogue, "contract_date_signed", values)
    assert read == expected
    assert ("dates-ambiguous" in found) is ambiguous


def test_a_bare_date_that_ends_a_period_is_the_end_of_its_day(tmp_path: Path, catalogue: Catalogue) -> None:
    assert column(tmp_path, catalogue, "contract_period_end", ["31/12/2024"])[0] == ["2024-12-31T23:59:59Z"]


def test_a_time_zone_that_is_told_is_used_for_times_only(tmp_path: Path, catalogue: Catalogue) -> None:
    mapping = {"time_zone": "America/La_Paz"}
    read, found = column(
        tmp_path, catalogue, "contract_date_signed", ["2014-03-11 19:01", "11/03/2014"], mapping
    )
    assert read == ["2014-03-11T23:01:00Z", "2014-03-11T00:00:00Z"]
    assert "time-zone-assumed" not in found


@pytest.mark.parametrize("label", ["open", "OPEN", "Licitación abierta", "licitacion ABIERTA"])
def test_codes_are_known_by_their_labels_in_any_language(
    tmp_path: Path, catalogue: Catalogue, label: str
) -> None:
    assert column(tmp_path, catalogue, "procurement_method", [label])[0] == ["open"]


def test_codes_of_the_sender_are_told_by_a_mapping(tmp_path: Path, catalogue: Catalogue) -> None:
    mapping = {"codes": {"contract_status": {"En marcha": "active"}}}
    read, found = column(tmp_path, catalogue, "contract_status", ["En marcha", "otro"], mapping)
    assert (read, "code-translated" in found) == (["active", "otro"], True)


def test_marks_for_nothing_are_empty_and_told(tmp_path: Path, catalogue: Catalogue) -> None:
    read, found = column(tmp_path, catalogue, "tender_title", ["-", "None", "N/A", "s/d", "Puente"])
    assert (read, "missing-marks" in found) == ([None, None, None, None, "Puente"], True)


def test_namibia_is_no_mark(tmp_path: Path, catalogue: Catalogue) -> None:
    assert column(tmp_path, catalogue, "supplier_country_code", ["NA", "HN"])[0] == ["NA", "HN"]


def test_titles_and_logos_above_the_heading_are_passed_over(tmp_path: Path, catalogue: Catalogue) -> None:
    text = "Ministerio de Obras;;\nContratos 2024;;\n;;\ncontract_id;buyer_name;supplier_name\nC1;Obras;Uno\n"
    staged = stage(tmp_path, catalogue, {"informe.csv": text})
    assert cells(staged, "contracts_flat", "contract_id") == ["C1"]
    assert (
        next(finding for finding in staged.findings if finding.code == "heading-not-first").parameters[
            "row_number"
        ]
        == 4
    )
    assert cells(staged, "contracts_flat", "source_row_number") == [5]


@pytest.mark.parametrize("language", ["es", "en", "pt", "fr"])
def test_headings_are_known_in_every_language(tmp_path: Path, catalogue: Catalogue, language: str) -> None:
    index = LabelIndex.build(catalogue, catalogue.package_type("procurement"))
    for table in catalogue.package_type("procurement").tables:
        titles = [
            catalogue.texts.field(language, "procurement", table.name, field.name).title
            for field in table.fields
        ]
        known, unknown = index.match(table, [f"{title} *" for title in titles])
        assert (list(known.values()), unknown) == (list(table.by_name), {})


def test_flattened_ocds_goes_to_the_tables_of_its_arrays(tmp_path: Path, catalogue: Catalogue) -> None:
    files = {
        "releases14.csv": "ocid,id,tender/id,tender/localProcurementCategory,buyer/name\nocds-lcuori-1,r1,t1,Bienes,Salud\n",
        "con_items14.csv": "ocid,id,contracts/0/id,contracts/0/items/0/id,contracts/0/items/0/description\nocds-lcuori-1,r1,c1,i1,Papel\n",
        "con_suppliers14.csv": "ocid,id,contracts/0/id,contracts/0/suppliers/0/id,contracts/0/suppliers/0/name\nocds-lcuori-1,r1,c1,s1,Uno\n",
        "sources14.csv": "ocid,id,sources/0/id,sources/0/name\nocds-lcuori-1,r1,x,HonduCompras\n",
    }
    staged = stage(tmp_path, catalogue, files)
    assert {table.name: table.rows for table in staged.tables} == {
        "processes": 1, "items": 1, "contract_suppliers": 1, "additional_fields": 2,
    }  # fmt: skip
    item = pq.read_table(staged.table("items").path).to_pylist()[0]
    assert (item["stage"], item["parent_id"], item["item_id"], item["description"]) == (
        "contract",
        "c1",
        "i1",
        "Papel",
    )
    extra = {
        (row["path"], row["parent_id"], row["value"])
        for row in pq.read_table(staged.table("additional_fields").path).to_pylist()
    }
    assert extra == {
        ("/tender/localProcurementCategory", None, "Bienes"),
        ("/sources/name", "x", "HonduCompras"),
    }


def test_flattened_groups_beside_each_other_become_rows(tmp_path: Path, catalogue: Catalogue) -> None:
    text = "ocid,awards/0/id,awards/0/title,awards/1/id,awards/1/title\nP1,A,Uno,B,Dos\nP2,C,Tres,,\n"
    staged = stage(tmp_path, catalogue, {"main.csv": text})
    rows = pq.read_table(staged.table("awards").path).to_pylist()
    assert sorted((row["ocid"], row["award_id"], row["title"]) for row in rows) == [
        ("P1", "A", "Uno"),
        ("P1", "B", "Dos"),
        ("P2", "C", "Tres"),
    ]


def test_a_data_package_says_form_and_never_meaning(tmp_path: Path, catalogue: Catalogue) -> None:
    package = {
        "name": "p",
        "memberCode": "HND",
        "resources": [
            {
                "name": "processes",
                "path": "data/p.txt",
                "encoding": "windows-1252",
                "dialect": {"delimiter": "|"},
                "schema": {"fields": [{"name": "ocid", "type": "integer"}]},
            }
        ],
    }
    files = {
        "datapackage.json": json.dumps(package),
        "data/p.txt": "ocid|tender_title\nP1|Adquisición\n".encode("cp1252"),
        "notes.csv": "a,b\n",
    }
    staged = stage(tmp_path, catalogue, files)
    assert cells(staged, "processes", "tender_title") == ["Adquisición"]
    assert {"descriptor-schema-differs", "file-ignored"} <= codes(staged)


def test_another_members_package_is_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    staged = stage(tmp_path, catalogue, {"p.csv": "ocid,tender_title\nocds-lcuori-1,Puente\n"}, member="PRY")
    finding = next(finding for finding in staged.findings if finding.code == "wrong-member")
    assert finding.parameters == {"declared": "PRY", "found": "HND"}


def test_the_original_bytes_are_kept(tmp_path: Path, catalogue: Catalogue) -> None:
    content = "contract_id;buyer_name;supplier_name\nñ;ñ;ñ\n".encode("cp1252")
    staged = stage(tmp_path, catalogue, {"c.csv": content})
    assert [path.read_bytes() for path in Path(staged.folder, "original").rglob("*.csv")] == [content]


def test_exact_decimals_survive(tmp_path: Path, catalogue: Catalogue) -> None:
    value = "435.80400000000003"
    assert Decimal(column(tmp_path, catalogue, "contract_value_amount", [value])[0][0] or "") == Decimal(
        value
    )


def test_small_words() -> None:
    assert fold("  Fecha de FIRMA * ") == "fecha de firma"
    assert [column_letter(index) for index in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
    assert (
        is_flattened(["ocid", "awards/0/id"])
        and not is_flattened(["ocid", "awards"])
        and not is_flattened(["a/b"])
    )
