"""The published database: SQLite gives rows and searches, DuckDB counts, groups, filters and sorts.

The only file that reaches into Datasette: `PublishedDatabase` overrides `execute`, `_execute_fn`, `table_counts`
and `hash` of `datasette.database.Database`, as they are in 1.0a41. Without the columns of a release (an old one)
everything is left to SQLite.
"""

import asyncio
import contextvars
import json
import os
import re
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from datasette import hookimpl
from datasette.database import Database, QueryInterrupted, Results
from datasette.utils import sqlite_timelimit

from pipelines.engine import quote_name
from pipelines.publication.formats.pages import PLACE
from pipelines.serving.columns import Columns, TooSlowError, UnlikeError
from pipelines.serving.shapes import Search, Shape, read_shape
from pipelines.serving.workers import SqlLimits

FOUND_ROWS = 10_000_000
"""Numbers of found rows that are kept for the next question about the same search, over all searches."""

ANSWERS = 4_000
"""Counts and facets that are kept. A release never changes, so an answer is right for as long as it is kept."""

PAGE_LANE, SLOW_LANE = 4, 2
"""Threads for pages, and for what may be slow: only the second can be filled by strangers."""

_lane: contextvars.ContextVar[str] = contextvars.ContextVar("lane", default="pages")


class Row(tuple):
    """A row as Datasette's callers take it: by position and by name."""

    names: tuple[str, ...]

    def __new__(cls, values: Sequence[Any], names: tuple[str, ...]) -> "Row":
        row = super().__new__(cls, values)
        row.names = names
        return row

    def __getitem__(self, place: Any) -> Any:
        return super().__getitem__(self.names.index(place) if isinstance(place, str) else place)

    def keys(self) -> tuple[str, ...]:
        return self.names


