"""A process that answers SQL and can be killed: ``python -I analyst.py``, settings in the first line of its input.

Strangers' SQL runs only here. Before it reads the first question the process has given up everything but its one
database and one file for answers: no other file, no network, no extensions, no settings, no new processes' memory.
What DuckDB or SQLite do not stop by themselves ends with the process, which the site kills and starts again.

Input: a line of JSON, then `bytes` raw bytes if the job says so. Output: a line of JSON for each job:
{"rows", "columns", "types"} or {"error", "message"}. The answer itself is in the file `spool`.
"""

import csv
import json
import os
import resource
import sqlite3
import sys
import threading
import time
from array import array
from typing import Any

if __name__ == "__main__":
    # Before the engine is even loaded: whatever happens here, no page waits for it.
    os.nice(19)

import duckdb

FORMATS = {
    "csv": "FORMAT csv, HEADER true, NEW_LINE '\r\n'",
    "jsonl": "FORMAT json",
    "json": "FORMAT json, ARRAY true",
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    # One column of whole lines, made by the SQL of `pipelines.publication.formats.lines`: written as they are.
    "lines": "FORMAT csv, HEADER false, QUOTE '', ESCAPE '', NULLSTR '', DELIMITER '\x1f'",
}
LINES_AT_ONCE = 8192
KINDS = (
    (duckdb.InterruptException, "too_slow"),
    (duckdb.OutOfMemoryException, "too_much_memory"),
    (duckdb.PermissionException, "no_access"),
    (duckdb.IOException, "too_many_bytes"),
    (MemoryError, "too_much_memory"),
    (sqlite3.DataError, "too_long_text"),
)


class Refused(Exception):  # noqa: N818 - a kind of answer, not a fault
    """The question is not one that is answered. args: kind, message."""


