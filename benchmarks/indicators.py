"""The indicators over made-up contracts: ours, and the same single-bid, duration and value figures in pandas.

``python -m benchmarks.indicators JOB FOLDER`` with JOB ``ours`` or ``pandas`` prints its figures as JSON.
"""

import json
import resource
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.catalogue import load_catalogue
from pipelines.engine import connect, quote_text
from pipelines.indicators.frames import compute_tables
from pipelines.indicators.reading import release_relations

ROOT = Path(__file__).resolve().parents[1]

_PROCESS = "range(CAST({count} * 0.8 AS BIGINT)) AS t(i)"
_TABLES = {
    # Everything follows from the number of the row by a hash: the same bytes everywhere, and no two tables at odds.
    "processes": """
SELECT 'BR' || '' AS member_code, 1 AS version_number, 2019 + CAST(hash(i, 1) % 7 AS INTEGER) AS year, 'ocds-bench1-' || i AS ocid,
  'B-' || hash(i, 2) % 3000 AS buyer_id, 'Buyer ' || hash(i, 2) % 3000 AS buyer_name, 'T-' || i AS tender_id,
  CASE WHEN hash(i, 3) % 10 = 0 THEN 'Obra' ELSE 'Suministro de equipos y materiales ' || i END AS tender_title,
  'Descripción de lo que se compra en el proceso número ' || i AS tender_description,
  CASE hash(i, 4) % 20 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'unsuccessful' ELSE 'complete' END AS tender_status,
  CASE hash(i, 5) % 4 WHEN 0 THEN 'direct' WHEN 1 THEN 'selective' ELSE 'open' END AS procurement_method,
  CASE hash(i, 5) % 16 WHEN 0 THEN 'Compra de emergencia' ELSE 'Licitación pública' END AS procurement_method_details,
  CASE hash(i, 6) % 3 WHEN 0 THEN 'works' WHEN 1 THEN 'goods' ELSE 'services' END AS main_procurement_category,
  CASE hash(i, 7) % 5 WHEN 0 THEN 'ratedCriteria' ELSE 'priceOnly' END AS award_criteria,
  CAST(exp(8 + (hash(i, 8) % 800) / 100.0) AS DECIMAL(38,18)) AS tender_value_amount, 'USD' AS tender_value_currency,
  CAST(make_date(2019 + CAST(hash(i, 1) % 7 AS INTEGER), 1 + CAST(hash(i, 9) % 12 AS INTEGER), 1) AS TIMESTAMPTZ) AS tender_period_start,
  CAST(make_date(2019 + CAST(hash(i, 1) % 7 AS INTEGER), 1 + CAST(hash(i, 9) % 12 AS INTEGER), 1) AS TIMESTAMPTZ)
    + to_days(CAST(hash(i, 10) % 60 AS INTEGER)) AS tender_period_end,
  CASE WHEN hash(i, 11) % 10 > 0 THEN CAST(1 + hash(i, 12) % 8 AS BIGINT) END AS number_of_tenderers
FROM {process}""",
    "parties": """
SELECT member_code, 1 AS version_number, year, ocid, buyer_id AS party_id, buyer_name AS name, 'buyer' AS roles, NULL::VARCHAR AS scale,
  NULL::BOOLEAN AS women_owned, NULL::VARCHAR AS region, 'BR' AS country_code FROM {processes}
UNION ALL
SELECT DISTINCT s.member_code, 1, s.year, s.ocid, s.party_id, s.name, 'supplier', CASE hash(s.party_id) % 3 WHEN 0 THEN 'sme' ELSE 'large' END,
  hash(s.party_id) % 5 = 0, 'Region ' || hash(s.party_id, 2) % 12, CASE hash(s.party_id, 3) % 20 WHEN 0 THEN 'PT' ELSE 'BR' END
FROM {award_suppliers} AS s""",
    "awards": """
SELECT 'BR' || '' AS member_code, 1 AS version_number, 2019 + CAST(hash(i % {processes_count}, 1) % 7 AS INTEGER) AS year, 'ocds-bench1-' || i % {processes_count} AS ocid,
  'A-' || i AS award_id, CASE hash(i, 21) % 25 WHEN 0 THEN 'cancelled' ELSE 'active' END AS status,
  CAST(make_date(2019 + CAST(hash(i % {processes_count}, 1) % 7 AS INTEGER), 1 + CAST(hash(i % {processes_count}, 9) % 12 AS INTEGER), 1) AS TIMESTAMPTZ)
    + to_days(CAST(hash(i % {processes_count}, 10) % 60 + hash(i, 22) % 90 AS INTEGER)) AS date,
  CAST(exp(8 + (hash(i % {processes_count}, 8) % 800) / 100.0) * (0.7 + (hash(i, 23) % 40) / 100.0) AS DECIMAL(38,18)) AS value_amount, 'USD' AS value_currency
FROM range({count}) AS t(i)""",
    "award_suppliers": """
SELECT member_code, 1 AS version_number, year, ocid, award_id, 'S-' || CAST(floor(pow((hash(award_id, 31) % 1000000) / 1000000.0, 3) * 200000) AS BIGINT) AS party_id,
  'Supplier' AS name FROM {awards}""",
    "contracts": """
SELECT member_code, 1 AS version_number, year, ocid, 'C' || award_id AS contract_id, award_id,
  CASE hash(award_id, 41) % 30 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'terminated' ELSE 'active' END AS status,
  date + to_days(CAST(hash(award_id, 42) % 40 AS INTEGER)) AS date_signed, date + to_days(CAST(20 + hash(award_id, 43) % 40 AS INTEGER)) AS period_start,
  date + to_days(CAST(200 + hash(award_id, 43) % 400 AS INTEGER)) AS period_end,
  CAST(value_amount * (0.95 + (hash(award_id, 44) % 20) / 100.0) AS DECIMAL(38,18)) AS value_amount, value_currency FROM {awards}""",
    "items": """
SELECT member_code, 1 AS version_number, year, ocid, 'award' AS stage, award_id AS parent_id, '1' AS item_id, 'Cosa' AS description, 'UNSPSC' AS classification_scheme,
  CAST(10 + hash(award_id, 51) % 60 AS VARCHAR) || '101500' AS classification_id, NULL::DECIMAL(38,18) AS quantity FROM {awards}""",
}
_ORDER = ("processes", "awards", "award_suppliers", "contracts", "items", "parties")


