"""A release of any number of invented contracts, made without the intake: for measuring the site alone."""

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.ours import measure
from pipelines.catalogue import load_catalogue
from pipelines.engine import connect, quote_name, quote_text
from pipelines.identifiers import MemberCode, SubmissionId, VersionNumber
from pipelines.publication import assemble_release, switch_current
from pipelines.records import AcceptedVersion, VersionTable
from pipelines.settings import Settings
from pipelines.zones import Zones

MEMBERS = (
    "ARG", "BOL", "BRA", "CHL", "COL", "CRI", "DOM", "ECU", "GTM", "HND", "JAM", "MEX", "PAN", "PER", "PRY", "SLV", "URY"
)  # fmt: skip
TABLE = "procurement_contracts_flat"
_WORDS = "['servicio','suministro','equipo','médico','vial','escolar','obra','reparación','puente','agua','energía','papel','licencia','camión','técnico']"
_VALUES = {
    "contract_id": "'C-' || i",
    "ocid": "'P-' || (i // 4)",
    "buyer_name": "'Ministerio de ' || w[1 + (h // 7) % 15] || ' ' || (h % 400)",
    "buyer_id": "'8' || (h % 400)",
    "tender_title": "concat_ws(' ', w[1 + h % 15], w[1 + (h // 15) % 15], w[1 + (h // 225) % 15], w[1 + (h // 3375) % 15], 'lote único', i // 4)",
    "tender_description": "repeat(concat_ws(' ', w[1 + h % 15], 'de', w[1 + (h // 11) % 15], 'según el pliego. '), 4)",
    "tender_status": "['complete','complete','complete','active','cancelled'][1 + h % 5]",
    "procurement_method": "['open','open','open','selective','limited','direct'][1 + (h // 5) % 6]",
    "main_procurement_category": "['goods','works','services'][1 + (h // 31) % 3]",
    "tender_value_amount": "round(exp(8 + (h % 1000) / 100.0), 2)",
    "tender_value_currency": "'USD'",
    "tender_period_start": "TIMESTAMPTZ '2019-01-01 00:00:00+00' + to_days((h % 2500)::INTEGER)",
    "number_of_tenderers": "1 + h % 9",
    "award_id": "'A-' || i",
    "award_date": "TIMESTAMPTZ '2019-02-01 00:00:00+00' + to_days((h % 2500)::INTEGER)",
    "supplier_name": "'Empresa ' || w[1 + (h // 3) % 15] || ' ' || (h % 20000) || ' S.A.'",
    "supplier_id": "'9' || (h % 20000)",
    "contract_title": "'Contrato ' || i || ' de ' || w[1 + (h // 13) % 15]",
    "contract_status": "'active'",
    "contract_date_signed": "TIMESTAMPTZ '2019-03-01 00:00:00+00' + to_days((h % 2500)::INTEGER)",
    "contract_value_amount": "round(exp(7 + (h % 1200) / 100.0), 2)",
    "contract_value_currency": "'USD'",
    "item_description": "w[1 + (h // 17) % 15]",
    "document_url": "'https://www.example.org/contratos/' || i || '.pdf'",
}


def write_member(path: Path, rows: int, member: int) -> None:
    """Typed Parquet of a member's contracts, deterministic, as an accepted version has it."""
    settings = Settings()
    catalogue = load_catalogue(settings.schemas_dir, settings.datapackages_dir)
    fields = catalogue.package_type("procurement").table("contracts_flat").fields
    values = ", ".join(
        f"CAST({_VALUES.get(field.name, 'NULL')} AS {field.duckdb_type}) AS {quote_name(field.name)}"
        for field in fields
    )
    with connect(memory_limit="2GB", temp=path.parent / "tmp") as con:
        con.execute(
            f"COPY (SELECT {values}, 'contracts.csv' AS source_file, i + 2 AS source_row_number FROM "
            f"(SELECT range AS i, CAST(hash(range // 4 + {member} * 1000003) % 1000000007 AS BIGINT) AS h, {_WORDS} AS w FROM range({rows}))) "
            f"TO {quote_text(path)} (FORMAT parquet)"
        )


def main(rows: int, folder: Path) -> None:
    settings = Settings(data_dir=folder)
    zones = Zones(folder).create()
    catalogue = load_catalogue(settings.schemas_dir, settings.datapackages_dir)
    versions = []
    for place, member in enumerate(MEMBERS):
        # The first members have much more than the last, as in life.
        share = rows * (len(MEMBERS) - place) * 2 // (len(MEMBERS) * (len(MEMBERS) + 1))
        path = zones.tmp / f"{member}.parquet"
        write_member(path, share, place)
        table = VersionTable("contracts_flat", "all", str(path), share, "0" * 64)
        versions.append(
            AcceptedVersion(
                MemberCode(member), "procurement", VersionNumber(1), None,
                SubmissionId.build(member, "procurement", "0" * 12), "all", datetime(2026, 1, 1, tzinfo=UTC), "1.0", (table,),
            )
        )  # fmt: skip
    stages: dict[str, dict[str, float]] = {}
    clock = {"name": "gather", "since": time.perf_counter()}
    parts: dict[str, float] = {}

    def tell(name: str, done: int, of: int) -> None:
        now = time.perf_counter()
        parts[str(clock["name"])] = round(parts.get(str(clock["name"]), 0) + now - float(clock["since"]), 2)
        clock.update(name=name, since=now)

    release = measure(
        stages,
        "assemble",
        lambda: assemble_release(
            versions, Path, catalogue, zones, licence="CC-BY-4.0", base_url="http://127.0.0.1", memory_limit="3GB",
            progress=tell,
        ),
    )  # fmt: skip
    switch_current(release.release_id, zones)
    print(
        json.dumps(
            {"release": str(zones.release_folder(release.release_id)), "stages": stages, "parts": parts}
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
