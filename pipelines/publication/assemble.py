"""accepted -> release: everything is written beside, verified, and made visible by one rename."""

import json
import os
import shutil
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from pipelines.catalogue import Catalogue
from pipelines.engine import connect
from pipelines.exceptions import PublicationError
from pipelines.identifiers import ReleaseId
from pipelines.publication.alone import held, remove_abandoned
from pipelines.publication.answers import ANSWERS, write_answers
from pipelines.publication.files import MADE
from pipelines.publication.formats.csv import LINES, write_csv
from pipelines.publication.formats.duck import write_duckdb
from pipelines.publication.formats.pages import PLACE, write_pages
from pipelines.publication.formats.parquet import write_parquet
from pipelines.publication.formats.sqlite import index_sqlite, write_sqlite
from pipelines.publication.formats.zipped import write_zip
from pipelines.publication.gather import PublishedTable, create_reference_tables, gather_tables
from pipelines.publication.indicators import FOLDER, create_indicators, write_indicators
from pipelines.publication.metadata.datapackage import datapackage, table_schema
from pipelines.publication.metadata.datasette import datasette_config, datasette_metadata
from pipelines.publication.organisations import ORGANISATIONS, write_organisations
from pipelines.publication.origins import Origins, periods_of
from pipelines.publication.summaries import SUMMARIES, Judgements, create_summaries
from pipelines.publication.verify import verify_release
from pipelines.records import AcceptedVersion, Release, ReleaseFile
from pipelines.zones import Zones

SQLITE = "ingp.db"
DUCKDB = "ingp.duckdb"
ZIP = "ingp-datapackage.zip"
REFERENCE = ("codelists", "release_versions", *SUMMARIES)
Progress = Callable[[str, int, int], None]
Written = tuple[Path, int | None, str | None, str | None, str | None]
"""File, rows, table, member, year."""


def next_release_id(zones: Zones, day: datetime, known: Collection[str] = ()) -> ReleaseId:
    """The next free serial of the month. A number is never given twice, also when its folder has been deleted.

    known: releases that are written down elsewhere. Those of which something is kept (files made on request) count too.
    """
    found = {ReleaseId(name) for name in known}
    for folder in (zones.releases, zones.releases / MADE):
        for each in folder.glob(f"{day.year}.{day.month}.*"):
            with suppress(ValueError):  # a copy that somebody keeps there under another name
                found.add(ReleaseId(each.name))
    taken = [each.parts[2] for each in found if each.parts[:2] == (day.year, day.month)]
    return ReleaseId(f"{day.year}.{day.month}.{max(taken, default=0) + 1}")


def assemble_release(
    versions: Sequence[AcceptedVersion],
    local_path: Callable[[str], Path],
    catalogue: Catalogue,
    zones: Zones,
    *,
    licence: str,
    base_url: str,
    judgements: Judgements | None = None,
    origins: Origins | None = None,
    known: Collection[str] = (),
    memory_limit: str = "4GB",
    threads: int = 0,
    indicators: bool = False,
    progress: Progress | None = None,
) -> Release:
    """Build the release of these versions (one per member and package type) and verify it.

    local_path: lake path -> local file. judgements: what the checks found in what the versions hold. origins: what
    brought the rows of each period, where that is not the version itself. known: numbers of releases that may not be on disk any more.
    indicators: whether figures and red flags are worked out as well (`pipelines.publication.indicators`). The release is visible as ``releases/<id>/`` only when every file
    has been written, counted, hashed and flushed to disk; `switch_current` then makes it the one that is served.
    Raises PublicationError, leaving nothing behind, when a count does not add up.
    """
    now = datetime.now(UTC)
    release_id = next_release_id(zones, now, known)
    remove_abandoned(zones.tmp, "release-*")
    work = zones.tmp / f"release-{release_id}-{os.getpid()}"
    shutil.rmtree(work, ignore_errors=True)
    tell = progress or (lambda *_: None)
    try:
        with (
            held(work),
            closing(connect(memory_limit=memory_limit, threads=threads, temp=work / "tmp")) as con,
        ):
            release = _build(
                con,
                versions,
                local_path,
                catalogue,
                release_id,
                now,
                work,
                licence,
                base_url,
                judgements or {},
                origins or {},
                indicators,
                tell,
            )
        shutil.rmtree(work / "tmp", ignore_errors=True)
        _flush(work)
        target = zones.release_folder(release_id)
        try:
            work.rename(target)
        except OSError as error:
            if not target.exists():
                raise
            raise PublicationError(f"release {release_id} was made by somebody else meanwhile") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return release


