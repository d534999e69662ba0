"""Years of events and periods lie between 1990 and 2050 (Pelican: date is realistic; OG-55)."""

from pipelines.validation.rules.base import Rule

_DATES = (
    ("processes", ("release_date", "tender_period_start", "tender_period_end")),
    ("awards", ("date", "contract_period_start", "contract_period_end")),
    ("contracts", ("date_signed", "period_start", "period_end")),
    ("transactions", ("date",)),
)

RULES = tuple(
    Rule(
        code="date-unrealistic",
        version="1",
        package_type="procurement",
        table=table,
        field=field,
        needs={table: (field,)},
        sql=f"""SELECT rid, {field}[:10] AS value, '{{}}' AS parameters FROM {table}
            WHERE year(try_cast({field}[:10] AS DATE)) NOT BETWEEN 1990 AND 2050""",
    )
    for table, fields in _DATES
    for field in fields
)
