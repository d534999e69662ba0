"""Amounts have a currency, are not negative where nothing is paid back, and are of this world (Pelican; OG-56)."""

from pipelines.validation.rules.base import Rule, amount

LIMIT = 5_000_000_000
"""Pelican calls values beyond 5 billion US dollars unrealistic."""

PER_DOLLAR = {
    "USD": 1,
    "BSD": 1,
    "PAB": 1,
    "CAD": 1,
    "BBD": 2,
    "BZD": 2,
    "XCD": 3,
    "PEN": 4,
    "BRL": 5,
    "BOB": 7,
    "TTD": 7,
    "GTQ": 8,
    "MXN": 20,
    "HNL": 25,
    "NIO": 35,
    "SRD": 35,
    "UYU": 40,
    "DOP": 60,
    "HTG": 130,
    "JMD": 150,
    "GYD": 200,
    "CRC": 500,
    "CLP": 1000,
    "ARS": 1000,
    "COP": 4000,
    "PYG": 7500,
}
"""Units of currency per US dollar for every currency of a member (``schemas/members.csv``).

Orders of magnitude only, rounded from the rates that the central banks of the members published in 2025. They set
the limit beyond which somebody should look again; no amount is ever converted with them, and no result of the
platform depends on them being up to date.
"""

_WEAKEST = max(PER_DOLLAR.values())
"""For a currency that is missing or not a member's: what is too much in the smallest unit is too much in any."""

_AMOUNTS = (
    ("processes", "tender_value_amount", "tender_value_currency"),
    ("processes", "tender_min_value_amount", "tender_min_value_currency"),
    ("planning", "budget_amount", "budget_currency"),
    ("awards", "value_amount", "value_currency"),
    ("contracts", "value_amount", "value_currency"),
    ("transactions", "value_amount", "value_currency"),
    ("items", "unit_value_amount", "unit_value_currency"),
)

_LIMITS = " ".join(f"WHEN '{currency}' THEN {LIMIT * rate}" for currency, rate in PER_DOLLAR.items())


def _without_currency(table: str, column: str, currency: str) -> Rule:
    return Rule(
        code="amount-without-currency",
        version="1",
        package_type="procurement",
        table=table,
        field=currency,
        needs={table: (column,)},
        optional={table: (currency,)},
        sql=f"SELECT rid, {column} AS value, '{{}}' AS parameters FROM {table} WHERE {column} IS NOT NULL AND {currency} IS NULL",
    )


def _negative(table: str, column: str) -> Rule:
    return Rule(
        code="amount-negative",
        version="1",
        package_type="procurement",
        table=table,
        field=column,
        needs={table: (column,)},
        sql=f"SELECT rid, {column} AS value, '{{}}' AS parameters FROM {table} WHERE starts_with({column}, '-') AND {amount(column)} < 0",
    )


def _unrealistic(table: str, column: str, currency: str) -> Rule:
    limit = f"CASE {currency} {_LIMITS} ELSE {LIMIT * _WEAKEST} END"
    # Shorter than the lowest limit, and without an exponent: nothing to read.
    long = f"(length({column}) >= {len(str(LIMIT))} OR contains(lower({column}), 'e'))"
    return Rule(
        code="amount-unrealistic",
        version="2",
        package_type="procurement",
        table=table,
        field=column,
        needs={table: (column,)},
        optional={table: (currency,)},
        sql=f"""SELECT rid, {column} AS value, json_object('limit', {limit}) AS parameters
            FROM {table} WHERE {long} AND abs({amount(column)}) > {limit}""",
    )


RULES = (
    *(_without_currency(*each) for each in _AMOUNTS),
    *(_negative(table, column) for table, column, _ in _AMOUNTS if table != "transactions"),
    *(_unrealistic(*each) for each in _AMOUNTS),
)
