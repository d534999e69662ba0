"""Nothing is awarded before the tender closes (Pelican: timeline; OG-55). Days are compared, not hours: many publish bare dates."""

from pipelines.validation.rules.base import Rule, day_before

RULES = (
    Rule(
        code="award-before-tender-end",
        version="1",
        package_type="procurement",
        table="awards",
        field="date",
        needs={"awards": ("ocid", "date"), "processes": ("ocid", "tender_period_end")},
        sql=f"""SELECT a.rid, a.date[:10] AS value, json_object('earlier', p.tender_period_end[:10], 'later', a.date[:10]) AS parameters
            FROM awards a JOIN processes p USING (ocid) WHERE {day_before("a.date", "p.tender_period_end")}""",
    ),
)