def _build(
    con: duckdb.DuckDBPyConnection,
    versions: Sequence[AcceptedVersion],
    local_path: Callable[[str], Path],
    catalogue: Catalogue,
    release_id: ReleaseId,
    now: datetime,
    work: Path,
    licence: str,
    base_url: str,
    judgements: Judgements,
    origins: Origins,
    indicators: bool,
    progress: Progress,
) -> Release:
    paths = {each.path: local_path(each.path) for version in versions for each in version.tables}
    con.execute(f"ATTACH '{work / 'build.duckdb'}' AS build; USE build")
    tables = gather_tables(con, catalogue, versions, paths, origins)
    create_reference_tables(con, catalogue, versions, origins)
    create_summaries(con, tables, versions, judgements, origins)
    write_answers(con, catalogue, tables, work / ANSWERS)
    figures = create_indicators(con, catalogue, tables, now) if indicators else ()
    reference = (*REFERENCE, *figures)
    facts = {"release": str(release_id), "licence": licence, "source": base_url}
    steps = len(tables) + 4
    written: list[Written] = []
    for done, table in enumerate(tables):
        progress(table.name, done, steps)
        written += _write_table(con, table, catalogue, facts, work)
    written += [
        (path, rows, None, None, None) for path, rows, _ in write_indicators(con, figures, work / FOLDER)
    ]
    progress("SQLite", steps - 4, steps)
    write_pages(con, tables, reference, work / PLACE)
    write_sqlite(con, tables, reference, work / SQLITE, work / PLACE)
    write_organisations(con, work / PLACE, work / ORGANISATIONS)
    parts = tuple(_version_facts(version, origins) for version in versions)
    with ThreadPoolExecutor(1) as beside:
        # The longest step keeps one processor busy, and so do the next ones: they are done at once.
        indexed = beside.submit(index_sqlite, tables, work / SQLITE)
        progress("DuckDB", steps - 3, steps)
        comments = {
            table.name: catalogue.texts.table("en", table.table.package_type, table.table.name).title
            for table in tables
        }
        write_duckdb(con, tables, reference, work / DUCKDB, comments)
        written.append((work / DUCKDB, None, None, None, None))
        progress("hashes", steps - 2, steps)
        files = tuple(_described(work, *each) for each in written)
        progress("ZIP", steps - 2, steps)
        package = datapackage(catalogue, release_id, now, licence, base_url, tables, files, parts)
        zipped = write_zip(work, catalogue, package, work / ZIP)
        progress("SQLite, indexes", steps - 2, steps)
        indexed.result()
    files += tuple(_described(work, path) for path in (work / SQLITE, zipped))
    package = datapackage(catalogue, release_id, now, licence, base_url, tables, files, parts)
    _write_json(work / "datapackage.json", package)
    _write_json(
        work / "datasette-metadata.json", datasette_metadata(catalogue, release_id, licence, base_url, tables)
    )
    _write_json(work / "datasette.json", datasette_config(tables))
    replaced = {table.name: table.replaced for table in tables if table.replaced}
    release = Release(release_id, now, parts, files, replaced)
    _write_json(work / "release.json", asdict(release))
    progress("verify", steps - 1, steps)
    verify_release(con, work, tables, versions, release)
    con.execute("USE memory; DETACH build")
    (work / "build.duckdb").unlink()
    progress("verify", steps, steps)
    return release


def _write_table(
    con: duckdb.DuckDBPyConnection,
    table: PublishedTable,
    catalogue: Catalogue,
    facts: dict[str, Any],
    work: Path,
) -> list[Written]:
    written: list[Written] = [
        (each.path, each.rows, table.name, each.member, each.year)
        for each in write_parquet(con, table, work / "parquet", facts, table_schema(catalogue, table))
    ]
    path = work / "csv" / f"{table.name}.csv"
    rows = write_csv(con, table, path, work / LINES / table.name)
    written.append((path, rows, table.name, None, None))
    return written


def _version_facts(version: AcceptedVersion, origins: Origins) -> dict[str, Any]:
    return {
        "member": str(version.member),
        "package_type": version.package_type,
        "number": int(version.number),
        "submission_id": str(version.submission_id) if version.submission_id else None,
        "accepted_at": version.accepted_at.isoformat(),
        "schema_version": version.schema_version,
        "periods": periods_of(version, origins),
        "tables": [
            {"table": each.table, "period": each.period, "rows": each.rows, "sha256": each.sha256}
            for each in version.tables
        ],
    }


def _described(
    work: Path,
    path: Path,
    rows: int | None = None,
    table: str | None = None,
    member: str | None = None,
    year: str | None = None,
) -> ReleaseFile:
    name = path.relative_to(work).as_posix()
    return ReleaseFile(name, path.stat().st_size, _hash(path), rows, table, member, year)


def _hash(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _flush(folder: Path) -> None:
    """Make all files survive a power cut: once the release is named, nothing would look at its bytes again."""
    for path in (*folder.rglob("*"), folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1, default=str), encoding="utf-8")


def read_release(folder: Path) -> Release:
    """The record of a release from its folder."""
    data = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    return Release(
        ReleaseId(data["release_id"]),
        datetime.fromisoformat(data["released_at"]),
        tuple(data["versions"]),
        tuple(ReleaseFile(**each) for each in data["files"]),
        data["replaced"],
    )
