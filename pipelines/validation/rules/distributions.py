"""What is usual in a whole table (Pelican: distributions of codes, values and buyers).

Nothing here is wrong by itself: a list of signed contracts has one status, and large purchases are most of the money
everywhere. Each is told once for a column, and only of as many rows as make the share mean something.
"""

from pipelines.validation.rules.base import Rule

ENOUGH = 100
"""Rows from which a share is told; Pelican's own minimum for values."""
ENOUGH_BUYERS = 1000
"""Processes from which Pelican looks at buyers."""

_CODES = (
    ("processes", "tender_status", "tenderStatus", 0.99),
    ("processes", "procurement_method", "method", 0.99),
    ("processes", "main_procurement_category", "procurementCategory", 0.95),
    ("awards", "status", "awardStatus", 0.99),
    ("contracts", "status", "contractStatus", 0.99),
    ("milestones", "status", "milestoneStatus", 0.99),
)
_VALUES = (
    ("processes", "tender_value_amount", "tender_value_currency"),
    ("awards", "value_amount", "value_currency"),
    ("contracts", "value_amount", "value_currency"),
)


def _share(part: str, whole: str) -> str:
    return f"CAST(floor(100 * {part} / {whole}) AS INTEGER)"


def _one_sided(table: str, column: str, codelist: str, limit: float) -> Rule:
    return Rule(
        code="code-nearly-always-the-same",
        version="1",
        package_type="procurement",
        table=table,
        field=column,
        needs={table: (column,)},
        general=True,
        population=f"SELECT count({column}) FROM {table}",
        minimum=ENOUGH,
        sql=f"""WITH counted AS (SELECT {column} AS code, count(*) AS n, sum(count(*)) OVER () AS total FROM {table}
                WHERE {column} IS NOT NULL GROUP BY {column})
            SELECT code AS value, json_object('code', code, 'code_codelist', '{codelist}', 'share', {_share("n", "total")}, 'count', n) AS parameters
            FROM counted WHERE n > {limit} * total""",
    )


def _repeated(table: str, column: str, currency: str) -> Rule:
    return Rule(
        code="amounts-repeated",
        version="1",
        package_type="procurement",
        table=table,
        field=column,
        needs={table: (column, currency)},
        general=True,
        population=f"SELECT count({column}) FROM {table} WHERE {currency} IS NOT NULL",
        minimum=ENOUGH,
        sql=f"""WITH counted AS (SELECT {column} AS own, {currency} AS currency, count(*) AS n FROM {table}
                WHERE {column} IS NOT NULL AND {currency} IS NOT NULL GROUP BY ALL),
            often AS (SELECT own, currency, n FROM counted ORDER BY n DESC, own LIMIT 3)
            SELECT string_agg(own, ', ' ORDER BY n DESC, own) AS value,
                json_object('share', {_share("sum(n)", "any_value(total)")}, 'count', sum(n)::BIGINT) AS parameters
            FROM often, (SELECT sum(n) AS total FROM counted) HAVING sum(n) >= 0.1 * any_value(total)""",
    )


def _concentrated(table: str, column: str, currency: str) -> Rule:
    number = f"try_cast({column} AS DOUBLE)"
    return Rule(
        code="amounts-concentrated",
        version="1",
        package_type="procurement",
        table=table,
        field=column,
        needs={table: (column, currency)},
        general=True,
        population=f"SELECT count({number}) FROM {table} WHERE {currency} IS NOT NULL",
        minimum=ENOUGH,
        sql=f"""WITH known AS (SELECT {number} AS own, {currency} AS currency FROM {table} WHERE {number} > 0 AND {currency} IS NOT NULL),
            most AS (SELECT currency, quantile_disc(own, 0.99) AS high, sum(own) AS total FROM known
                GROUP BY currency HAVING count(*) >= {ENOUGH}),
            top AS (SELECT currency, any_value(total) AS total, sum(own) AS highest, count(*) AS n
                FROM known JOIN most USING (currency) WHERE own > high GROUP BY currency)
            SELECT currency AS value, json_object('count', n, 'share', {_share("highest", "total")}, 'currency', currency) AS parameters
            FROM top WHERE highest > 0.5 * total""",
    )


_BUYERS = """WITH bought AS (SELECT coalesce(buyer_id, buyer_name) AS buyer, any_value(buyer_name) AS name, count(*) AS n FROM processes
    WHERE coalesce(buyer_id, buyer_name) IS NOT NULL GROUP BY 1)"""


def _buyers(code: str, sql: str) -> Rule:
    return Rule(
        code=code,
        version="1",
        package_type="procurement",
        table="processes",
        field="buyer_name",
        needs={"processes": ("buyer_name",)},
        optional={"processes": ("buyer_id",)},
        general=True,
        population="SELECT count(coalesce(buyer_id, buyer_name)) FROM processes",
        minimum=ENOUGH_BUYERS,
        sql=f"{_BUYERS} {sql}",
    )


RULES = (
    *(_one_sided(*each) for each in _CODES),
    *(_repeated(*each) for each in _VALUES),
    *(_concentrated(*each) for each in _VALUES),
    _buyers(
        "buyers-mostly-once",
        f"""SELECT NULL AS value, json_object('share', {_share("once", "buyers")}, 'count', once, 'total', buyers) AS parameters
            FROM (SELECT count(*) FILTER (n = 1) AS once, count(*) AS buyers FROM bought) WHERE once >= 0.5 * buyers""",
    ),
    _buyers(
        "buyer-share-unusual",
        f"""SELECT coalesce(name, buyer) AS value, json_object('share', {_share("n", "total")}, 'count', n) AS parameters
            FROM (SELECT *, sum(n) OVER () AS total FROM bought ORDER BY n DESC, buyer LIMIT 1)
            WHERE NOT (n > 0.01 * total AND n < 0.5 * total)""",
    ),
)
