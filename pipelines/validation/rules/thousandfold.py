"""Amounts a hundred, a thousand or a million times off their neighbours: a dot taken for a comma, or zeros too many (OG-56).

Amounts of public contracts spread over five powers of ten, so that far from the middle proves nothing. Only what
could hardly be an amount is told, by one of four signs:

alone     a thousand times off the median of its column and currency, and nothing else within a factor of 100:
          a few cells beyond an empty stretch of two powers of ten
partners  a buyer pays a supplier amounts of one size, and one that is at least 300 times off
power     the award is exactly 100, 1,000 or 1,000,000 times its tender, the contract its award
decimals  1.234 in a column of thousands that otherwise has no three decimals
"""

from pipelines.validation.rules.base import Rule

NEIGHBOURS = 25
"""Amounts of a column and currency from which its median says something; simulated: see the tests."""

MEETINGS = 10
"""Amounts between a buyer and a supplier from which their usual size is known."""

FEW = 3
"""Cells (or one in two hundred) that may be alone; more are another kind of purchase."""

_SYMBOLIC = 1
"""Amounts up to one unit stand for no amount (framework agreements); they are no slip of a dot."""

_COLUMNS = (
    ("processes", "tender_value_amount", "tender_value_currency"),
    ("planning", "budget_amount", "budget_currency"),
    ("awards", "value_amount", "value_currency"),
    ("contracts", "value_amount", "value_currency"),
    ("transactions", "value_amount", "value_currency"),
    ("items", "unit_value_amount", "unit_value_currency"),
)

_ALONE = f"""
    scale AS (SELECT c, count(*) AS n, median(v) AS m FROM own GROUP BY c HAVING count(*) >= {NEIGHBOURS}),
    far AS (SELECT rid, v, c FROM own JOIN scale USING (c) WHERE v >= 1000 * m OR v * 1000 <= m),
    span AS (SELECT c, any_value(n) AS n, any_value(m) AS m, min(v) FILTER (v * 1000 > m) AS low, max(v) FILTER (v < 1000 * m) AS high
        FROM own JOIN scale USING (c) WHERE c IN (SELECT c FROM far) GROUP BY c),
    alone AS (SELECT rid, v, m FROM (SELECT rid, v, m, n, count(*) OVER (PARTITION BY c) AS found FROM far JOIN span USING (c)
        WHERE v >= 100 * high OR v * 100 <= low) WHERE found <= greatest({FEW}, n / 200))"""

_DECIMALS = f"""
    thousands AS (SELECT c, median(v) AS m, quantile_cont(v, 0.02) AS low FROM own GROUP BY c HAVING count(*) >= 4 * {NEIGHBOURS}
        AND count(*) FILTER (thousandths) BETWEEN 1 AND count(*) / 50),
    decimals AS (SELECT rid, v, 1000 * v AS m FROM own JOIN thousands USING (c)
        WHERE thousandths AND v < low AND 1000 * v BETWEEN m / 30 AND m * 30)"""

_PARTNERS = """
    pairs AS (SELECT own.rid, v, c, p.buyer, s.supplier FROM own JOIN {table} t USING (rid)
        JOIN (SELECT ocid, coalesce(buyer_id, buyer_name) AS buyer FROM processes) p ON p.ocid = t.ocid
        JOIN (SELECT ocid, award_id, min(party_id) AS supplier FROM award_suppliers GROUP BY ALL HAVING count(*) = 1) s
            ON s.ocid = t.ocid AND s.award_id = t.award_id
        WHERE p.buyer IS NOT NULL AND s.supplier IS NOT NULL),
    usual AS (SELECT buyer, supplier, c, count(*) AS n, median(v) AS m FROM pairs GROUP BY ALL HAVING count(*) > {meetings}
        AND max(v) >= 300 * median(v) OR count(*) > {meetings} AND min(v) * 300 <= median(v)),
    sizes AS (SELECT buyer, supplier, c, any_value(m) AS m, any_value(n) AS n, count(*) FILTER (v >= 300 * m OR v * 300 <= m) AS outside,
        min(v) FILTER (v * 300 > m) AS low, max(v) FILTER (v < 300 * m) AS high FROM pairs JOIN usual USING (buyer, supplier, c) GROUP BY ALL),
    partners AS (SELECT rid, v, m FROM pairs JOIN sizes USING (buyer, supplier, c)
        WHERE outside * {meetings} <= n AND high <= 30 * low AND (v >= 300 * m OR v * 300 <= m))"""

