"""Numbers of registers: their form, their check digit, what a spreadsheet does to them, and whom they may name."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalogue import Catalogue
from pipelines.engine import connect
from pipelines.validation.identifiers import Register, check_identifiers, mask
from pipelines.validation.workspace import Workspace


@pytest.fixture(scope="session")
def registers(catalogue: Catalogue) -> dict[str, Register]:
    return {name: Register(code) for name, code in catalogue.codelists["identifierScheme"].codes.items()}


@pytest.mark.parametrize(
    ("scheme", "identifier"),
    [
        # The numbers are the examples of org-id.guide and of python-stdnum, or invented.
        ("AR-CUIT", "30-69330706-2"), ("BR-CNPJ", "02326629-0001-51"), ("BR-CNPJ", "11.222.333/0001-81"), ("BO-NIT", "301140029"),
        ("CA-CRA_ACR", "118814326RR0001"), ("CL-RUT", "61.202.000-0"), ("CL-RUT", "12531909-2"), ("CO-NIT", "830008886"),
        ("CO-NIT", "213.123.432-1"), ("CO-NIT", "1032434607"), ("CR-RPJ", "3-101-999999"), ("EC-RUC", "1768007200001-36136"),
        ("EC-RUC", "EC-RUC-0992231815001"), ("GT-NIT", "7555605-7"), ("HN-RTN", "05019002058739"), ("MX-RFC", "MAB9307148T4"),
        ("PE-RUC", "20496123116"), ("PY-RUC", "80013889-9"), ("SV-NIT", "0614-030915-112-5"), ("BRA-TAXID", "111.444.777-35"),
        ("BRA-TAXID", "***.444.777-**"), ("DOM-IDCARD", "00113918205"), ("DO-RPE", "anything"),
        ("DO-RNC", "1-01-85004-3"),
        ("DO-RNC", "001-1391820-5"),
        ("UY-RUT", "211003420017"),
    ],
)  # fmt: skip
def test_numbers_that_stand(registers: dict[str, Register], scheme: str, identifier: str) -> None:
    assert registers[scheme].judge(identifier) is None


@pytest.mark.parametrize(
    ("scheme", "identifier", "code", "suggestion"),
    [
        ("AR-CUIT", "30-69330706-3", "check-digit", ""), ("BR-CNPJ", "11222333000182", "check-digit", ""),
        ("CO-NIT", "830008886-1", "check-digit", ""), ("CO-NIT", "8300088861", "check-digit", ""), ("CL-RUT", "61202000-1", "check-digit", ""),
        ("PE-RUC", "20496123161", "check-digit", ""), ("BRA-TAXID", "11144477736", "check-digit", ""),
        ("BR-CNPJ", "1222333000128", "zeros-lost", "01222333000128"), ("EC-RUC", "992231815001", "zeros-lost", "0992231815001"),
        ("SV-NIT", "6140309151125", "zeros-lost", "06140309151125"), ("HN-RTN", "8019995292580", "zeros-lost", "08019995292580"),
        ("BR-CNPJ", "112223330001", "check-digit-missing", "11222333000181"), ("PY-RUC", "80013889", "check-digit-missing", "80013889-9"),
        ("PE-RUC", "2049612311", "check-digit-missing", "20496123116"),
        ("PE-RUC", "12", "malformed", ""), ("MX-RFC", "SEP210905778-011000993", "malformed", ""), ("EC-RUC", "0992231", "malformed", ""),
    ],
)  # fmt: skip
def test_numbers_that_cannot_stand(
    registers: dict[str, Register], scheme: str, identifier: str, code: str, suggestion: str
) -> None:
    judgement = registers[scheme].judge(identifier)
    assert judgement is not None
    assert (judgement.code, judgement.suggestion) == (f"identifier-{code}", suggestion)
    if suggestion:
        assert registers[scheme].judge(suggestion) is None


@pytest.mark.parametrize(
    ("scheme", "identifier", "person"),
    [
        ("AR-CUIT", "20-12345678-6", True), ("AR-CUIT", "30-69330706-2", False), ("CL-RUT", "12531909-2", True), ("CL-RUT", "61202000-0", False),
        ("CO-NIT", "1032434607", True), ("CO-NIT", "830008886", False), ("EC-RUC", "0912345678001", True), ("EC-RUC", "0992231815001", False),
        ("PE-RUC", "10456789012", True), ("PE-RUC", "20496123116", False), ("MX-RFC", "GODE561231GR8", True), ("MX-RFC", "MAB9307148T4", False),
        ("PY-RUC", "1234567-9", True), ("PY-RUC", "80013889-9", False), ("HN-RTN", "08011985123960", True), ("HN-RTN", "05019002058739", False),
        ("BRA-TAXID", "11144477735", True), ("HTI-PASSPORT", "X1", True), ("BR-CNPJ", "11222333000181", False), ("GT-NIT", "7555605-7", True),
    ],
)  # fmt: skip
def test_numbers_of_persons_are_known(
    registers: dict[str, Register], scheme: str, identifier: str, person: bool
) -> None:
    assert registers[scheme].may_be_a_person(identifier) is person


def test_a_mask_leaves_the_last_characters() -> None:
    assert [mask("11144477735"), mask("735"), mask("7")] == ["********735", "735", "7"]


def test_every_form_shown_to_people_fits_its_pattern(
    registers: dict[str, Register], catalogue: Catalogue
) -> None:
    for name, code in catalogue.codelists["identifierScheme"].codes.items():
        pattern = code.extra["pattern"]
        if pattern:
            shown = registers[name].example
            assert re.fullmatch(pattern, shown) or re.fullmatch(pattern, shown.replace("X", "A")), name


@given(
    scheme=st.sampled_from(
        ["BR-CNPJ", "CL-RUT", "GT-NIT", "BRA-TAXID", "CO-NIT", "SV-NIT", "ECU-IDCARD", "CA-CRA_ACR"]
    ),
    text=st.text(max_size=20),
)
def test_no_text_breaks_a_register(registers: dict[str, Register], scheme: str, text: str) -> None:
    judgement = registers[scheme].judge(text)
    assert judgement is None or judgement.code.startswith("identifier-")


def test_findings_name_the_cells_and_mask_persons(catalogue: Catalogue) -> None:
    sent = [
        ("BR-CNPJ", "11222333000182"), ("BR-CNPJ", "11222333000181"), ("BR-CNPJ", "11222333000182"), ("BRA-TAXID", "11144477736"),
        ("PE-RUC", "1045678901"), ("BR-CNPJ", "1222333000128"), ("RUC", "5"), ("BR-CNPJ", None),
    ]  # fmt: skip
    with connect(memory_limit="500MB", threads=1) as con:
        space = Workspace(con, catalogue, catalogue.package_type("procurement"))
        rows = [
            {
                "identifier_scheme": scheme,
                "identifier_id": number,
                "source_file": "a.csv",
                "source_row_number": row,
            }
            for row, (scheme, number) in enumerate(sent, 2)
        ]
        con.register("sent", pa.Table.from_pylist(rows))
        space.add_table("parties", "SELECT * FROM sent", ["identifier_scheme", "identifier_id"])
        check_identifiers(space, catalogue.package_type("procurement").table("parties"))
        found = {(each.row_number, group.code): each for group in space.groups() for each in group.examples}
    assert set(found) == {
        (2, "identifier-check-digit"), (4, "identifier-check-digit"), (5, "identifier-check-digit"),
        (6, "identifier-check-digit-missing"), (7, "identifier-zeros-lost"), (8, "identifier-scheme-unknown"),
    }  # fmt: skip
    assert found[2, "identifier-check-digit"].value == "11222333000182"
    assert found[5, "identifier-check-digit"].value == "********736"
    assert found[6, "identifier-check-digit-missing"].value == "*******901"
    assert "suggestion" not in found[6, "identifier-check-digit-missing"].parameters
    zeros = found[7, "identifier-zeros-lost"]
    assert zeros.parameters == {
        "scheme": "BR-CNPJ",
        "example": "99999999-9999-99",
        "suggestion": "01222333000128",
    }
