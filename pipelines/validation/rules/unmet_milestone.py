"""A milestone that was not reached has no day on which it was (Pelican: milestone status; OG-57)."""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="unmet-milestone-with-date",
        version="1",
        package_type="procurement",
        table="milestones",
        field="date_met",
        needs={"milestones": ("status", "date_met")},
        sql="""SELECT rid, date_met[:10] AS value, json_object('status', status, 'status_codelist', 'milestoneStatus') AS parameters
            FROM milestones WHERE date_met IS NOT NULL AND status IN ('scheduled', 'notMet')""",
    ),
)
