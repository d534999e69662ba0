"""Columns answer what rows would answer: the same rows in the same order, the same counts and facets.

The judge is stock Datasette on the same SQLite file. Only the order of equal values is ours: Datasette 1.0a41 leaves
it open on the first page and orders by key on the next, and so loses rows between them.
"""

import asyncio
import itertools
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from pipelines.publication.formats.pages import PLACE
from pipelines.serving.shapes import read_shape


class Stock:
    """Datasette as it comes, asked through `stock`."""

    def __init__(self, path: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("stock.py")), str(path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def get(self, path: str) -> tuple[int, Any]:
        self.process.stdin.write(path + "\n")
        self.process.stdin.flush()
        status, text = json.loads(self.process.stdout.readline())
        return status, json.loads(text)

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="module")
def stock(site: Any) -> Iterator[Stock]:
    made = Stock(site.release / "ingp.db")
    yield made
    made.close()


def database(site: Any) -> Any:
    return site.datasette.get_database("ingp")


def tables(site: Any) -> dict[str, tuple[str, ...]]:
    return database(site).keys


def column_values(site: Any, table: str, column: str) -> list[Any]:
    with sqlite3.connect(site.release / "ingp.db") as con:
        values = con.execute(
            f'select distinct "{column}" from "{table}" where "{column}" is not null limit 3'
        ).fetchall()
    con.close()
    return [value for (value,) in values]


def same(site: Any, stock: Stock, path: str) -> Any:
    ours, (status, other) = site.get(path), stock.get(path)
    assert ours.status_code == status, (path, ours.text[:300], other)
    if status != 200:
        return None
    mine = ours.json()
    for key in ("rows", "count"):
        assert mine.get(key) == other.get(key), (path, key)
    if "facet_results" in other:
        assert mine["facet_results"]["results"] == other["facet_results"]["results"], path
        assert not mine["facet_results"]["timed_out"]
    return mine


def test_the_site_has_its_columns(site: Any) -> None:
    assert (site.release / PLACE).exists() and database(site).columns is not None
    assert "procurement_processes" in tables(site)


def test_every_table_page_by_page(site: Any, stock: Stock) -> None:
    for table in tables(site):
        path, pages = f"/ingp/{table}.json?_size=20&_extra=count", 0
        while path and pages < 6:
            answer = same(site, stock, path)
            following = answer["next"]
            path = following and f"/ingp/{table}.json?_size=20&_next={following}"
            pages += 1


def test_every_facet_of_every_table(site: Any, stock: Stock) -> None:
    for table in tables(site):
        columns = [column for column in database(site).columns.kinds[table] if column != "_rowid"]
        query = urlencode([("_size", 0), *(("_facet", column) for column in columns)])
        same(site, stock, f"/ingp/{table}.json?{query}")


COMPARISONS = (
    "exact", "not", "gt", "gte", "lt", "lte", "contains", "notcontains", "startswith", "endswith", "like", "notlike",
    "in", "notin", "date", "isnull", "notnull", "isblank", "notblank", "glob",
)  # fmt: skip


def some_columns(site: Any, table: str) -> list[str]:
    """Three columns of each kind, those with values first."""
    chosen: dict[str, list[str]] = {}
    for column, kind in database(site).columns.kinds[table].items():
        if column != "_rowid":
            own = chosen.setdefault(kind, [])
            own.insert(0 if column_values(site, table, column) else len(own), column)
    return [column for own in chosen.values() for column in own[:2]]


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_every_comparison_with_every_kind_of_column(site: Any, stock: Stock, comparison: str) -> None:
    for table in ("procurement_processes", "codelists"):
        for column in some_columns(site, table):
            values = [*column_values(site, table, column)[:1], "1000", "a", ""]
            if comparison.startswith(("is", "notnull", "notblank")):
                values = ["1"]
            for value in values:
                asked = f"{value},zz" if comparison.endswith("in") else value
                query = urlencode({f"{column}__{comparison}": asked, "_size": 5, "_extra": "count"})
                same(site, stock, f"/ingp/{table}.json?{query}")


STRANGE = (
    "1000.0", " 1000", "1000 ", "+1000", "1,000", "0x3e8", "9007199254740993", "1e400", "-0", ".5", "٣", "%", "_",
    "\\", "a\\%", "'", '"', "; drop table x", "É",
)  # fmt: skip


@pytest.mark.parametrize("comparison", ["exact", "not", "gt", "contains", "like"])
def test_strange_values(site: Any, stock: Stock, comparison: str) -> None:
    for value in STRANGE:
        for column in ("tender_value_amount", "tender_title", "has_enquiries"):
            query = urlencode({f"{column}__{comparison}": value, "_size": 5, "_extra": "count"})
            same(site, stock, f"/ingp/procurement_processes.json?{query}")


