"""OCDS files, folders of Parquet and releases as the relations that `open_tables` takes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.catalogue import Catalogue
from pipelines.engine import quote_text
from pipelines.indicators.tables import PACKAGE_TYPE, extra_tables
from pipelines.intake.ocds import OcdsResult, stage_ocds
from pipelines.intake.sources import SourceFile

_JSON = (".json", ".jsonl")


def ocds_relations(
    files: Sequence[Path], catalogue: Catalogue, folder: Path
) -> tuple[Mapping[str, str], OcdsResult]:
    """Tables of OCDS files, bids among them, and what was found on the way. folder: where they are put as Parquet.

    files: releases, packages, records or lines of JSON; folders stand for the JSON below them. Releases of one
    process are merged as the standard says.
    """
    found = [each for path in files for each in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    sources = [
        SourceFile(each.name, each, each.suffix.removeprefix("."))
        for each in found
        if each.suffix.lower() in _JSON
    ]
    standard = catalogue.package_type(PACKAGE_TYPE)
    wider = replace(standard, tables=(*standard.tables, *extra_tables(catalogue.folder)))
    folder.mkdir(parents=True, exist_ok=True)
    result = stage_ocds(sources, wider, catalogue.folder / "ocds", folder)
    return folder_relations(folder), result


def folder_relations(folder: Path) -> Mapping[str, str]:
    """Tables of a folder with ``<table>.parquet``."""
    return {
        path.stem: f"(SELECT * RENAME (file_row_number AS place) FROM read_parquet({quote_text(path)}, file_row_number = true))"
        for path in sorted(folder.glob("*.parquet"))
    }


def release_relations(place: str | Path, tables: Sequence[str]) -> Mapping[str, str]:
    """Tables of a release by the names of the standard. place: its folder. tables: names as published."""
    prefix = f"{PACKAGE_TYPE}_"
    return {
        name.removeprefix(prefix): f"read_parquet({quote_text(f'{place}/parquet/{name}.parquet')})"
        for name in tables
        if name.startswith(prefix)
    }
