"""What a release tells has happened by the day of the release (Pelican: no past date after the release date; OG-55)."""

from pipelines.validation.rules.base import Rule, day_before, field_name

_EVENTS = (
    ("awards", "date"),
    ("contracts", "date_signed"),
    ("transactions", "date"),
    ("amendments", "date"),
    ("milestones", "date_met"),
    ("milestones", "date_modified"),
    ("documents", "date_published"),
    ("documents", "date_modified"),
)

RULES = tuple(
    Rule(
        code="date-after-release",
        version="1",
        package_type="procurement",
        table=table,
        field=field,
        needs={table: ("ocid", field), "processes": ("ocid", "release_date")},
        sql=f"""SELECT e.rid, e.{field}[:10] AS value, json_object('earlier', p.release_date[:10], 'later', e.{field}[:10],
                'later_field', {field_name(table, field)}) AS parameters
            FROM {table} e JOIN processes p USING (ocid) WHERE {day_before("p.release_date", f"e.{field}")}""",
    )
    for table, field in _EVENTS
)
