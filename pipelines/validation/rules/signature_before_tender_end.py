"""A contract is not signed before the tender closes (Pelican: timeline; OG-55).

Where the award has a date, the order tender, award, signature is told at the step that breaks it and not twice.
"""

from pipelines.validation.rules.base import Rule, day_before

RULES = (
    Rule(
        code="signature-before-tender-end",
        version="1",
        package_type="procurement",
        table="contracts",
        field="date_signed",
        needs={"contracts": ("ocid", "award_id", "date_signed"), "processes": ("ocid", "tender_period_end")},
        optional={"awards": ("ocid", "award_id", "date")},
        sql=f"""WITH early AS MATERIALIZED (
                SELECT c.rid, c.ocid, c.award_id, c.date_signed[:10] AS signed, p.tender_period_end[:10] AS closed
                FROM contracts c JOIN processes p USING (ocid) WHERE {day_before("c.date_signed", "p.tender_period_end")})
            SELECT rid, signed AS value, json_object('earlier', signed, 'later', closed) AS parameters
            FROM early ANTI JOIN (SELECT ocid, award_id FROM awards WHERE date IS NOT NULL) USING (ocid, award_id)""",
    ),
)
