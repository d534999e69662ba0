"""OCDS 1.1 from a finished release: releases, compiled records and packages, streamed process by process.

Only for members with a registered prefix, and only their processes under that prefix: no identifier of the standard
is ever invented. The platform holds the current state of each process, so a member's export has one release a
process. What OCDS demands and the member never said is filled as follows: ``id`` from the ocid and the platform's
release, ``date`` from the platform's release (the moment of this compilation), ``tag`` from the stages that are
there, ``initiationType`` with the only code that OCDS has.
"""

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import orjson

from pipelines.catalogue import Catalogue, Member
from pipelines.engine import connect, fetch_one, quote_name, quote_text
from pipelines.exceptions import UnknownError
from pipelines.publication.formats.ocds_tree import Builder
from pipelines.publication.formats.stream import released_table
from pipelines.publication.gather import text_of

KINDS = ("releases", "records")
SHAPES = ("jsonl", "package")
VERSION = "1.1"
MEMORY_LIMIT = "250MB"
_BATCH = 2_000
_STAGES = (("planning", "planning"), ("tender", "tender"), ("awards", "award"), ("contracts", "contract"))


class OcdsFacts(NamedTuple):
    """What a package says of itself. released_at: RFC 3339 instant. uri: where the package is found."""

    uri: str
    released_at: str
    release_id: str
    licence_url: str
    policy_url: str


def _prefixes(member: Member) -> tuple[str, ...]:
    return tuple(prefix for prefix in member.ocid_prefixes if prefix.startswith("ocds-"))


def is_registered(member: Member, ocid: str) -> bool:
    """Whether the number of a process begins with a registered prefix of its member."""
    return ocid.startswith(tuple(f"{prefix}-" for prefix in _prefixes(member)))


def _condition(member: Member) -> str:
    starts = (f"starts_with(ocid, {quote_text(prefix + '-')})" for prefix in _prefixes(member))
    return f"({' OR '.join(starts)})"


def _source(release_folder: Path, member: str, table: str) -> Path:
    return release_folder / "parquet" / member / f"procurement_{table}.parquet"


def count_ocds(release_folder: Path, catalogue: Catalogue, member: str) -> int:
    """Processes that `stream_ocds` will send; 0 for a member without a registered prefix or without processes."""
    body, path = catalogue.members.get(member), _source(release_folder, member, "processes")
    if body is None or not _prefixes(body) or not path.exists():
        return 0
    sql = f"SELECT count(DISTINCT ocid) FROM read_parquet({quote_text(path)}) WHERE {_condition(body)}"
    with connect(MEMORY_LIMIT, 1) as con:
        return int(fetch_one(con, sql)[0])


def stream_ocds(
    release_folder: Path, catalogue: Catalogue, member: str, facts: OcdsFacts, kind: str = "releases", shape: str = "jsonl",
    temp: Path | None = None,
) -> Iterator[bytes]:  # fmt: skip
    """Blocks of bytes: one release or record a line, or one package of all of them.

    temp: folder for what does not fit into memory while sorting. Raises UnknownError for a member without a
    registered prefix or without processes: a package needs at least one release.
    """
    if kind not in KINDS or shape not in SHAPES:
        raise UnknownError(f"no OCDS export {kind!r} as {shape!r}")
    if not count_ocds(release_folder, catalogue, member):
        raise UnknownError(f"{member} has no processes under a registered prefix")
    return _blocks(release_folder, catalogue, member, facts, kind, shape, temp)


def _blocks(
    folder: Path,
    catalogue: Catalogue,
    member: str,
    facts: OcdsFacts,
    kind: str,
    shape: str,
    temp: Path | None,
) -> Iterator[bytes]:
    as_package = shape == "package"
    if as_package:
        head = orjson.dumps(package_head(catalogue.members[member], facts))
        yield head[:-1] + b',"%s":[' % kind.encode()
    separator = b"" if as_package else b"\n"
    for number, release in enumerate(ocds_releases(folder, catalogue, member, facts, temp)):
        if as_package and number:
            yield b","
        yield orjson.dumps(release if kind == "releases" else record(release)) + separator
    if as_package:
        yield b"]}\n"


def package_head(member: Member, facts: OcdsFacts) -> dict[str, Any]:
    """Metadata of a package, without its releases or records. The publisher is who answers for the data."""
    return {
        "uri": facts.uri,
        "version": VERSION,
        "publishedDate": facts.released_at,
        "publisher": {"name": member.institution},
        "license": facts.licence_url,
        "publicationPolicy": facts.policy_url,
    }


def record(release: dict[str, Any]) -> dict[str, Any]:
    """The record of a process: its release, and the compiled release."""
    compiled = {**release, "tag": ["compiled"]}
    return {"ocid": release["ocid"], "releases": [release], "compiledRelease": compiled}


def ocds_releases(
    folder: Path, catalogue: Catalogue, member: str, facts: OcdsFacts, temp: Path | None = None
) -> Iterator[dict[str, Any]]:
    """Releases of a member in the order of their ocid, rebuilt one at a time: all tables are read side by side."""
    builder = Builder(catalogue.package_type("procurement"))
    condition = _condition(catalogue.members[member])
    with connect(MEMORY_LIMIT, 1, temp) as con:
        cursors = {
            table: groupby(_rows(con.cursor(), folder, member, table, condition), key=lambda row: row["ocid"])
            for table in builder.tables
            if _source(folder, member, table).exists()
        }
        heads = {table: next(groups, None) for table, groups in cursors.items()}
        while heads["processes"]:
            ocid = heads["processes"][0]
            rows = {}
            for table, head in heads.items():
                while head and head[0] < ocid:  # rows of a process that has none of its own
                    head = next(cursors[table], None)
                if head and head[0] == ocid:
                    rows[table] = list(head[1])
                    head = next(cursors[table], None)
                heads[table] = head
            yield completed(builder.release(ocid, rows), facts)


def _rows(
    con: duckdb.DuckDBPyConnection, folder: Path, member: str, table: str, condition: str
) -> Iterator[dict[str, str | None]]:
    con.execute("SET TimeZone = 'UTC'")
    columns = released_table(folder, f"procurement_{table}").columns
    values = ", ".join(f"{text_of(column)} AS {quote_name(column.name)}" for column in columns)
    names = [column.name for column in columns]
    source = quote_text(_source(folder, member, table))
    key = ", ".join(
        quote_name(name)
        for name in ("ocid", *(name for name in names if name.endswith("_id") and name != "ocid"))
    )
    con.execute(
        f"SELECT {values} FROM (SELECT * FROM read_parquet({source}) WHERE {condition} ORDER BY {key})"
    )
    while batch := con.fetchmany(_BATCH):
        for row in batch:
            yield dict(zip(names, row, strict=True))


def completed(release: dict[str, Any], facts: OcdsFacts) -> dict[str, Any]:
    """A release with what OCDS demands of its head, filled as the head of this module says."""
    tags = release.pop("tag", None) or [code for name, code in _STAGES if name in release] or ["compiled"]
    head = {
        "ocid": release["ocid"],
        "id": release.pop("id", None) or f"{release['ocid']}-{facts.release_id}",
        "date": release.pop("date", None) or facts.released_at,
        "tag": tags,
        "initiationType": release.pop("initiationType", None) or "tender",
    }
    return head | release
