"""A tiny release, made by the public functions of the library, and the site over it.

Everything in it is invented: two demo members, 63 contracting processes, four contracts, two activities.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from datasette.app import Datasette

from pipelines.catalogue import Catalogue, load_catalogue
from pipelines.engine import connect
from pipelines.identifiers import MemberCode, SubmissionId, VersionNumber
from pipelines.publication import assemble_release
from pipelines.records import AcceptedVersion, VersionTable
from pipelines.zones import Zones

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "datasette"
LONG_TEXT = "Mantenimiento de la carretera del valle. " * 20

Row = Mapping[str, Any]


def processes(prefix: str, count: int) -> list[Row]:
    return [
        {
            "ocid": f"{prefix}-{number:03}",
            "release_id": f"r{number}",
            "release_date": "2026-03-01T00:00:00Z",
            "release_tag": "tender;award",
            "initiation_type": "tender",
            "buyer_name": "Ministerio de Obras <Públicas>",
            "tender_title": f"Adquisición de papel número {number}" if number % 2 else f"Obra vial {number}",
            "tender_description": LONG_TEXT if number == 1 else None,
            "tender_status": "complete" if number % 2 else "active",
            "procurement_method": "open",
            "tender_value_amount": "1234567.25" if number == 1 else str(1000 * number),
            "tender_value_currency": "USD",
            "has_enquiries": number % 2 == 0,
            "number_of_tenderers": 1 if number % 5 == 0 else 3,
        }
        for number in range(1, count + 1)
    ]


PACKAGES: Mapping[tuple[str, str], Mapping[str, Sequence[Row]]] = {
    ("XAA", "procurement"): {
        "processes": processes("ocds-xaa000", 60),
        "contracts": [
            {
                "ocid": f"ocds-xaa000-{number:03}",
                "contract_id": f"C/{number}",
                "award_id": f"A{number}",
                "status": "active",
                "value_amount": "2500000",
                "value_currency": "USD",
            }
            for number in range(1, 5)
        ],
        "contracts_flat": [
            {
                "ocid": f"ocds-xaa000-{number:03}",
                "contract_id": f"C/{number}",
                "contract_title": f"Obra <vial> {number}",
                "buyer_name": "Ministerio de Obras <Públicas>",
                "supplier_name": "Constructora Ñandú" if number < 3 else "Vialidad & Hijos",
                "procurement_method": "direct" if number == 1 else "open",
                "main_procurement_category": "works",
                "contract_value_amount": str(number * 1000) + ".50",
                "contract_value_currency": "USD" if number < 4 else "EUR",
            }
            for number in range(1, 5)
        ],
        "documents": [
            {
                "ocid": "ocds-xaa000-001",
                "stage": "tender",
                "parent_id": "",
                "document_id": "1",
                "document_type": "tenderNotice",
                "url": "https://example.org/notice?a=1&b=2",
            }
        ],
    },
    ("XCC", "procurement"): {"processes": processes("ocds-xcc000", 3)},
    ("INGP", "activity"): {
        "activities": [
            {
                "activity_id": "W1",
                "kind": "workshop",
                "title": "Taller de compras sostenibles",
                "host_country": "PY",
            },
            {
                "activity_id": "W2",
                "kind": "workshop",
                "title": "Oficina de dados abertos",
                "host_country": "BR",
                "source_file": "envío.zip/plan #2.xlsx#Talleres #1",
            },
        ]
    },
}


def contracts(member: str, count: int, currencies: Sequence[str]) -> list[Row]:
    """Contracts in one table: amounts in several currencies, every ninth without one, hostile names."""
    methods, categories = ("open", "direct", "direct", "limited"), ("goods", "works", "services")
    buyers = ("Ministerio de Salud Pública", "Secretaría de Educación", "Municipalidad <b>x</b>")
    return [
        {
            "contract_id": f"C-{number}",
            "ocid": f"P-{member}-{number // 2}",
            "buyer_name": buyers[number % 3],
            "tender_title": f"Reparación del puente {number}" if number % 2 else "Adquisición de lápices",
            "procurement_method": methods[number % 4],
            "main_procurement_category": categories[number % 3],
            "supplier_name": f"Empresa Médica {number % 3} S.A.",
            "contract_title": f"Contrato {number}" + " <script>alert(1)</script>" * (number == 3),
            "contract_status": "active",
            "contract_date_signed": f"{2021 + number % 3}-03-01T00:00:00Z",
            "contract_value_amount": str(number * 150_000 + number / 4) if number % 9 else None,
            "contract_value_currency": currencies[number % len(currencies)] if number % 9 else None,
        }
        for number in range(1, count + 1)
    ]


CONTRACTS: Mapping[tuple[str, str], Mapping[str, Sequence[Row]]] = {
    ("PRY", "procurement"): {"contracts_flat": contracts("PRY", 28, ("USD", "PYG"))},
    ("BRA", "procurement"): {"contracts_flat": contracts("BRA", 20, ("BRL",))},
    ("MEX", "procurement"): {"contracts_flat": [{**row, "procurement_method": None} for row in contracts("MEX", 6, ("MXN",))]},
}  # fmt: skip


def write_version(
    catalogue: Catalogue, member: str, package_type: str, tables: Mapping[str, Sequence[Row]], folder: Path
) -> AcceptedVersion:
    """An accepted version: Parquet files with every column of the standard, most of them empty."""
    written = []
    for name, rows in tables.items():
        fields = catalogue.package_type(package_type).table(name).fields
        path = folder / f"{member}-{name}.parquet"
        kinds = {field.name: field.duckdb_type for field in fields}
        columns = {**kinds, "source_file": "VARCHAR", "source_row_number": "BIGINT"}
        con = connect(temp=folder)
        typed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        con.execute(f"CREATE TABLE t ({typed})")
        for number, row in enumerate(rows, start=2):
            whole = {"source_file": f"{name}.csv", **row, "source_row_number": number}
            listed = ", ".join(f'"{column}"' for column in whole)
            con.execute(
                f"INSERT INTO t ({listed}) VALUES ({', '.join('?' * len(whole))})", list(whole.values())
            )
        con.execute(f"COPY t TO '{path}' (FORMAT parquet)")
        con.close()
        written.append(VersionTable(name, "all", str(path), len(rows), "0" * 64))
    submission = SubmissionId.build(member, package_type, "0" * 12)
    accepted_at = datetime(2026, 5, 4, tzinfo=UTC)
    return AcceptedVersion(
        MemberCode(member),
        package_type,
        VersionNumber(3),
        None,
        submission,
        "all",
        accepted_at,
        "1.0",
        tuple(written),
    )


class Site:
    """The site over one release, asked without a network. Its answers are those that a browser gets."""

    def __init__(self, release: Path) -> None:
        self.release = release
        self.package = json.loads((release / "datapackage.json").read_text(encoding="utf-8"))
        self.runner = asyncio.Runner()
        self.answers: dict[tuple[Any, ...], Any] = {}
        self.datasette = Datasette(
            immutables=[str(release / "ingp.db")],
            metadata=json.loads((release / "datasette-metadata.json").read_text(encoding="utf-8")),
            config=json.loads((release / "datasette.json").read_text(encoding="utf-8")),
            template_dir=str(SITE / "templates"),
            plugins_dir=str(SITE / "plugins"),
            static_mounts=[("assets", str(SITE / "static"))],
            settings={"suggest_facets": False, "sql_time_limit_ms": 3000, "max_csv_mb": 0},
            cors=True,
        )
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("INGP_RELEASE_DIR", str(release))
            self.runner.run(self.datasette.invoke_startup())

    def get(self, path: str, language: str | None = None, **headers: str) -> Any:
        """The answer to a request; asked once, since a release never changes."""
        sent = {key.replace("_", "-"): value for key, value in headers.items()}
        if language:
            sent["accept-language"] = language
        key = (path, *sorted(sent.items()))
        if key not in self.answers:
            self.answers[key] = self.runner.run(self.datasette.client.get(path, headers=sent))
        return self.answers[key]

    def close(self) -> None:
        self.datasette.close()
        self.runner.close()


def make_site(
    catalogue: Catalogue, folder: Path, packages: Mapping[tuple[str, str], Mapping[str, Sequence[Row]]]
) -> Site:
    versions = [write_version(catalogue, *key, tables, folder) for key, tables in packages.items()]
    zones = Zones(folder / "var").create()
    release = assemble_release(
        versions, Path, catalogue, zones, licence="CC-BY-4.0", base_url="https://data.example.org"
    )
    return Site(zones.release_folder(release.release_id))


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    return load_catalogue(ROOT / "schemas", ROOT / "datapackages")


@pytest.fixture(scope="session")
def site(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(catalogue, tmp_path_factory.mktemp("release"), PACKAGES)
    yield made
    made.close()


@pytest.fixture(scope="session")
def empty_site(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = make_site(catalogue, tmp_path_factory.mktemp("empty"), {})
    yield made
    made.close()


@pytest.fixture(scope="session")
def contracts_site(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site over 54 contracts of three members, for questions, searches and charts."""
    made = make_site(catalogue, tmp_path_factory.mktemp("contracts"), CONTRACTS)
    yield made
    made.close()


@pytest.fixture(scope="session")
def contract_packages() -> Mapping[tuple[str, str], Mapping[str, Sequence[Row]]]:
    """What the site of contracts was made of."""
    return CONTRACTS


@pytest.fixture(scope="session")
def packages() -> Mapping[tuple[str, str], Mapping[str, Sequence[Row]]]:
    """What the site's release was made of."""
    return PACKAGES


@pytest.fixture(scope="session")
def build(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Packages -> folder of a release made of them."""

    def made(packages: Mapping[tuple[str, str], Mapping[str, Sequence[Row]]]) -> Path:
        other = make_site(catalogue, tmp_path_factory.mktemp("other"), packages)
        other.close()
        return other.release

    return made


@pytest.fixture(scope="session")
def serve(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Packages -> the site over a release made of them."""
    made: list[Site] = []

    def served(packages: Mapping[tuple[str, str], Mapping[str, Sequence[Row]]]) -> Site:
        made.append(make_site(catalogue, tmp_path_factory.mktemp("served"), packages))
        return made[-1]

    yield served
    for each in made:
        each.close()
