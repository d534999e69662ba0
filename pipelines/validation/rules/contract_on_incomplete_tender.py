"""No contract rests on a tender without result (Pelican: tender status; OG-57).

Where its award was sent, the award in force is told, and so is the award that is not: never the same thing twice.
"""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="contract-on-incomplete-tender",
        version="1",
        package_type="procurement",
        table="contracts",
        field="status",
        needs={"contracts": ("ocid", "award_id"), "processes": ("ocid", "tender_status")},
        optional={"contracts": ("status",), "awards": ("ocid", "award_id")},
        sql="""WITH resting AS MATERIALIZED (
                SELECT c.rid, c.ocid, c.award_id, p.tender_status FROM contracts c JOIN processes p USING (ocid)
                WHERE p.tender_status IN ('planning', 'planned', 'active', 'cancelled', 'unsuccessful', 'withdrawn')
                AND coalesce(c.status, 'active') IN ('active', 'terminated'))
            SELECT rid, tender_status AS value, json_object('status', tender_status, 'status_codelist', 'tenderStatus') AS parameters
            FROM resting ANTI JOIN awards USING (ocid, award_id)""",
    ),
)
