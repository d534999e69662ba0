"""Indicators for pandas users: ``ingp.indicators`` of a release or of OCDS files as DataFrames."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pandas as pd

from pipelines.catalogue import Catalogue
from pipelines.engine import connect
from pipelines.indicators.computability import COMPUTABILITY, NEXT, create_computability, filled_fields
from pipelines.indicators.compute import FLAGS, INDICATORS, Settings, compute_indicators
from pipelines.indicators.definitions import load_indicators
from pipelines.indicators.reading import ocds_relations, release_relations
from pipelines.indicators.tables import open_tables
from pipelines.records import Finding

TABLES = (INDICATORS, FLAGS, COMPUTABILITY, NEXT)


@dataclass(frozen=True)
class Frames:
    """The four tables of a computation, one row a figure, a flag, a (member, year, indicator), a step.

    findings: what was wrong with the files that were read, of OCDS files only.
    """

    indicators: pd.DataFrame
    flags: pd.DataFrame
    computability: pd.DataFrame
    next_fields: pd.DataFrame
    findings: tuple[Finding, ...] = ()


def compute_tables(
    con: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
    relations: Mapping[str, str],
    settings: Settings | None = None,
    *,
    member: str = "",
    references: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
    only: Sequence[str] = (),
) -> None:
    """All of `TABLES` in `con`'s current database, from relations as `open_tables` takes them. only: codes; none: all."""
    indicators = load_indicators(catalogue.folder)
    wanted = {code: each for code, each in indicators.items() if not only or code in only}
    open_tables(con, catalogue, relations, member=member, references=references)
    filled = filled_fields(con, wanted.values())
    create_computability(con, wanted, filled)
    whole = [names for (_, year), names in filled.items() if year is None]
    # What nobody's data can support has no lines: the matrix says what is missing.
    supported = {
        code: each for code, each in wanted.items() if any(not each.missing(names) for names in whole)
    }
    compute_indicators(con, supported, settings)


def indicators_of_release(
    place: Path | str,
    catalogue: Catalogue,
    settings: Settings | None = None,
    *,
    only: Sequence[str] = (),
    memory_limit: str = "4GB",
    threads: int = 0,
) -> Frames:
    """Figures of a release, worked out anew on the reader's machine.

    place: the folder of a release (``releases/2025.2.1``), or the folder in which its ``parquet/`` was saved.
    Raises FileNotFoundError when there is no published table of procurement.
    """
    folder = Path(place)
    names = [path.stem for path in sorted((folder / "parquet").glob("procurement_*.parquet"))]
    if not names:
        raise FileNotFoundError(f"{folder}/parquet has no procurement table")
    with closing(connect(memory_limit=memory_limit, threads=threads)) as con:
        compute_tables(con, catalogue, release_relations(folder, names), settings, only=only)
        return _frames(con)


def indicators_of_ocds(
    files: Sequence[Path],
    catalogue: Catalogue,
    settings: Settings | None = None,
    *,
    member: str = "",
    references: Mapping[str, Sequence[Mapping[str, str]]] | None = None,
    only: Sequence[str] = (),
    memory_limit: str = "4GB",
    threads: int = 0,
) -> Frames:
    """Figures of OCDS files or folders of them: releases, records, packages or lines, merged by process, bids read too."""
    with (
        TemporaryDirectory(prefix="ingp-indicators-") as work,
        closing(connect(memory_limit=memory_limit, threads=threads)) as con,
    ):
        relations, read = ocds_relations(files, catalogue, Path(work))
        compute_tables(con, catalogue, relations, settings, member=member, references=references, only=only)
        return replace(_frames(con), findings=tuple(read.findings))


def _frames(con: duckdb.DuckDBPyConnection) -> Frames:
    return Frames(*(con.execute(f"SELECT * FROM {name}").df() for name in TABLES))
