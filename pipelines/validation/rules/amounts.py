"""Amounts have a currency, are not negative where nothing is paid back, and are of this world (Pelican; OG-56)."""

from pipelines.validation.rules.base import Rule

LIMIT = 5_000_000_000
"""Pelican calls values beyond 5 billion US dollars unrealistic."""

_PER_DOLLAR = {
    "COP": 4000,
    "PYG": 7500,
    "CLP": 950,
    "ARS": 1000,
    "CRC": 500,
    "JMD": 155,
    "HTG": 130,
    "GYD": 210,
}
"""Units of currency per US dollar, in round figures of 2025: only to set the limit, never to convert an amount."""

_AMOUNTS = (
    ("processes", "tender_value_amount", "tender_value_currency"),
    ("processes", "tender_min_value_amount", "tender_min_value_currency"),
    ("planning", "budget_amount", "budget_currency"),
    ("awards", "value_amount", "value_currency"),
    ("contracts", "value_amount", "value_currency"),
    ("transactions", "value_amount", "value_currency"),
    ("items", "unit_value_amount", "unit_value_currency"),
)

_LIMITS = " ".join(f"WHEN '{currency}' THEN {LIMIT * rate}" for currency, rate in _PER_DOLLAR.items())


def _without_currency(table: str, amount: str, currency: str) -> Rule:
    return Rule(
        code="amount-without-currency",
        version="1",
        package_type="procurement",
        table=table,
        field=currency,
        needs={table: (amount,)},
        optional={table: (currency,)},
        sql=f"SELECT rid, {amount} AS value, '{{}}' AS parameters FROM {table} WHERE {amount} IS NOT NULL AND {currency} IS NULL",
    )


def _negative(table: str, amount: str) -> Rule:
    return Rule(
        code="amount-negative",
        version="1",
        package_type="procurement",
        table=table,
        field=amount,
        needs={table: (amount,)},
        sql=f"SELECT rid, {amount} AS value, '{{}}' AS parameters FROM {table} WHERE try_cast({amount} AS DECIMAL(38,18)) < 0",
    )


def _unrealistic(table: str, amount: str, currency: str) -> Rule:
    limit = f"CASE {currency} {_LIMITS} ELSE {LIMIT} END"
    return Rule(
        code="amount-unrealistic",
        version="1",
        package_type="procurement",
        table=table,
        field=amount,
        needs={table: (amount,)},
        optional={table: (currency,)},
        sql=f"""SELECT rid, {amount} AS value, json_object('limit', {limit}) AS parameters
            FROM {table} WHERE abs(try_cast({amount} AS DECIMAL(38,18))) > {limit}""",
    )


RULES = (
    *(_without_currency(*each) for each in _AMOUNTS),
    *(_negative(table, amount) for table, amount, _ in _AMOUNTS if table != "transactions"),
    *(_unrealistic(*each) for each in _AMOUNTS),
)