def as_sqlite(value: Any) -> Any:
    """A number as SQLite keeps it in a NUMERIC column: whole ones are integers."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return int(value)
    return value


class PublishedDatabase(Database):
    count_limit = 10**15
    """Columns count everything in milliseconds: no count of this site is cut."""

    def __init__(self, ds: Any, path: str, columns: Columns | None, sha256: str | None) -> None:
        super().__init__(ds, path=path, is_mutable=False)
        self.columns = columns
        self.cached_hash = sha256
        self.keys: dict[str, tuple[str, ...]] = {}
        self._connections = threading.local()
        self._lanes = {
            "pages": ThreadPoolExecutor(PAGE_LANE, thread_name_prefix="pages"),
            "slow": ThreadPoolExecutor(SLOW_LANE, thread_name_prefix="slow"),
            "columns": ThreadPoolExecutor(2, thread_name_prefix="columns"),
        }
        self._answers: OrderedDict[str, Results] = OrderedDict()
        self._found: OrderedDict[Search, pa.Table] = OrderedDict()
        if columns:
            with sqlite3.connect(f"file:{path}?immutable=1", uri=True) as con:
                for table in columns.kinds:
                    described = con.execute(f"PRAGMA table_info({quote_name(table)})").fetchall()
                    own = sorted((each[5], each[1]) for each in described if each[5])
                    self.keys[table] = tuple(name for _place, name in own)
            con.close()

    def close(self) -> None:
        super().close()
        for lane in self._lanes.values():
            lane.shutdown()
        if self.columns:
            self.columns.close()

    async def table_counts(self, limit: int = 10) -> Mapping[str, int | None]:
        if self.columns is None:
            return await super().table_counts(limit)
        return dict.fromkeys(await self.table_names()) | self.columns.counts

    async def execute(
        self,
        sql: str,
        params: Any = None,
        truncate: bool = False,
        custom_time_limit: int | None = None,
        page_size: int | None = None,
        log_sql_errors: bool = True,
    ) -> Results:
        shape = read_shape(sql, params, self.keys) if self.columns else None
        milliseconds = min(custom_time_limit or self.ds.sql_time_limit_ms, self.ds.sql_time_limit_ms)
        rewritten: str | None = sql
        if shape:
            try:
                if shape.asks != "page":
                    return await self._summary(shape, milliseconds / 1000)
                rewritten = await self._page(shape, sql, milliseconds / 1000)
            except UnlikeError:
                pass
            except TooSlowError as error:
                interrupted = sqlite3.OperationalError("interrupted")
                raise QueryInterrupted(interrupted, sql, params) from error
        slow = custom_time_limit is not None or (shape is None and not _introspects(sql))
        token = _lane.set("slow" if slow else "pages")
        try:
            return await super().execute(
                rewritten, params, truncate, custom_time_limit, page_size, log_sql_errors
            )
        finally:
            _lane.reset(token)

    async def _execute_fn(self, fn: Callable[[Any], Any]) -> Any:
        """As the parent's, but in the lane of the question, so that a slow one never makes a page wait."""
        self._check_not_closed()
        name = _lane.get()

        def in_thread() -> Any:
            con = getattr(self._connections, "con", None)
            if con is None:
                con = self.connect()
                self.ds._prepare_connection(con, self.name)
                if name == "slow":
                    con.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, SqlLimits().text_length)
                self._connections.con = con
            return fn(con)

        context = contextvars.copy_context()
        return await asyncio.wrap_future(self._lanes[name].submit(context.run, in_thread))

    # Columns

    async def _fetch(
        self, sql: str, seconds: float, numbers: pa.Table | None = None
    ) -> list[tuple[Any, ...]]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._lanes["columns"], self.columns.fetch, sql, seconds, numbers)

    async def _summary(self, shape: Shape, seconds: float) -> Results:
        """A count or a facet."""
        numbers = await self._numbers_found(shape.searches, seconds)
        question = self.columns.count if shape.asks == "count" else self.columns.facet
        sql = question(shape, found=numbers is not None)
        kept = f"{shape.searches} {sql}"
        if kept not in self._answers:
            names = ("count(*)",) if shape.asks == "count" else ("value", "count")
            fetched = await self._fetch(sql, seconds, numbers)
            rows = [Row([as_sqlite(value) for value in row], names) for row in fetched]
            self._answers[kept] = Results(rows, False, [(name,) for name in names])
            if len(self._answers) > ANSWERS:
                self._answers.popitem(last=False)
        self._answers.move_to_end(kept)
        return self._answers[kept]

    async def _page(self, shape: Shape, sql: str, seconds: float) -> str:
        """SQL that gives a page in milliseconds: by key, by full text, or by the numbers that the columns chose."""
        if not shape.clauses and not shape.sort and len(shape.searches) < 2:
            return self._by_search(shape) if shape.searches else self._by_key(shape, sql)
        numbers = await self._numbers_found(shape.searches, seconds)
        chosen = await self._fetch(self.columns.numbers(shape, found=numbers is not None), seconds, numbers)
        table = quote_name(shape.table)
        columns = re.sub(r"^rowid\b", f"{table}.rowid AS rowid", shape.columns)
        if not chosen:
            return f"select {columns} from {table} where 0"
        wanted = ", ".join(f"({number}, {place})" for place, (number,) in enumerate(chosen))
        return (
            f'with "~wanted"("~number", "~place") as (values {wanted}) select {columns} from "~wanted" '
            f'cross join {table} on {table}.rowid = "~number" order by "~place"'
        )

    def _by_key(self, shape: Shape, sql: str) -> str:
        """SQLite seeks a key of several columns only when they are compared as one."""
        if shape.after is None or len(shape.after.key) < 2:
            return sql
        start = sql.index("where ((") + len("where ")
        names = ", ".join(quote_name(name) for name, _value in shape.after.key)
        last = sql.rindex(")", start, sql.index("order by", start))
        parameters = ", ".join(re.findall(r":p\d+", sql[start:last].split("\n  or\n")[-1]))
        return f"{sql[:start]}({names}) > ({parameters}){sql[last + 1 :]}"

    def _by_search(self, shape: Shape) -> str:
        """The index of the words gives rows in their order: it is read until the page is full, not to its end."""
        (search,) = shape.searches
        table, index = quote_name(shape.table), quote_name(search.index)
        columns = re.sub(r"^rowid\b", f"{table}.rowid AS rowid", shape.columns)
        if shape.table != search.index:
            columns = (
                ", ".join(f"{table}.{part}" for part in columns.split(", "))
                if "." not in columns
                else columns
            )
        behind = ""
        if shape.after:
            key = shape.after.key
            names = [
                table + "." + quote_name(name) if name != "rowid" else f"{table}.rowid" for name, _ in key
            ]
            values = ", ".join(_literal(value) for _name, value in key)
            inner = f"select max(rowid) from {table} where ({', '.join(names)}) = ({values})"
            behind = f" and {index}.rowid > coalesce(({inner}), 0)"
        return (
            f"select {columns} from {index} cross join {table} on {table}.rowid = {index}.rowid "
            f"where {index}.{quote_name(search.column)} match {search.expression}{behind} "
            f"order by {index}.rowid limit {shape.limit}"
        )

    async def _numbers_found(self, searches: tuple[Search, ...], seconds: float) -> pa.Table | None:
        """Numbers of the rows that all searches find; None when nothing is searched."""
        found = None
        for search in searches:
            if search not in self._found:
                self._found[search] = await self._find(search, seconds)
                while (
                    sum(each.num_rows for each in self._found.values()) > FOUND_ROWS and len(self._found) > 1
                ):
                    self._found.popitem(last=False)
            self._found.move_to_end(search)
            own = self._found[search]
            found = own if found is None else pa.table(
                {"number": np.intersect1d(found["number"], own["number"], assume_unique=True)}
            )  # fmt: skip
        return found

    async def _find(self, search: Search, seconds: float) -> pa.Table:
        index = quote_name(search.index)
        sql = f"select rowid from {index} where {quote_name(search.column)} match {search.expression}"

        def find(con: sqlite3.Connection) -> pa.Table:
            cursor = con.cursor()
            cursor.row_factory = None
            with sqlite_timelimit(con, seconds * 1000):
                cursor.execute(sql, {search.parameter: search.value})
                return pa.table({"number": np.fromiter((number for (number,) in cursor), dtype=np.int64)})

        try:
            return await self.in_slow_lane(find)
        except sqlite3.OperationalError as error:
            if error.args == ("interrupted",):
                raise TooSlowError from error
            raise

    async def in_slow_lane(self, fn: Callable[[sqlite3.Connection], Any]) -> Any:
        """Run a function on a connection, where it makes no page wait."""
        token = _lane.set("slow")
        try:
            return await self.execute_fn(fn)
        finally:
            _lane.reset(token)