_POWER = """
    hits AS (SELECT own.rid, v, o.other AS m, o.money FROM own JOIN {table} t USING (rid) JOIN ({other}) o ON {key}
        WHERE o.other > {symbolic} AND o.c = own.c AND greatest(v, o.other) >= 99 * least(v, o.other)
            AND list_contains([100, 1000, 1000000], round(greatest(v, o.other) / least(v, o.other)))
            AND abs(greatest(v, o.other) / least(v, o.other) / round(greatest(v, o.other) / least(v, o.other)) - 1) < 0.000001),
    power AS (SELECT rid, v, m FROM hits JOIN (SELECT {money} AS money FROM {table} t WHERE {money} IN (SELECT money FROM hits)
        GROUP BY ALL HAVING count(*) = 1) USING (money))"""

_OTHERS = {
    "awards": (
        "SELECT ocid, ocid AS money, try_cast(tender_value_amount AS DOUBLE) AS other, coalesce(tender_value_currency, '') AS c "
        "FROM processes",
        "o.ocid = t.ocid",
        "t.ocid",
    ),
    "contracts": (
        "SELECT ocid, award_id, {ocid: ocid, award: award_id} AS money, try_cast(value_amount AS DOUBLE) AS other, "
        "coalesce(value_currency, '') AS c FROM awards",
        "o.ocid = t.ocid AND o.award_id = t.award_id",
        "{ocid: t.ocid, award: t.award_id}",
    ),
}
"""Where the same money stands another time: the tender of its only award, the award of its only contract."""


def _rule(table: str, amount: str, currency: str) -> Rule:
    signs, steps = ["alone", "decimals"], [_ALONE, _DECIMALS]
    optional: dict[str, tuple[str, ...]] = {table: (currency,)}
    if table in _OTHERS:
        other, key, money = _OTHERS[table]
        signs += ["partners", "power"]
        steps += [
            _PARTNERS.format(table=table, meetings=MEETINGS),
            _POWER.format(table=table, other=other, key=key, money=money, symbolic=_SYMBOLIC),
        ]
        optional = {
            "processes": ("ocid", "buyer_id", "buyer_name", "tender_value_amount", "tender_value_currency"),
            "award_suppliers": ("ocid", "award_id", "party_id"),
            "awards": ("ocid", "award_id", "value_amount", "value_currency"),
            **({"contracts": (currency, "ocid", "award_id")} if table == "contracts" else {}),
        }
        optional["awards"] = tuple(each for each in optional["awards"] if table != "awards" or each != amount)
    found = " UNION ALL ".join(
        f"SELECT {rank} AS rank, * FROM {sign}" for rank, sign in enumerate(reversed(signs))
    )
    own = f"""own AS (SELECT rid, {amount} AS value, try_cast({amount} AS DOUBLE) AS v, coalesce({currency}, '') AS c,
        regexp_full_match({amount}, '\\d{{1,3}}\\.\\d{{3}}') AS thousandths FROM {table} WHERE try_cast({amount} AS DOUBLE) > {_SYMBOLIC})"""
    return Rule(
        code="amount-out-of-scale",
        version="1",
        package_type="procurement",
        table=table,
        field=amount,
        needs={table: (amount,)},
        optional=optional,
        sql=f"""WITH {own}, {", ".join(steps)},
            found AS ({found})
            SELECT rid, value, json_object('usual', CAST(CAST(m AS DECIMAL(38,2)) AS VARCHAR),
                'times', CAST(round(greatest(v / m, m / v)) AS BIGINT)) AS parameters
            FROM (SELECT rid, arg_min(v, rank) AS v, arg_min(m, rank) AS m FROM found GROUP BY rid) JOIN (SELECT rid, value FROM own) USING (rid)""",
    )


RULES = tuple(_rule(*each) for each in _COLUMNS)