def write_release(folder: Path, count: int) -> None:
    """``parquet/procurement_<table>.parquet`` of `count` contracts, as a release has them."""
    target = folder / "parquet"
    target.mkdir(parents=True)
    places = {name: f"read_parquet({quote_text(target / f'procurement_{name}.parquet')})" for name in _TABLES}
    with closing(connect(threads=2)) as con:
        for name in _ORDER:
            sql = _TABLES[name].format(
                **places,
                count=count,
                processes_count=int(count * 0.8),
                process=_PROCESS.format(count=count),
            )
            path = quote_text(target / f"procurement_{name}.parquet")
            con.execute(f"COPY ({sql}) TO {path} (FORMAT parquet, COMPRESSION zstd)")


def ours(folder: Path) -> dict[str, Any]:
    """Every indicator, every flag, the matrix."""
    catalogue = load_catalogue(ROOT / "schemas", ROOT / "datapackages")
    names = [path.stem for path in (folder / "parquet").glob("*.parquet")]
    with closing(connect(threads=2, temp=folder / "tmp")) as con:
        con.execute(f"ATTACH {quote_text(folder / 'figures.duckdb')} AS figures; USE figures")
        compute_tables(con, catalogue, release_relations(folder, names))
        figures = con.execute(
            "SELECT indicator, year, value FROM indicators WHERE scope = 'network' AND indicator IN ('U006', 'U015', 'U059') ORDER BY ALL"
        ).fetchall()
    return {"figures": {f"{code} {year or 'all'}": value for code, year, value in figures}}


def in_pandas(folder: Path) -> dict[str, Any]:
    """Three of them, U006, U015 and U059 by year, as an analyst would write them."""
    frames = {
        name: pd.read_parquet(folder / "parquet" / f"procurement_{name}.parquet")
        for name in ("processes", "awards")
    }
    processes, awards = frames["processes"], frames["awards"]
    figures: dict[str, float] = {}
    competitive = processes[
        processes.procurement_method.isin(["open", "selective"])
        & ~processes.tender_status.isin(["cancelled", "withdrawn"])
        & (processes.number_of_tenderers >= 1)
    ]
    active = awards[awards.status == "active"].assign(amount=lambda frame: frame.value_amount.astype(float))
    days = (processes.tender_period_end - processes.tender_period_start).dt.total_seconds() / 86400
    for year in [None, *sorted(processes.year.unique())]:
        name = year or "all"
        figures[f"U006 {name}"] = active[(active.year == year) | (year is None)].amount.sum()
        own = competitive[(competitive.year == year) | (year is None)]
        figures[f"U015 {name}"] = (own.number_of_tenderers == 1).mean()
        figures[f"U059 {name}"] = days[(processes.year == year) | (year is None)].mean()
    return {"figures": figures}


def main() -> None:
    job, folder = sys.argv[1], Path(sys.argv[2])
    begun, used = time.perf_counter(), time.process_time()
    result = {"ours": ours, "pandas": in_pandas}[job](folder)
    result |= {
        "seconds": round(time.perf_counter() - begun, 2),
        "cpu_seconds": round(time.process_time() - used, 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
