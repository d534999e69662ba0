"""Tables that members publish today, with their mapping files: nothing lost, nothing added up wrongly.

What is expected is worked out with Python's csv and json, never with our readers.
"""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from pipelines.catalogue import LANGUAGES, Catalogue
from pipelines.identifiers import MemberCode
from pipelines.intake import receive_submission
from pipelines.records import AcceptancePolicy, StagedPackage, ValidationReport, Verdict
from pipelines.reporting import Sentences
from pipelines.validation import validate_package
from pipelines.zones import Zones

MAPPINGS = Path(__file__).resolve().parents[2] / "datapackages" / "members"
BOLIVIA = "csv-bolivia-sicoes-labtecnosocial"
COVID = f"{BOLIVIA}/todo/covid/v1"
BRAZIL = "csv-brazil-comprasgov-ifms"
CHILE = "csv-chile-mercadopublico"
MEXICO = "csv-mexico-compranet"
CONOSCE = "xlsx-peru-osce-conosce"


@dataclass(frozen=True)
class Case:
    """member, mapping file, files below ``real``, how Python's csv reads them, what each policy says.

    refused: rows refused under `ROWS`, as a spreadsheet numbers them, of the only file.
    """

    member: str
    mapping: str
    files: tuple[str, ...]
    table: str
    whole: Verdict
    encoding: str = "utf-8"
    delimiter: str = ","
    refused: tuple[int, ...] | int = ()

    @property
    def name(self) -> str:
        return Path(self.files[0]).stem


WARNED, REJECTED = Verdict.ACCEPTED_WITH_WARNINGS, Verdict.REJECTED
MONTHS = tuple(f"{BOLIVIA}/meses/{month}.csv" for month in ("2020-08", "2021-01", "2022-01"))
CASES = [
    Case("BOL", "bol/sicoes", MONTHS, "processes", WARNED),
    Case("BOL", "bol/sicoes", (f"{COVID}/adjudicados.csv",), "contracts", WARNED, refused=1220),
    Case("BOL", "bol/sicoes", (f"{COVID}/fichas.csv",), "items", REJECTED, refused=271),
    Case("BRA", "bra/comprasgov", (f"{BRAZIL}/contratos.csv",), "contracts_flat", WARNED, "utf-8-sig", ";"),
    Case("BRA", "bra/comprasgov", (f"{BRAZIL}/compras.csv",), "processes", WARNED, "utf-8-sig", ";"),
    Case(
        "CAN", "can/proactive-disclosure", ("csv-canada-proactive-disclosure/contracts-output-2014.csv",),
        "contracts_flat", REJECTED, "utf-8-sig", refused=12,
    ),
    Case("CHL", "chl/mercadopublico", (f"{CHILE}/adjudicadas.csv",), "processes", REJECTED, "utf-8-sig", ";", (1609, 2358)),
    Case("CHL", "chl/mercadopublico", (f"{CHILE}/desiertas.csv",), "processes", REJECTED, "utf-8-sig", ";", refused=4),
    Case("MEX", "mex/compranet", (f"{MEXICO}/sample_Contratos2013_150514080004.csv",), "contracts_flat", WARNED),
    Case("MEX", "mex/compranet", (f"{MEXICO}/sample_Contratos2014_150514075704.csv",), "contracts_flat", WARNED, refused=2),
    Case("PER", "per/covid19", ("json-peru-compras-covid19/dataset-2.json",), "contracts_flat", WARNED, refused=10),
]  # fmt: skip


@dataclass(frozen=True)
class Judged:
    case: Case
    staged: StagedPackage
    reports: dict[AcceptancePolicy, tuple[Path, ValidationReport]]

    def typed(self, table: str, sql: str = "*") -> list[tuple[object, ...]]:
        """Rows of an accepted table under `ROWS`."""
        folder, report = self.reports[AcceptancePolicy.ROWS]
        with duckdb.connect() as con:
            return con.execute(
                f"SELECT {sql} FROM read_parquet(?)", [str(folder / report.typed[table])]
            ).fetchall()

    def findings(self, where: str) -> list[tuple[object, ...]]:
        folder, _ = self.reports[AcceptancePolicy.ROWS]
        with duckdb.connect() as con:
            return con.execute(
                f"SELECT source_file, row_number, code, value FROM read_parquet(?) WHERE {where}",
                [str(folder / "findings.parquet")],
            ).fetchall()


