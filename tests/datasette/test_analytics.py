"""SQL of strangers: what it answers, every limit exceeded, every attack tried."""

import asyncio
import csv
import io
import json
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest

from pipelines.serving.workers import SqlLimits, Workers

GROUPED = "select member_code, count(*) as n from procurement_processes group by 1 order by 1"
LANGUAGES = {"es", "en", "pt", "fr"}


def ask(site: Any, sql: str, form: str = ".json", **more: str) -> Any:
    path = f"/ingp/-/analytics{form}?{urlencode({'sql': sql, **more})}"
    return site.runner.run(site.datasette.client.get(path))


@pytest.fixture
def strict(site: Any) -> Iterator[SqlLimits]:
    """The site with small limits, which can be exceeded quickly."""
    limits = SqlLimits(
        seconds=1, memory="200MB", process_bytes=1_200_000_000, spool_bytes=1_000_000, rows=50, patience=0.5
    )
    usual = site.datasette.analysts
    site.datasette.analysts = Workers(site.release / "ingp.duckdb", site.release / "ingp.db", limits)
    yield limits
    site.datasette.analysts.close()
    site.datasette.analysts = usual


def refused(answer: Any, kind: str) -> Any:
    body = answer.json()
    assert body["title"] == kind, body
    assert (
        answer.headers["content-type"] == "application/problem+json"
        and answer.status_code == body["status"] >= 400
    )
    assert set(body["details"]) == LANGUAGES and len(set(body["details"].values())) == 4
    assert float(answer.headers["x-limit-seconds"]) > 0 and answer.headers["x-limit-memory"]
    return body


def test_answers_in_every_form(site: Any) -> None:
    body = ask(site, GROUPED).json()
    assert body["rows"] == [{"member_code": "XAA", "n": 60}, {"member_code": "XCC", "n": 3}]
    assert body["columns"] == ["member_code", "n"] and body["row_count"] == 2 and body["ok"] is True
    assert ask(site, GROUPED, ".csv").text.splitlines() == ["member_code,n", "XAA,60", "XCC,3"]
    assert [json.loads(line)["n"] for line in ask(site, GROUPED, ".jsonl").text.splitlines()] == [60, 3]
    assert pq.read_table(io.BytesIO(ask(site, GROUPED, ".parquet").content)).to_pylist() == body["rows"]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_page_in_every_language(site: Any, language: str) -> None:
    page = site.get(f"/ingp/-/analytics?{urlencode({'sql': GROUPED})}", language)
    assert page.status_code == 200 and f'<html lang="{language}">' in page.text and "XCC" in page.text
    wrong = site.get(f"/ingp/-/analytics?{urlencode({'sql': 'select nonsense'})}", language)
    assert wrong.status_code == 400 and 'role="alert"' in wrong.text and "nonsense" in wrong.text
    form = site.get("/ingp/-/analytics", language)
    assert (
        form.status_code == 200 and site.datasette.analysts.limits.memory.replace("MB", "\xa0MB") in form.text
    )


def test_links_of_the_page_lead_to_its_files(site: Any) -> None:
    page = site.get(f"/en/ingp/-/analytics?{urlencode({'sql': GROUPED})}").text
    links = {unescape(link) for link in re.findall(r'href="([^"]*analytics\.(?!atom)[^"]*)"', page)}
    assert {link.partition("?")[0].rpartition(".")[2] for link in links} == {
        "csv",
        "json",
        "jsonl",
        "parquet",
        "xlsx",
    }
    for link in links:
        assert site.get(link).headers["x-row-count"] == "2", link


@pytest.mark.parametrize("path", ["/en/ingp/-/analytics", "/en/embed/sql"])
def test_amounts_keep_every_digit_on_a_page(site: Any, path: str) -> None:
    sql = "select 12345678901234567.89::decimal(20,2) as amount, 123456789012345678.123456789::decimal(38,9) as d, (2::hugeint ** 100)::hugeint as h, 1e300 as e, 'nan'::double as n, 'inf'::double as i"
    page = site.get(f"{path}?{urlencode({'sql': sql})}")
    assert page.status_code == 200 and "12,345,678,901,234,567.89" in page.text


