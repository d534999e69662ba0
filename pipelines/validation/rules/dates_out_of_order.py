"""Periods end after they begin (Pelican: period coherence; OG-55)."""

from pipelines.validation.rules.base import Rule, field_name

_PERIODS = (
    ("procurement", "processes", "tender_period_start", "tender_period_end"),
    ("procurement", "processes", "enquiry_period_start", "enquiry_period_end"),
    ("procurement", "processes", "award_period_start", "award_period_end"),
    ("procurement", "processes", "tender_contract_period_start", "tender_contract_period_end"),
    ("procurement", "awards", "contract_period_start", "contract_period_end"),
    ("procurement", "contracts", "period_start", "period_end"),
    ("procurement", "documents", "date_published", "date_modified"),
    ("activity", "activities", "start_date", "end_date"),
    ("activity", "courses", "start_date", "end_date"),
    ("activity", "governance", "from", "to"),
)

# A later instant never has an earlier first character unless offsets differ: only what is not later as text, by the
# day, is read as instants.
RULES = tuple(
    Rule(
        code="dates-out-of-order",
        version="2",
        package_type=package_type,
        table=table,
        field=end,
        needs={table: (start, end)},
        sql=f"""SELECT rid, "{end}"[:10] AS value, json_object('earlier', "{start}"[:10], 'later', "{end}"[:10],
                'earlier_field', {field_name(table, start)}, 'later_field', {field_name(table, end)}) AS parameters
            FROM {table} WHERE "{end}"[:10] <= "{start}"[:10] AND try_cast("{end}" AS TIMESTAMPTZ) < try_cast("{start}" AS TIMESTAMPTZ)""",
    )
    for package_type, table, start, end in _PERIODS
)