def rows_of(path: Path, case: Case) -> list[dict[str, str]]:
    """Data rows by an independent reader."""
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))
    with path.open(encoding=case.encoding, errors="replace", newline="") as file:
        return list(csv.DictReader(file, delimiter=case.delimiter))


@pytest.fixture(scope="module")
def real(shared: Path) -> Path:
    return shared / "real"


@pytest.fixture(scope="module")
def judge(
    real: Path, catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Case], Judged]:
    """A case through intake and validation under both policies, once for all tests."""
    known: dict[str, Judged] = {}

    def judged(case: Case) -> Judged:
        if case.name not in known:
            zones = Zones(tmp_path_factory.mktemp("zones"))
            told = (
                json.loads((MAPPINGS / f"{case.mapping}.mapping.json").read_text(encoding="utf-8"))
                if case.mapping
                else None
            )
            paths = [real / name for name in case.files]
            staged = receive_submission(paths, MemberCode(case.member), zones, catalogue, instructions=told)
            reports = {}
            for policy in AcceptancePolicy:
                folder = zones.root / f"report-{policy}"
                reports[policy] = (
                    folder,
                    validate_package(staged, catalogue, folder, policy=policy, memory_limit="1GB"),
                )
            known[case.name] = Judged(case, staged, reports)
        return known[case.name]

    return judged


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def judged(request: pytest.FixtureRequest, judge: Callable[[Case], Judged]) -> Judged:
    return judge(request.param)


def case_named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def test_every_row_is_accepted_or_refused(judged: Judged, real: Path) -> None:
    case = judged.case
    sent = {Path(name).name: len(rows_of(real / name, case)) for name in case.files}
    refused = case.refused if isinstance(case.refused, int) else len(case.refused)
    for policy, (_, report) in judged.reports.items():
        assert {each.source: each.rows_in for each in report.sources} == sent
        whole = policy is AcceptancePolicy.WHOLE and case.whole is REJECTED
        assert sum(each.rows_refused for each in report.sources) == (sum(sent.values()) if whole else refused)
        table = next(each for each in report.counts if each.table == case.table)
        assert table.rows_in == sum(sent.values())
        assert report.verdict is (case.whole if policy is AcceptancePolicy.WHOLE else WARNED)


def test_what_is_accepted_is_what_is_stored(judged: Judged) -> None:
    _, report = judged.reports[AcceptancePolicy.ROWS]
    for count in report.counts:
        stored = len(judged.typed(count.table)) if count.table in report.typed else 0
        assert stored == count.rows_accepted, count.table


def test_every_refused_row_is_named(judged: Judged, real: Path) -> None:
    case = judged.case
    first = 1 if case.files[0].endswith(".json") else 2
    rows = {
        (Path(name).name, number)
        for name in case.files
        for number in range(first, first + len(rows_of(real / name, case)))
    }
    accepted = set(judged.typed(case.table, "source_file, source_row_number"))
    refused = rows - accepted
    named = {(file, row) for file, row, *_ in judged.findings("severity = 'error' OR code = 'duplicate-row'")}
    assert refused == named
    if isinstance(case.refused, tuple):
        assert {row for _, row in refused} == set(case.refused)


def test_derived_tables_have_unique_keys(judged: Judged, catalogue: Catalogue) -> None:
    """A row set aside as a copy must not come back in a table made from the others."""
    _, report = judged.reports[AcceptancePolicy.ROWS]
    for name in report.typed:
        key = ", ".join(catalogue.package_type("procurement").table(name).primary_key)
        assert judged.typed(name, f"count(*) - count(DISTINCT ({key}))") == [(0,)], name


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_finding_is_a_sentence(judged: Judged, catalogue: Catalogue, language: str) -> None:
    sentences = Sentences(catalogue, catalogue.package_type("procurement"), language)
    for group in judged.reports[AcceptancePolicy.WHOLE][1].groups:
        text = sentences.group(group)
        assert all(text) and not any("{" in sentence for sentence in text), group.code