def _introspects(sql: str) -> bool:
    """Whether Datasette asks about the schema, or for one row by its key: both are quick, and written by it alone."""
    return bool(
        re.match(r"\s*(PRAGMA |select (name|sql|1|type) from sqlite_master)", sql, re.IGNORECASE)
        or re.fullmatch(
            r'select [^;()]*\* from (?:"(?:[^"]|"")+"|\w+) where (?:"?\w+"?=:p\d+(?: AND )?)+', sql
        )
    )


def _literal(value: Any) -> str:
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


@hookimpl(tryfirst=True)
def startup(datasette: Any) -> None:
    """Put the published database in the place of the one that Datasette opened for the file."""
    release = Path(os.environ["INGP_RELEASE_DIR"])
    if "ingp" not in datasette.databases:
        return
    columns = None
    if (release / PLACE).exists():
        columns = Columns(release / PLACE, _days(release))
    record = json.loads((release / "release.json").read_text(encoding="utf-8"))
    hashes = {each["path"]: each["sha256"] for each in record["files"]}
    datasette.pages_file = release / PLACE
    path = datasette.databases["ingp"].path
    datasette.remove_database("ingp")
    published = PublishedDatabase(datasette, path, columns, hashes.get("ingp.db"))
    datasette.add_database(published, name="ingp")


def _days(release: Path) -> dict[str, set[str]]:
    """Published table -> columns that hold dates or instants, by the release's own schemas."""
    package = json.loads((release / "datapackage.json").read_text(encoding="utf-8"))
    return {
        Path(each["path"]).stem: {
            field["name"] for field in each["schema"]["fields"] if field["type"] in ("date", "datetime")
        }
        for each in package["resources"]
        if "schema" in each
    }