def test_every_form_can_hold_what_it_is_given(site: Any) -> None:
    sql = (
        "select 'nan'::double as \"a \"\"b\", 'inf'::float as i, 1.5::double as f, sum(n) as total "
        "from (values (170141183460469231731687303715::hugeint), (1::hugeint)) t(n)"
    )
    told = json.loads(ask(site, sql).text, parse_constant=lambda word: pytest.fail(word))
    assert told["rows"] == [{'a "b': None, "i": None, "f": 1.5, "total": 170141183460469231731687303716}]
    line = ask(site, sql, ".jsonl").text
    assert "nan" not in line.lower() and "inf" not in line.lower()
    table = pq.read_table(io.BytesIO(ask(site, sql, ".parquet").content))
    assert table["total"].to_pylist() == [Decimal(170141183460469231731687303716)]


def test_an_argument_without_a_name_is_none(site: Any) -> None:
    assert site.get("/ingp/-/query.csv?sql=select+1&=1").status_code == 200


def test_parameters_are_variables_and_do_not_stay(site: Any) -> None:
    sql = "select count(*) as n from procurement_processes where member_code = getvariable('which')"
    assert ask(site, sql, which="XCC").json()["rows"] == [{"n": 3}]
    assert ask(site, "select getvariable('which') as w").json()["rows"] == [{"w": None}]


def test_all_rows_are_sent_in_their_order(site: Any) -> None:
    sql = "select a.ocid, row_number() over () as n from procurement_processes a, procurement_processes b order by n desc"
    answer = ask(site, sql, ".csv")
    numbers = [int(row["n"]) for row in csv.DictReader(io.StringIO(answer.text))]
    assert answer.headers["x-row-count"] == "3969" == str(len(numbers)) and numbers == list(
        range(3969, 0, -1)
    )
    assert int(answer.headers["content-length"]) == len(answer.content)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_sqlite_queries_are_not_cut_either(site: Any, form: str) -> None:
    sql = "select a.ocid from procurement_processes a, procurement_processes b where a.member_code = :which"
    path = f"/ingp/-/query.{form}?{urlencode({'sql': sql, 'which': 'XAA'})}"
    answer = site.get(path)
    assert answer.headers["x-row-count"] == "3780"
    assert len(answer.text.splitlines()) == 3780 + (form == "csv")


def test_more_rows_than_json_holds_are_refused_whole(site: Any, strict: SqlLimits) -> None:
    refused(ask(site, "select * from range(51)"), "too_many_rows")
    assert len(ask(site, "select * from range(50)").json()["rows"]) == 50
    assert ask(site, "select * from range(51)", ".csv").headers["x-row-count"] == "51"


def test_more_bytes_than_a_file_may_have_are_refused_whole(site: Any, strict: SqlLimits) -> None:
    refused(ask(site, "select repeat('x', 100) from range(100000)", ".csv"), "too_many_bytes")
    path = f"/ingp/-/query.csv?{urlencode({'sql': 'select a.* from procurement_processes a, procurement_processes b, procurement_processes c'})}"
    refused(site.get(path), "too_many_bytes")
    assert ask(site, GROUPED).status_code == 200


ENDLESS = (
    "select count(*) from range(100000000000)",
    "select count(*) from range(10000000) a, range(10000000) b where a.range + b.range = 7",
    "with recursive t as (select 1 as x union all select x + 1 from t) select count(*) from t",
    "select levenshtein(repeat('a', 200000), repeat('b', 200000))",
    "select sum(hash(range)) from range(1000000000000)",
)


@pytest.mark.parametrize("sql", ENDLESS)
def test_endless_queries_end(site: Any, strict: SqlLimits, sql: str) -> None:
    begun = time.monotonic()
    refused(ask(site, sql), "too_slow")
    assert time.monotonic() - begun < 20
    assert ask(site, GROUPED).json()["row_count"] == 2


def test_endless_queries_to_sqlite_end(site: Any, strict: SqlLimits) -> None:
    refused(site.get(f"/ingp/-/query.csv?{urlencode({'sql': ENDLESS[2]})}"), "too_slow")


BOMBS = (
    "select repeat('a', 4000000000)",
    "select list(range) from range(1000000000)",
    "select string_agg(range::varchar, ',') from range(1000000000)",
    "select lpad('x', 2000000000, 'y')",
    "select format('{:>1900000000}', 'x')",
    "select replace(repeat('a', 100000000), 'a', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb')",
    "select damerau_levenshtein(repeat('a', 60000), repeat('b', 60000))",
)


@pytest.mark.parametrize("sql", BOMBS)
def test_memory_is_bounded_and_the_next_is_served(site: Any, strict: SqlLimits, sql: str) -> None:
    body = ask(site, sql).json()
    assert body["title"] in ("too_much_memory", "too_slow", "wrong_sql"), body
    assert body["title"] != "wrong_sql" or "rror" in body["said"]
    assert ask(site, GROUPED).json()["row_count"] == 2