@pytest.mark.parametrize(
    ("field", "source"), [("awards.value_amount", "monto_adjudicado"), ("contracts.value_amount", "monto_de")]
)
def test_bolivian_amounts_are_those_of_the_cleaned_twin(
    judge: Callable[[Case], Judged], real: Path, field: str, source: str
) -> None:
    """``37.000,00`` and ``49,810.00`` in one column: each row as the publisher's own cleaning has it.

    The cleaning was done in floating point (``60912.119999999995``), so its cents are rounded; and it took the
    dot of ``537.00`` for a thousands sign, so there the cell itself is what is expected.
    """
    case = case_named("adjudicados")
    expected = {}
    for raw, clean in zip(
        rows_of(real / case.files[0], case),
        rows_of(real / COVID / "adjudicados_clean.csv", case),
        strict=True,
    ):
        if raw[source]:
            value = raw[source] if re.fullmatch(r"\d{1,3}\.\d\d", raw[source]) else clean[source]
            expected[f"{raw['cuce']}-{raw['numero']}"] = Decimal(value).quantize(Decimal("0.01"))
    table, column = field.split(".")
    found = dict(judge(case).typed(table, f"award_id, {column}"))
    assert {key: value for key, value in found.items() if value is not None} == expected


def test_brazilian_contracts(judge: Callable[[Case], Judged], real: Path) -> None:
    case = case_named("contratos")
    rows = {row["id_contrato"]: row for row in rows_of(real / case.files[0], case)}
    found = judge(case).typed(
        "contracts_flat",
        "contract_id, contract_value_amount, supplier_id, tender_id, strftime(contract_period_start, '%d/%m/%Y'), "
        "strftime(contract_period_end, '%d/%m/%Y %H:%M:%S')",
    )
    assert len(found) == len(rows)
    for contract, amount, supplier, tender, start, end in found:
        row = rows[str(contract)]
        assert amount == Decimal(row["valor_global"].replace(".", "").replace(",", "."))
        assert supplier == row["fornecedor_cnpj"]
        assert tender == (row["licitacao_numero"] or None)
        assert start == row["vigencia_inicio"]
        assert end == (f"{row['vigencia_fim']} 23:59:59" if row["vigencia_fim"] else None)


def test_brazilian_texts_that_mean_no_code_are_left_empty(
    judge: Callable[[Case], Judged], real: Path
) -> None:
    case = case_named("contratos")
    rows = {row["id_contrato"]: row["modalidade"] for row in rows_of(real / case.files[0], case)}
    found = dict(judge(case).typed("contracts_flat", "contract_id, procurement_method"))
    assert {rows[key] for key, method in found.items() if method is None} == {
        "Dispensa", "Não se Aplica", "Regime Diferenciado de Contratações",
    }  # fmt: skip


def test_brazilian_purchases_add_up(judge: Callable[[Case], Judged], real: Path) -> None:
    case = case_named("compras")
    rows = rows_of(real / case.files[0], case)
    total = sum(
        Decimal(row["valor_estimado"].replace(".", "").replace(",", "."))
        for row in rows
        if row["valor_estimado"]
    )
    assert judge(case).typed("processes", "sum(tender_value_amount)") == [(total,)]


def test_canadian_contracts_add_up(judge: Callable[[Case], Judged], real: Path) -> None:
    """Six dates of shape 9999-999-99, five that no calendar has and one damaged name are refused; nothing else."""
    case = case_named("contracts-output-2014")
    judged = judge(case)
    refused = {row for _, row, *_ in judged.findings("severity = 'error'")}
    rows = [row for number, row in enumerate(rows_of(real / case.files[0], case), 2) if number not in refused]
    found = judged.typed(
        "contracts_flat", "contract_id, contract_value_amount, contract_date_signed::DATE::VARCHAR"
    )
    expected = sorted(
        (row["ID"], Decimal(row["Contract Value"]), row["Contract Date"] or None) for row in rows
    )
    assert sorted(found) == expected
    damaged = judged.findings("code = 'invalid-bytes'")
    assert len(damaged) == 1
    dates = [str(value) for *_, value in judged.findings("code = 'type-error'")]
    assert len(dates) == 11
    assert sum(len(date) == 11 for date in dates) == 6


def test_chilean_row_with_a_broken_quote_is_refused_once(judge: Callable[[Case], Judged]) -> None:
    """Its cells stand in the wrong columns: one finding says so, none complains about what they hold."""
    judged = judge(case_named("adjudicadas"))
    assert [
        code for _, _, code, _ in judged.findings("row_number = 1609 AND code <> 'ocid-prefix-unregistered'")
    ] == ["missing-cell"]
    assert [value for *_, value in judged.findings("row_number = 2358 AND severity = 'error'")] == ["UTM"]