def sorted_rows(site: Any, table: str, column: str, descending: bool) -> list[tuple[Any, ...]]:
    keys = ", ".join(f'"{name}"' for name in tables(site)[table] or ("rowid",))
    with sqlite3.connect(site.release / "ingp.db") as con:
        sql = f'select {keys} from "{table}" order by "{column}" {"desc" if descending else ""}, {keys}'
        rows = con.execute(sql).fetchall()
    con.close()
    return rows


@pytest.mark.parametrize("descending", [False, True])
def test_every_order_page_by_page_loses_no_row(site: Any, descending: bool) -> None:
    for table, key in tables(site).items():
        for column in some_columns(site, table):
            sort = "_sort_desc" if descending else "_sort"
            path, seen = f"/ingp/{table}.json?{sort}={column}&_size=25", []
            for _page in range(3):
                answer = site.get(path).json()
                seen += [tuple(row[name] for name in key or ("rowid",)) for row in answer["rows"]]
                if not answer["next"]:
                    break
                path = f"/ingp/{table}.json?{sort}={column}&_size=25&_next={quote(answer['next'], safe='~,')}"
            assert seen == sorted_rows(site, table, column, descending)[: len(seen)], (table, column)


@pytest.mark.parametrize(
    "query",
    [
        "_search=papel", "_search=adquisicion+numero", "_search=zzzz", "_search=obra&tender_status=active",
        "_search=papel&_sort_desc=tender_value_amount", "_search_tender_title=obra", "_search=pap*&_searchmode=raw",
        "_search=papel&_facet=tender_status&_facet=member_code", "_search=obra&_next=XAA,ocds-xaa000-010",
        "_search=carretera&_search_tender_title=papel", "_where=tender_value_amount>5000", "_facet_date=release_date",
        "member_code=XAA&tender_status=active&_facet=procurement_method&tender_value_amount__gt=5000",
        "_col=ocid&_sort_desc=tender_value_amount&_nocol=tender_title", "_next=XAA,ocds-xaa000-030",
    ],
)  # fmt: skip
def test_searches_and_mixtures(site: Any, stock: Stock, query: str) -> None:
    same(site, stock, f"/ingp/procurement_processes.json?{query}&_size=10&_extra=count,facet_results")


def test_facets_are_combined_with_each_other(site: Any, stock: Stock) -> None:
    columns = ("member_code", "tender_status", "has_enquiries", "tender_value_amount")
    for one, two in itertools.permutations(columns, 2):
        same(
            site,
            stock,
            f"/ingp/procurement_processes.json?_facet={one}&_facet={two}&_size=1&_extra=facet_results",
        )


@pytest.mark.parametrize(
    "sql",
    [
        "select * from procurement_processes where 1=1 limit 5",
        "select * from sqlite_master limit 5",
        "select * from procurement_processes where ocid = :p0 or 1 order by member_code, ocid limit 5",
        "select * from procurement_processes where ocid = :p0 order by member_code, ocid limit 5; select 1",
        "select * from procurement_processes where ocid = :p0 and load_extension('x') order by member_code, ocid limit 5",
        "select value as value, count(*) as count from (select 1) where other is not null group by value order by count desc, value limit 3",
        "select count(*) from (select * from procurement_processes where ocid = :p9 limit 5)",
        "select count(*) from (select * from (select 1) limit 5)",
    ],
)
def test_only_what_pages_ask_is_read(sql: str) -> None:
    assert read_shape(sql, {"p0": "x"}, {"procurement_processes": ("member_code", "ocid")}) is None


def test_slow_questions_have_threads_of_their_own(site: Any) -> None:
    slow = "(with recursive c(x) as (select 1 union all select x+1 from c where x<100000000) select count(*) from c)>0"

    async def ask() -> float:
        client, loop = site.datasette.client, asyncio.get_running_loop()
        waiting = [
            asyncio.create_task(
                client.get(f"/ingp/procurement_processes.json?{urlencode({'_where': f'{n}<9 and {slow}'})}")
            )
            for n in range(6)
        ]
        await asyncio.sleep(0.2)
        begun = loop.time()
        answer = await client.get("/ingp/procurement_processes/XAA,ocds-xaa000-001.json")
        taken = loop.time() - begun
        assert answer.status_code == 200 and not all(each.done() for each in waiting)
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        return taken

    assert site.runner.run(ask()) < 1


def test_texts_of_strangers_stay_short(site: Any) -> None:
    answer = site.get(f"/ingp/-/query.json?{urlencode({'sql': 'select hex(zeroblob(400000000))'})}")
    assert answer.status_code == 400 and "too big" in answer.text


def test_counts_are_never_cut(site: Any) -> None:
    assert database(site).count_limit > 10**12
    assert site.runner.run(database(site).table_counts())["procurement_processes"] == 63
