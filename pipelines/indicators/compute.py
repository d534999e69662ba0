"""Observations -> figures and flags.

The SQL of an indicator gives one row per observation: ``member_code``, ``year``, ``buyer_id``, and where they apply
``supplier_id``, ``category``, ``currency``, ``item``; ``numerator`` is NULL where the row lacks a field it needs, and
``denominator`` is 1 where not given. Figures, by `Indicator.method`:

===========  =======================================================================================
count        sum of the numerators (ones)
sum          sum of the numerators, in one currency
share        sum of the numerators / sum of the denominators
mean         sum of the numerators / number of observations
median       the middle numerator
distinct     number of different items
mean_per     sum of the numerators / number of different items
pairs_per    number of different pairs of item and supplier / number of different items
group_share  the part of a category in the sum of its scope
part         the part of a supplier in the sum of its member, year and currency
top10        the part of the ten largest items
largest      the part of the largest item
hhi          sum of the squared parts of the items (Herfindahl-Hirschman, 0 to 1)
flag         share of what was judged that is flagged; the flagged are listed in ``indicator_flags``
===========  =======================================================================================

Sums are exact decimals, so the same data give the same figures whatever the order of the rows. Amounts of different
currencies are never added.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from pipelines.engine import quote_text
from pipelines.indicators.definitions import Indicator

INDICATORS = "indicators"
FLAGS = "indicator_flags"

_OBSERVATION = {
    "member_code": "VARCHAR",
    "year": "INTEGER",
    "buyer_id": "VARCHAR",
    "supplier_id": "VARCHAR",
    "category": "VARCHAR",
    "currency": "VARCHAR",
    "item": "VARCHAR",
    "numerator": "DECIMAL(38,6)",
    "denominator": "DECIMAL(38,6)",
}
_FLAG = ("scope", "scope_id", "ocid", "flagged", "value", "threshold", "inputs", "counted")
_KEYS = {
    "network": ((), ("year",)),
    "member": (("member_code",), ("member_code", "year")),
    "buyer": (("member_code", "buyer_id"),),
    "supplier": (("member_code", "supplier_id"),),
}
"""Buyers and suppliers have figures of all years together: by year nearly all of them are too small to say anything."""

LEAST_OF_ONE = 20
"""Observations below which a single buyer or supplier has no line."""

_ROLLED = ("count", "sum", "share", "mean", "group_share", "part", "flag")
"""Methods that add up: worked out from sums by buyer or supplier, not from every observation again."""

_TABLES = f"""
CREATE OR REPLACE TABLE {INDICATORS} (
  indicator VARCHAR, scope VARCHAR, scope_id VARCHAR, member_code VARCHAR, year INTEGER, category VARCHAR,
  currency VARCHAR, value DOUBLE, numerator DOUBLE, denominator DOUBLE, n BIGINT, minimum_n INTEGER, coverage DOUBLE,
  unit VARCHAR, reason VARCHAR);
CREATE OR REPLACE TABLE {FLAGS} (
  indicator VARCHAR, member_code VARCHAR, year INTEGER, scope VARCHAR, scope_id VARCHAR, ocid VARCHAR, value DOUBLE,
  threshold DOUBLE, currency VARCHAR, inputs VARCHAR);