def test_chilean_times_are_those_of_santiago(judge: Callable[[Case], Judged], real: Path) -> None:
    """Summer time is UTC-3; milliseconds are kept to the second."""
    case = case_named("desiertas")
    rows = {row["codigo"]: row["fecha_final"] for row in rows_of(real / case.files[0], case)}
    found = judge(case).typed(
        "processes", "ocid, strftime(tender_period_end AT TIME ZONE 'America/Santiago', '%Y-%m-%dT%H:%M')"
    )
    assert len(found) == 1773
    assert all(text == (rows[str(ocid)][:16] or None) for ocid, text in found)


def test_a_list_without_contracts_is_no_list_of_contracts(
    judge: Callable[[Case], Judged], real: Path, catalogue: Catalogue, tmp_path: Path
) -> None:
    """Deserted tenders forced into the table of contracts: every row is refused for what it lacks."""
    told = {
        "tables": [
            {"table": "contracts_flat", "columns": {"ocid": "codigo", "buyer_name": "institucion_nombre"}}
        ]
    }
    zones = Zones(tmp_path)
    staged = receive_submission(
        [real / CHILE / "desiertas.csv"], MemberCode("CHL"), zones, catalogue, instructions=told
    )
    report = validate_package(staged, catalogue, tmp_path / "report", policy=AcceptancePolicy.ROWS)
    assert report.verdict is REJECTED
    missing = {group.field for group in report.groups if group.code == "column-missing"}
    assert missing == {"contract_id", "supplier_name"}
    assert [each.rows_refused for each in report.sources] == [1777]


@pytest.mark.parametrize("year", ["2013_150514080004", "2014_150514075704"])
def test_mexican_contracts(judge: Callable[[Case], Judged], real: Path, year: str) -> None:
    """Three shapes of date, amounts in two currencies, numbers of buying units with their zeros."""
    case = case_named(f"sample_Contratos{year}")
    rows = {row["CODIGO_CONTRATO"]: row for row in rows_of(real / case.files[0], case)}
    found = judge(case).typed(
        "contracts_flat",
        "contract_id, contract_value_amount, contract_value_currency, buyer_id, strftime(contract_date_signed, '%Y-%m-%d %H:%M:%S GMT'), "
        "strftime(contract_period_start, '%Y-%m-%d'), strftime(contract_period_end, '%Y-%m-%d')",
    )
    assert len(found) == len(rows)
    for contract, amount, currency, buyer, signed, start, end in found:
        row = rows[str(contract)]
        assert (amount, currency, buyer) == (Decimal(row["IMPORTE_CONTRATO"]), row["MONEDA"], row["CLAVEUC"])
        assert (signed, start, end) == (
            row["FECHA_CELEBRACION"] or None,
            row["FECHA_INICIO"],
            row["FECHA_FIN"],
        )


def test_peruvian_awards_of_consortia_count_once(judge: Callable[[Case], Judged], real: Path) -> None:
    case = case_named("dataset-2")
    path = real / case.files[0]
    rows = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    awards = {
        (row["CODIGOCONVOCATORIA"], row["NUMERO_ITEM"], row["RUCPROVEEDOR"]): Decimal(row["MONTOADJUDICADO"])
        for row in rows
    }
    assert judge(case).typed("contracts_flat", "sum(award_value_amount), count(*)") == [
        (sum(awards.values()), len(awards))
    ]
    rucs = judge(case).typed(
        "contracts_flat", "count(*) FILTER (length(buyer_id) = 11), count(DISTINCT supplier_id)"
    )
    assert rucs == [(len(awards), len({row["RUCPROVEEDOR"] for row in rows}))]


@pytest.mark.parametrize(
    ("name", "rows"),
    [("120.csv", 120), ("120.xlsx", 120), ("520.csv", 520), ("excel520.xlsx", 520)],
)
def test_a_list_of_suppliers_is_refused_with_what_it_lacks(
    judge: Callable[[Case], Judged], catalogue: Catalogue, name: str, rows: int
) -> None:
    file = f"{CONOSCE}/DATA_CONSOLIDADA_{name}"
    zones_case = Case("PER", "", (file,), "", REJECTED)
    reports = judge(zones_case).reports
    for _, report in reports.values():
        assert report.verdict is REJECTED
        assert [(each.rows_in, each.rows_refused) for each in report.sources] == [(rows, rows)]
    unknown = next(group for group in report.groups if group.code == "table-unknown")
    for language in LANGUAGES:
        fix = Sentences(catalogue, catalogue.package_type("procurement"), language).group(unknown).fix
        assert "contracts_flat: contract_id, buyer_name, supplier_name" in fix