def confine(settings: dict[str, Any]) -> None:
    """Limits of the process that hold whatever the engine does."""
    os.environ.clear()
    resource.setrlimit(resource.RLIMIT_DATA, (settings["process_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (settings["spool_bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def open_duckdb(settings: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(
        settings["database"],
        read_only=True,
        config={
            "memory_limit": settings["memory_limit"],
            "threads": settings["threads"],
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,
        },
    )
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET temp_directory = ?", [settings.get("temp", "")])
    con.execute(f"SET allowed_paths = ['{settings['spool']}']")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
    return con


def select_of(con: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The one SELECT of a stranger's text, without what follows it. Raises Refused."""
    statements = con.extract_statements(sql)
    if len(statements) != 1:
        raise Refused("one_statement", f"{len(statements)} statements")
    if statements[0].type != duckdb.StatementType.SELECT:
        raise Refused("only_select", str(statements[0].type).rpartition(".")[2])
    return statements[0].query.strip().rstrip(";")


def carried(sql: str, columns: list[str], types: list[str], form: str) -> str:
    """The SELECT in types that its format can hold: JSON has no NaN and no infinity, which become null as in every other
    JSON of ours; Parquet has no whole numbers of 128 bits, which would silently lose their last digits as DOUBLE.
    """
    changed = []
    for column, kind in zip(columns, types, strict=True):
        cell = '"' + column.replace('"', '""') + '"'
        if form in ("json", "jsonl") and kind in ("DOUBLE", "FLOAT"):
            changed.append(f"CASE WHEN isfinite({cell}) THEN {cell} END AS {cell}")
        elif form == "parquet" and kind in ("HUGEINT", "UHUGEINT"):
            changed.append(f"CAST({cell} AS DECIMAL(38, 0)) AS {cell}")
    # Two columns of one name cannot be told apart; they go as they are.
    if not changed or len({each.lower() for each in columns}) < len(columns):
        return sql
    return f"SELECT * REPLACE ({', '.join(changed)}) FROM (\n{sql}\n)"


def ask_duckdb(
    con: duckdb.DuckDBPyConnection, job: dict[str, Any], settings: dict[str, Any]
) -> dict[str, Any]:
    sql = job["sql"] if job.get("trusted") else select_of(con, job["sql"])
    for name, value in job.get("variables", {}).items():
        con.execute(f'SET VARIABLE "{name}" = $1', [value])
    watch = threading.Timer(job["seconds"], con.interrupt)
    watch.start()
    try:
        described = con.sql(f"SELECT * FROM (\n{sql}\n) LIMIT 0")
        columns, types = list(described.columns), [str(kind) for kind in described.types]
        # The line ends keep a comment at the end of the SQL from swallowing what follows.
        limited = f"SELECT * FROM (\n{sql}\n) LIMIT {job['limit'] + 1}" if job.get("limit") else sql
        limited = carried(limited, columns, types, job["format"])
        copied = con.execute(f"COPY (\n{limited}\n) TO '{settings['spool']}' ({FORMATS[job['format']]})")
        (rows,) = copied.fetchall()[0]
    finally:
        watch.cancel()
        for name in job.get("variables", {}):
            con.execute(f'RESET VARIABLE "{name}"')
    return {"rows": rows, "columns": columns, "types": types}


def open_sqlite(path: str, settings: dict[str, Any]) -> sqlite3.Connection:
    con = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, settings["text_length"])
    con.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
    # The tables of an index are opened by a first search, with rights that strangers do not have.
    indexes = con.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'").fetchall()
    for (name,) in indexes:
        con.execute(f'SELECT rowid FROM "{name}" WHERE "{name}" MATCH \'a\' LIMIT 1').fetchall()
    con.set_authorizer(
        lambda action, name, *_: (
            sqlite3.SQLITE_OK
            if action in allowed or (action == sqlite3.SQLITE_PRAGMA and name == "data_version")
            else sqlite3.SQLITE_DENY
        )
    )
    return con


def ask_sqlite(con: sqlite3.Connection, job: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + job["seconds"]
    con.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
    rows = 0
    try:
        cursor = con.execute(job["sql"], job.get("variables", {}))
        columns = [each[0] for each in cursor.description or ()]
        with open(settings["spool"], "w", encoding="utf-8", newline="") as file:  # noqa: PTH123
            if job["format"] == "csv":
                writer = csv.writer(file, lineterminator="\r\n")
                writer.writerow(columns)
                for row in cursor:
                    writer.writerow(row)
                    rows += 1
            else:
                for row in cursor:
                    file.write(
                        json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False, default=str)
                        + "\n"
                    )
                    rows += 1
    except sqlite3.OperationalError as error:
        if str(error) == "interrupted":
            raise Refused("too_slow", "interrupted") from error
        raise
    except OSError as error:
        raise Refused("too_many_bytes", str(error)) from error
    return {"rows": rows, "columns": columns, "types": []}


def answer(job: dict[str, Any], engines: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    try:
        if job["engine"] == "sqlite":
            return ask_sqlite(engines["sqlite"], job, settings)
        return ask_duckdb(engines["duckdb"], job, settings)
    except Refused as error:
        return {"error": error.args[0], "message": error.args[1]}
    except Exception as error:
        kind = next((name for each, name in KINDS if isinstance(error, each)), "wrong_sql")
        try:
            message = str(error)
        except UnicodeDecodeError:
            message = type(error).__name__
        return {"error": kind, "message": message[:2000]}


def stream(settings: dict[str, Any]) -> None:
    """One trusted export straight to standard output: rows as they are read, memory as small as at the start."""
    found = array("q", sys.stdin.buffer.read(settings["bytes"])) if settings["bytes"] is not None else None
    confine(settings)
    con = open_duckdb(settings)
    if found is not None:
        import pyarrow as pa  # not needed by strangers' SQL, whose process should be small

        con.register(
            "found", pa.table({"number": pa.array(found, type=pa.int64()), "place": range(len(found))})
        )
    if settings["format"] == "copied":
        rows = copy_lines(con, settings)
    else:
        copied = con.execute(f"COPY ({settings['sql']}) TO '/dev/stdout' ({FORMATS[settings['format']]})")
        (rows,) = copied.fetchall()[0]
    sys.stderr.write(json.dumps({"rows": rows}) + "\n")


def copy_lines(con: duckdb.DuckDBPyConnection, settings: dict[str, Any]) -> int:
    """Copy the heading and the rows whose numbers the SQL gives from a finished CSV file; returns how many rows.

    Cells are not written again: that is ten times the work of everything else.
    """
    import numpy as np

    places = np.memmap(settings["places"], dtype="<i8", mode="r")
    source, rows = os.open(settings["csv"], os.O_RDONLY), 0
    send(os.pread(source, int(places[0]), 0))
    for batch in con.sql(settings["sql"]).to_arrow_reader(LINES_AT_ONCE):
        numbers = batch.column(0).to_numpy()
        if not len(numbers):
            continue
        begin, end = places[numbers], places[numbers + 1]
        # Rows that follow each other in the file are read as one.
        last = np.append(np.flatnonzero(begin[1:] != end[:-1]), len(numbers) - 1)
        first = np.concatenate(([0], last[:-1] + 1))
        parts = zip(begin[first].tolist(), (end[last] - begin[first]).tolist(), strict=True)
        send(b"".join([os.pread(source, size, at) for at, size in parts]))
        rows += len(numbers)
    return rows


def send(block: bytes) -> None:
    """Write all of a block to standard output."""
    view = memoryview(block)
    while view:
        view = view[os.write(1, view) :]


def main() -> None:
    settings = json.loads(sys.stdin.buffer.readline())
    if settings["mode"] == "stream":
        stream(settings)
        return
    confine(settings)
    engines: dict[str, Any] = {"duckdb": open_duckdb(settings)}
    if settings.get("sqlite"):
        engines["sqlite"] = open_sqlite(settings["sqlite"], settings)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin.buffer:
        print(json.dumps(answer(json.loads(line), engines, settings)), flush=True)


if __name__ == "__main__":
    main()