"""


@dataclass(frozen=True)
class Settings:
    """What a computation may be told. as_of: the day that "by now" means (publication lags); the newest date of the data
    when not given. parameters: ``R003.threshold`` -> value in place of the default of the definition. minimum: in
    place of the minimum of every definition (1 shows everything, for the work on one's own file).
    """

    as_of: datetime | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    minimum: int | None = None


def compute_indicators(
    con: duckdb.DuckDBPyConnection, indicators: Mapping[str, Indicator], settings: Settings | None = None
) -> None:
    """Compute all that can be into the tables ``indicators`` and ``indicator_flags`` of `con`'s current database.

    `pipelines.indicators.tables.open_tables` has been called. An SQL that fails is a broken machine, not bad data:
    duckdb.Error passes.
    """
    told = settings or Settings()
    con.execute(_TABLES)
    as_of = told.as_of.isoformat() if told.as_of else None
    newest = "SELECT max(day) FROM (SELECT max(release_date) AS day FROM process UNION ALL SELECT max(date) FROM award)"
    con.execute(
        f"SET VARIABLE as_of = coalesce(TRY_CAST({quote_text(as_of or '')} AS TIMESTAMP), ({newest}))"
    )
    for each in indicators.values():
        if each.is_computed:
            _compute(con, each, told)
    for name in (INDICATORS, FLAGS):
        con.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {name} ORDER BY ALL")


def _compute(con: duckdb.DuckDBPyConnection, each: Indicator, told: Settings) -> None:
    for name, default in each.parameters.items():
        value = told.parameters.get(f"{each.code}.{name}", default)
        con.execute(f"SET VARIABLE {name} = {quote_text(value) if value else 'NULL'}")
    own = {name for name, *_ in con.execute(f"DESCRIBE {each.sql}").fetchall()}
    if each.is_flag:
        _keep_flags(con, each)
        own |= {"numerator"}
    rows = "flagging" if each.is_flag else f"({each.sql})"
    _observe(con, each, own, rows)
    minimum = each.minimum if told.minimum is None else told.minimum
    con.execute(_figures(each, minimum, LEAST_OF_ONE if told.minimum is None else told.minimum))


def _keep_flags(con: duckdb.DuckDBPyConnection, each: Indicator) -> None:
    """Judge once: what is flagged is listed, and what counts becomes observations."""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE flagging AS SELECT *, CAST(CAST(flagged AS INTEGER) AS DECIMAL(38,6)) AS numerator "
        f"FROM (SELECT * REPLACE (CAST(flagged AS BOOLEAN) AS flagged) FROM ({each.sql}))"
    )
    con.execute(
        f"INSERT INTO {FLAGS} SELECT {quote_text(each.code)}, member_code, year, scope, scope_id, ocid, "
        "round(CAST(value AS DOUBLE), 6), round(CAST(threshold AS DOUBLE), 6), currency, CAST(to_json(inputs) AS VARCHAR) "
        "FROM flagging WHERE flagged"
    )


def _observe(con: duckdb.DuckDBPyConnection, each: Indicator, own: set[str], rows: str) -> None:
    """``observed``: the observations, those of methods that add up already added by buyer, supplier and year."""
    columns = []
    for name, kind in _OBSERVATION.items():
        given = name if name in own else ("1" if name == "denominator" else "NULL")
        columns.append(f"CAST({given} AS {kind}) AS {name}")
    usable = "numerator IS NOT NULL AND denominator IS NOT NULL"
    if each.method in ("distinct", "mean_per", "pairs_per", "top10", "largest", "hhi"):
        usable += " AND item IS NOT NULL"
    if "category" in own:
        usable += " AND category IS NOT NULL"
    if each.unit == "money" or ("currency" in own and not each.is_flag):
        usable += " AND currency IS NOT NULL"
    where = " WHERE counted" if each.is_flag else ""
    select = f"SELECT {', '.join(columns)}, {usable} AS usable FROM (SELECT {', '.join(columns)} FROM {rows}{where})"
    dropped = [name for name in ("buyer_id", "supplier_id") if name.removesuffix("_id") not in each.scopes]
    kept = [name for name in _OBSERVATION if name not in ("numerator", "denominator", *dropped)]
    if each.is_flag:
        kept.remove("currency")
    named = {name: name if name in kept else "NULL" for name in ("buyer_id", "supplier_id", "currency")}
    if each.method in _ROLLED:
        kept.remove("item")
        outputs = ", ".join(f"{named.get(name, name)} AS {name}" for name in _OBSERVATION if name not in ("item", "numerator", "denominator"))  # fmt: skip
        select = (
            f"SELECT {outputs}, NULL AS item, sum(numerator) FILTER (usable) AS numerator, "
            "sum(denominator) FILTER (usable) AS denominator, count(*) AS rows, count(*) FILTER (usable) AS n "
            f"FROM ({select}) GROUP BY {', '.join(kept)}"
        )
    else:
        select = (
            "SELECT * EXCLUDE (numerator, denominator, usable), CASE WHEN usable THEN numerator END AS numerator, "
            f"CASE WHEN usable THEN denominator END AS denominator, 1 AS rows, CAST(usable AS INTEGER) AS n FROM ({select})"
        )
    con.execute(f"CREATE OR REPLACE TEMP TABLE observed AS {select}")


def _sets(each: Indicator, *more: str) -> tuple[str, str]:
    """(GROUP BY clause, columns that tell the scope): every scope of the indicator, whole and by year."""
    inner = ("category", "currency", *more)
    sets = [f"({', '.join((*keys, *inner))})" for scope in each.scopes for keys in _KEYS[scope]]
    keys = {name for scope in each.scopes for names in _KEYS[scope] for name in names}
    named = [
        f"{name} AS {name}" if name in keys else f"CAST(NULL AS VARCHAR) AS {name}"
        for name in ("member_code", "year", "buyer_id", "supplier_id")
    ]
    marks = [
        f"{f'GROUPING({name})' if name in keys else 1} AS no_{name}"
        for name in ("member_code", "year", "buyer_id", "supplier_id")
    ]
    return f"GROUP BY GROUPING SETS ({', '.join(sets)})", ", ".join((*named, *marks, "category", "currency"))


_SCOPE = "member_code, year, buyer_id, supplier_id, no_member_code, no_year, no_buyer_id, no_supplier_id"


def _grouped(each: Indicator) -> str:
    """SQL of the figures by scope, category and currency: ``rows``, ``n``, ``numerator``, ``denominator``, ``value``."""
    by, columns = _sets(each)
    sums = "sum(rows) AS rows, sum(n) AS n"
    num = "CAST(sum(numerator) AS DOUBLE)"
    method = each.method
    if method in ("top10", "largest", "hhi"):
        by_item, item_columns = _sets(each, "item")
        items = f"SELECT {item_columns}, item, {sums}, sum(numerator) AS amount FROM observed {by_item}"
        best = {
            "top10": "list_sum(max(CAST(amount AS DOUBLE), 10))",
            "largest": "max(CAST(amount AS DOUBLE))",
            "hhi": "sum(CAST(amount AS DOUBLE) ** 2)",
        }[method]
        total = "CAST(sum(amount) AS DOUBLE)"
        over = f"({total} ** 2)" if method == "hhi" else total
        return (
            f"SELECT {_SCOPE}, category, currency, CAST(sum(rows) AS BIGINT) AS rows, CAST(sum(n) AS BIGINT) AS n, "
            f"{best} AS numerator, {over} AS denominator, {best} / nullif({over}, 0) AS value "
            f"FROM ({items}) GROUP BY ALL"
        )
    numerator, denominator, value = {
        "count": (num, "NULL", num),
        "sum": (num, "NULL", num),
        "share": (num, "CAST(sum(denominator) AS DOUBLE)", f"{num} / nullif(CAST(sum(denominator) AS DOUBLE), 0)"),
        "mean": (num, "sum(n)", f"{num} / nullif(sum(n), 0)"),
        "flag": (num, "sum(n)", f"{num} / nullif(sum(n), 0)"),
        "median": ("NULL", "NULL", "quantile_cont(CAST(numerator AS DOUBLE), 0.5)"),
        "distinct": (
            "count(DISTINCT hash(member_code, item)) FILTER (n > 0)",
            "NULL",
            "count(DISTINCT hash(member_code, item)) FILTER (n > 0)",
        ),
        "mean_per": (
            num,
            "count(DISTINCT hash(member_code, item)) FILTER (n > 0)",
            f"{num} / nullif(count(DISTINCT hash(member_code, item)) FILTER (n > 0), 0)",
        ),
        "pairs_per": (
            "count(DISTINCT hash(member_code, item, supplier_id)) FILTER (n > 0)",
            "count(DISTINCT hash(member_code, item)) FILTER (n > 0)",
            "count(DISTINCT hash(member_code, item, supplier_id)) FILTER (n > 0) "
            "/ nullif(count(DISTINCT hash(member_code, item)) FILTER (n > 0), 0)",
        ),
        "group_share": (num, "NULL", "NULL"),
        "part": (num, "NULL", "NULL"),
    }[method]  # fmt: skip
    grouped = (
        f"SELECT {columns}, {sums}, {numerator} AS numerator, {denominator} AS denominator, {value} AS value "
        f"FROM observed {by}"
    )
    if method == "group_share":
        whole = f"sum(numerator) OVER (PARTITION BY {_SCOPE}, currency)"
    elif method == "part":
        whole = "sum(numerator) OVER (PARTITION BY member_code, year, no_year, currency)"
    else:
        return grouped
    return (
        f"SELECT * EXCLUDE (denominator, value), {whole} AS denominator, numerator / nullif({whole}, 0) AS value "
        f"FROM ({grouped})"
    )


def _figures(each: Indicator, minimum: int, least: int) -> str:
    """SQL that adds the figures of an indicator: those below the minimum without a value, and why."""
    # A category is a part of its scope: what counts is how much the whole scope rests on.
    n = "scope_n" if each.method == "group_share" else "n"
    constants: Mapping[str, Any] = {"code": quote_text(each.code), "unit": quote_text(each.unit)}
    return f"""
INSERT INTO {INDICATORS}
WITH grouped AS ({_grouped(each)}), told AS (
  SELECT *, sum(rows) OVER scope AS scope_rows, sum(n) OVER scope AS scope_n,
    row_number() OVER (PARTITION BY {_SCOPE} ORDER BY n DESC, category, currency) AS place,
    CASE WHEN no_supplier_id = 0 THEN 'supplier' WHEN no_buyer_id = 0 THEN 'buyer'
      WHEN no_member_code = 0 THEN 'member' ELSE 'network' END AS scope
  FROM grouped WINDOW scope AS (PARTITION BY {_SCOPE})
)
SELECT {constants["code"]}, scope, coalesce(supplier_id, buyer_id, member_code), member_code, CAST(year AS INTEGER), category, currency,
  CASE WHEN {n} >= {minimum} AND n > 0 THEN round(value, 6) END,
  CASE WHEN {n} >= {minimum} AND n > 0 THEN round(numerator, 6) END,
  CASE WHEN {n} >= {minimum} AND n > 0 THEN round(CAST(denominator AS DOUBLE), 6) END,
  n, {minimum}, round(CAST(scope_n AS DOUBLE) / scope_rows, 6), {constants["unit"]},
  CASE WHEN scope_n = 0 THEN 'missing-fields' WHEN {n} < {minimum} THEN 'below-minimum-n'
    WHEN value IS NULL THEN 'nothing-to-divide-by' END
FROM told
WHERE NOT (no_year = 0 AND year IS NULL)
  AND NOT (no_buyer_id = 0 AND buyer_id IS NULL) AND NOT (no_supplier_id = 0 AND supplier_id IS NULL)
  AND (n > 0 OR (scope_n = 0 AND place = 1))
  AND (scope IN ('network', 'member') OR {n} >= {max(minimum, least)})
"""
