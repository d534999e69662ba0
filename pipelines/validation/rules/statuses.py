"""Statuses of the stages agree (Pelican: coherence; OG-57)."""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="award-on-incomplete-tender",
        version="1",
        package_type="procurement",
        table="awards",
        field="status",
        needs={"awards": ("ocid", "award_id"), "processes": ("ocid", "tender_status")},
        optional={"awards": ("status",)},
        sql="""SELECT a.rid, p.tender_status AS value, json_object('status', p.tender_status, 'status_codelist', 'tenderStatus') AS parameters
            FROM awards a JOIN processes p USING (ocid)
            WHERE p.tender_status IN ('planning', 'planned', 'active', 'cancelled', 'unsuccessful', 'withdrawn')
            AND coalesce(a.status, 'active') = 'active'""",
    ),
    Rule(
        code="contract-on-inactive-award",
        version="1",
        package_type="procurement",
        table="contracts",
        field="award_id",
        needs={"contracts": ("ocid", "award_id"), "awards": ("ocid", "award_id", "status")},
        optional={"contracts": ("status",)},
        sql="""SELECT c.rid, a.status AS value, json_object('status', a.status, 'status_codelist', 'awardStatus') AS parameters
            FROM contracts c JOIN awards a USING (ocid, award_id)
            WHERE a.status IN ('pending', 'cancelled', 'unsuccessful') AND coalesce(c.status, 'active') IN ('active', 'terminated')""",
    ),
    Rule(
        code="direct-with-several-tenderers",
        version="1",
        package_type="procurement",
        table="processes",
        field="number_of_tenderers",
        needs={"processes": ("procurement_method", "number_of_tenderers")},
        sql="""SELECT rid, number_of_tenderers AS value, json_object('count', number_of_tenderers) AS parameters
            FROM processes WHERE procurement_method = 'direct' AND try_cast(number_of_tenderers AS BIGINT) > 1""",
    ),
)
