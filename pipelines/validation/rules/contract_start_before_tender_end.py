"""The contract is planned to begin after bids are due (Pelican: timeline; OG-55)."""

from pipelines.validation.rules.base import Rule, day_before

RULES = (
    Rule(
        code="contract-start-before-tender-end",
        version="1",
        package_type="procurement",
        table="processes",
        field="tender_contract_period_start",
        needs={"processes": ("tender_contract_period_start", "tender_period_end")},
        sql=f"""SELECT rid, tender_contract_period_start[:10] AS value,
                json_object('earlier', tender_contract_period_start[:10], 'later', tender_period_end[:10]) AS parameters
            FROM processes WHERE {day_before("tender_contract_period_start", "tender_period_end")}""",
    ),
)
