"""An award in force says to whom (OCP: who bought what from whom; OG-50). Suppliers named on its contract count."""

from pipelines.validation.rules.base import Rule

RULES = (
    Rule(
        code="award-without-supplier",
        version="1",
        package_type="procurement",
        table="awards",
        field="award_id",
        needs={"awards": ("ocid", "award_id")},
        optional={
            "awards": ("status",),
            "award_suppliers": ("ocid", "award_id"),
            "contracts": ("ocid", "award_id", "contract_id"),
            "contract_suppliers": ("ocid", "contract_id"),
        },
        sql="""WITH named AS (
                SELECT ocid, award_id FROM award_suppliers
                UNION SELECT c.ocid, c.award_id FROM contracts c JOIN contract_suppliers s USING (ocid, contract_id))
            SELECT a.rid, a.award_id AS value, json_object('key', a.award_id) AS parameters
            FROM awards a ANTI JOIN named n ON n.ocid = a.ocid AND n.award_id = a.award_id
            WHERE a.award_id IS NOT NULL AND coalesce(a.status, 'active') = 'active'""",
    ),
)
