"""The same job with the usual tools: frictionless validates, sqlite-utils loads and indexes; prints figures as JSON.

python -m benchmarks.peer FILE FOLDER
"""

import json
import sys
from pathlib import Path

import sqlite_utils
from frictionless import Resource, Schema

from benchmarks.generate import COLUMNS
from benchmarks.ours import measure
from pipelines.catalogue import load_catalogue
from pipelines.settings import Settings


def validate(file: Path) -> None:
    """Types and constraints of the same schema, and the primary key."""
    settings = Settings()
    catalogue = load_catalogue(settings.schemas_dir, settings.datapackages_dir)
    table = catalogue.package_type("procurement").table("contracts_flat")
    descriptor = catalogue.frictionless_schema(table, COLUMNS)
    for field in descriptor["fields"]:
        if field["type"] == "datetime":
            # The peer does not read a bare date as an instant: it is given the type that the file has.
            field["type"] = "date"
            field.pop("example")
    descriptor["primaryKey"] = ["contract_id"]
    report = Resource(
        path=file.name, basepath=str(file.parent), schema=Schema.from_descriptor(descriptor)
    ).validate()
    if not report.valid:
        raise SystemExit(f"the peer refuses the file: {report.flatten(['type', 'note'])[:3]}")


def load(file: Path, folder: Path) -> None:
    """One SQLite table with primary key, the same indexes and full-text search as the flat table of a release."""
    folder.mkdir(parents=True, exist_ok=True)
    database = sqlite_utils.Database(folder / "peer.db")
    with file.open(encoding="utf-8", newline="") as source:
        rows, _ = sqlite_utils.utils.rows_from_file(source.buffer, format=sqlite_utils.utils.Format.CSV)
        database["contracts_flat"].insert_all(rows, pk="contract_id", batch_size=5_000)
    for column in ("procurement_method", "main_procurement_category", "contract_status"):
        database["contracts_flat"].create_index([column])
    database["contracts_flat"].enable_fts(["tender_title", "buyer_name", "supplier_name", "contract_title"])


def main(file: Path, folder: Path) -> None:
    stages: dict[str, dict[str, float]] = {}
    measure(stages, "frictionless validate", lambda: validate(file))
    measure(stages, "sqlite-utils insert, index, search", lambda: load(file, folder))
    print(json.dumps(stages))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
