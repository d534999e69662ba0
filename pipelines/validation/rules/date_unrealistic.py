"""Years of events and periods lie between 1990 and 2050 (Pelican: date is realistic; OG-55)."""

from pipelines.validation.rules.base import Rule

_PERIODS = ("tender_period", "enquiry_period", "award_period", "tender_contract_period")
_DATES = (
    (
        "procurement",
        "processes",
        ("release_date", *(f"{each}_{end}" for each in _PERIODS for end in ("start", "end"))),
    ),
    ("procurement", "awards", ("date", "contract_period_start", "contract_period_end")),
    ("procurement", "contracts", ("date_signed", "period_start", "period_end")),
    ("procurement", "transactions", ("date",)),
    ("procurement", "milestones", ("due_date", "date_met")),
    ("procurement", "amendments", ("date",)),
    ("procurement", "documents", ("date_published", "date_modified")),
    ("activity", "activities", ("start_date", "end_date")),
    ("activity", "courses", ("start_date", "end_date")),
    ("activity", "technical_assistance", ("start_date",)),
    ("activity", "exchanges", ("exchange_date",)),
)

# The year as text first: only what looks wrong is read as a date.
RULES = tuple(
    Rule(
        code="date-unrealistic",
        version="1",
        package_type=package_type,
        table=table,
        field=field,
        needs={table: (field,)},
        sql=f"""SELECT rid, {field}[:10] AS value, '{{}}' AS parameters FROM {table}
            WHERE {field}[:4] NOT BETWEEN '1990' AND '2050' AND try_cast({field}[:10] AS DATE) IS NOT NULL""",
    )
    for package_type, table, fields in _DATES
    for field in fields
)