FILES = (
    "select * from read_text('/etc/passwd')", "select * from read_csv('/etc/passwd')", "select * from '/etc/passwd'",
    "select * from read_json_auto('/proc/self/environ')", "select * from read_blob('/proc/self/mem')",
    "select * from glob('/*')", "select * from read_parquet('ingp.db')", "select * from read_duckdb('/tmp/x.duckdb')",
    "select * from parquet_metadata('/etc/passwd')", "select * from sniff_csv('/etc/passwd')",
    "select * from 'http://127.0.0.1:9/x.parquet'", "select * from read_csv('https://example.org/x.csv')",
    "select * from read_text('s3://bucket/x')", "select * from query('select * from read_text(''/etc/passwd'')')",
    "select * from enable_logging(storage = 'file', storage_path = '/tmp/ingp-attack')",
)  # fmt: skip


@pytest.mark.parametrize("sql", FILES)
def test_no_file_and_no_network(site: Any, sql: str) -> None:
    answer = ask(site, sql)
    body = answer.json()
    assert body["title"] in ("no_access", "wrong_sql", "only_select"), body
    assert "root:" not in answer.text


OTHERS = {
    "attach '/tmp/x.db' as x": "only_select", "copy codelists to '/tmp/x'": "only_select", "install httpfs": "only_select",
    "load httpfs": "only_select", "pragma database_list": "only_select", "set memory_limit = '10GB'": "only_select",
    "reset memory_limit": "only_select", "create table t as select 1": "only_select", "begin": "only_select",
    "drop table codelists": "only_select", "delete from codelists": "only_select", "checkpoint": "only_select",
    "insert into codelists select * from codelists": "only_select", "export database '/tmp/x'": "only_select",
    "prepare p as select 1": "only_select", "call pragma_version()": "only_select", "use memory": "only_select",
    "create macro m(x) as x": "only_select", "set variable x = 1": "only_select", "explain analyze select 1": "only_select",
    "select 1; select 2": "one_statement", "": "one_statement", "select 1; attach '/tmp/x' as x": "one_statement",
    "select 1) to '/tmp/ingp-attack' --": "wrong_sql", "select nonsense": "wrong_sql", "/*": "wrong_sql",
    "select site": "wrong_sql", "select * from settings": "wrong_sql",
}  # fmt: skip


@pytest.mark.parametrize("sql", OTHERS)
def test_only_one_select_and_nothing_else(site: Any, sql: str) -> None:
    refused(ask(site, sql), OTHERS[sql])


@pytest.mark.parametrize(
    "sql", ["attach '/tmp/x.db' as x", "pragma database_list", "select load_extension('x')",
            "select readfile('/etc/passwd')", "delete from codelists", "vacuum into '/tmp/ingp-attack'", "select 1; select 2"]
)  # fmt: skip
def test_sqlite_in_the_process_reads_only(site: Any, sql: str) -> None:
    refused(site.get(f"/ingp/-/query.csv?{urlencode({'sql': sql})}"), "wrong_sql")


def test_texts_of_sqlite_are_not_endless(site: Any) -> None:
    sql = "select hex(zeroblob(400000000))"
    refused(site.get(f"/ingp/-/query.csv?{urlencode({'sql': sql})}"), "too_long_text")


def test_settings_stay(site: Any) -> None:
    sql = "select name, value from duckdb_settings() where name in ('enable_external_access', 'lock_configuration')"
    rows = {row["name"]: row["value"] for row in ask(site, sql).json()["rows"]}
    assert rows == {"enable_external_access": "false", "lock_configuration": "true"}


def test_readers_wait_their_turn_and_pages_stay_quick(site: Any, strict: SqlLimits) -> None:
    async def crowd() -> tuple[list[Any], float]:
        client = site.datasette.client
        path = f"/ingp/-/analytics.json?{urlencode({'sql': ENDLESS[1]})}"
        tasks = [asyncio.create_task(client.get(path)) for _number in range(12)]
        await asyncio.sleep(0.3)
        begun = time.monotonic()
        row = await client.get("/ingp/procurement_processes/XAA,ocds-xaa000-002.json")
        taken = time.monotonic() - begun
        assert row.status_code == 200
        return list(await asyncio.gather(*tasks)), taken

    answers, taken = site.runner.run(crowd())
    kinds = [answer.json()["title"] for answer in answers]
    assert set(kinds) <= {"too_slow", "your_turn", "busy"} and kinds.count("your_turn") == 8
    assert all("retry-after" in each.headers for each in answers if each.status_code in (429, 503))
    assert taken < 1
