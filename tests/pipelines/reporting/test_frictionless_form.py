"""The stored report is a Frictionless report: Frictionless itself loads it and writes the same again."""

import json
from pathlib import Path

import pytest
from frictionless import Report, system

from pipelines.catalogue import Catalogue
from pipelines.records import Severity
from pipelines.reporting.frictionless_form import column_number
from pipelines.validation.report import frictionless_part, read_report, read_stored

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "schemas" / "procurement" / "1.0" / "examples").glob("*/*"))


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    path = tmp_path / "contratos año.csv"
    path.write_text(
        "contract_id,buyer_name,supplier_name,contract_date_signed,contract_value_amount\n"
        "C1,,Uno,someday,10\nC2,Obras,Dos,2024-05-01,20,30\nC2,Obras,Dos,2024-05-01,20\n"
        'C3,Obras,"=SUM(A1)",2024-05-01,x\nC2,Obras,Tres,2024-05-02,20\n',
        encoding="utf-8",
    )
    return path


def test_it_loads_and_writes_the_same_again(messy: Path, judge) -> None:
    folder = judge(messy)
    data = read_stored(folder)
    report = Report.from_descriptor(read_stored(folder))
    assert report.to_descriptor() == data
    assert Report.from_descriptor(frictionless_part(data)).to_descriptor() == frictionless_part(data)
    ours = read_report(folder)
    assert (report.valid, report.stats["errors"]) == (False, ours.count(Severity.ERROR))


def test_a_task_says_what_frictionless_says_of_a_table(messy: Path, judge) -> None:
    (task,) = Report.from_descriptor(read_stored(judge(messy))).tasks
    assert (task.name, task.type, task.place) == ("contratos-a-o.csv", "table", messy.name)
    assert task.labels == [
        "contract_id",
        "buyer_name",
        "supplier_name",
        "contract_date_signed",
        "contract_value_amount",
    ]
    assert (task.stats["rows"], task.stats["fields"], task.stats["errors"]) == (5, 5, len(task.errors))
    found = {error.type: error.to_descriptor() for error in task.errors}
    assert set(found) == {
        "type-error",
        "constraint-error",
        "extra-cell",
        "primary-key",
        "forbidden-value",
    }
    required = found["constraint-error"]
    assert (required["rowNumber"], required["fieldName"], required["fieldNumber"], required["cell"]) == (
        2,
        "buyer_name",
        2,
        "",
    )
    assert required["cells"] == ["C1", "", "Uno", "someday", "10"]
    assert (required["code"], required["tags"]) == ("constraint-required", ["#table", "#row", "#cell"])
    assert "The cell of Buyer name is empty" in required["note"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_every_example_gives_a_report_that_loads(example: Path, judge) -> None:
    files = [path for path in sorted(example.iterdir()) if path.name != "expected.json"]
    expected = json.loads((example / "expected.json").read_text(encoding="utf-8"))
    if "build" in expected:
        pytest.skip("made by a recipe")
    folder = judge(*files, member=expected.get("member", "XZZ"))
    data = read_stored(folder)
    assert Report.from_descriptor(read_stored(folder)).to_descriptor() == data
    assert data["stats"]["errors"] == data["findings"]["error"]


def test_every_code_has_a_type_that_frictionless_knows(catalogue: Catalogue, written, tmp_path) -> None:
    from pipelines.records import Finding
    from pipelines.reporting import Sentences
    from pipelines.reporting.frictionless_form import Source, frictionless_form

    sentences = Sentences(catalogue, catalogue.package_type("procurement"), "en")
    source = Source("a.csv", None, "table", 3, 2, 1, ("one", "two"), 3, {5: ("1", "2")})
    places = ({}, {"source_file": "a.csv"}, {"source_file": "a.csv", "row_number": 5})
    cell = {"source_file": "a.csv", "row_number": 5, "column": "B", "field": "buyer_name", "value": "2"}
    for code, policy in catalogue.findings.items():
        if policy.severity is not Severity.ERROR:
            continue
        findings = [Finding(code, table="contracts_flat", **each) for each in (*places, cell)]
        data = frictionless_form(written(*findings), sentences, [source])
        listed = [*data["errors"], *data["tasks"][0]["errors"]]
        assert [each["code"] for each in listed] == [code] * 4
        assert all(system.select_error_class(each["type"]) for each in listed)
        assert Report.from_descriptor(json.loads(json.dumps(data))).to_descriptor() == data


def test_it_stays_small_and_says_what_it_leaves_out(tmp_path: Path, judge) -> None:
    path = tmp_path / "many.csv"
    rows = "".join(f"C{number},,Uno,2024-05-01\n" for number in range(3000))
    path.write_text(f"contract_id,buyer_name,supplier_name,contract_date_signed\n{rows}", encoding="utf-8")
    folder = judge(path)
    data = read_stored(folder)
    assert (folder / "report.json").stat().st_size < 100_000
    (task,) = data["tasks"]
    assert (task["stats"]["errors"], len(task["errors"])) == (3000, 10)
    assert data["warnings"][0] == "10 of 3000 errors are listed here; all of them are in findings.parquet"


def test_ocds_is_a_task_too(judge) -> None:
    folder = judge(ROOT / "schemas" / "procurement" / "1.0" / "examples" / "valid" / "ocds" / "releases.json")
    (task,) = Report.from_descriptor(read_stored(folder)).tasks
    assert (task.type, task.place, task.valid) == ("json", "releases.json", True)


@pytest.mark.parametrize(("letter", "number"), [(None, 0), ("A", 1), ("Z", 26), ("AA", 27), ("XFD", 16384)])
def test_column_number(letter: str | None, number: int) -> None:
    assert column_number(letter) == number
