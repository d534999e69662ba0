"""The budget is worth 50 to 150 % of the value of the tender, in the same currency (Pelican: tender value; OG-56)."""

from pipelines.validation.rules.base import Rule, amount

RULES = (
    Rule(
        code="budget-tender-amounts-differ",
        version="1",
        package_type="procurement",
        table="planning",
        field="budget_amount",
        needs={
            "planning": ("ocid", "budget_amount", "budget_currency"),
            "processes": ("ocid", "tender_value_amount", "tender_value_currency"),
        },
        sql=f"""SELECT b.rid, b.budget_amount AS value,
                json_object('budget_amount', b.budget_amount, 'tender_amount', p.tender_value_amount) AS parameters
            FROM planning b JOIN processes p ON p.ocid = b.ocid AND p.tender_value_currency = b.budget_currency
            WHERE {amount("p.tender_value_amount")} > 0 AND {amount("b.budget_amount")} > 0
            AND NOT {amount("b.budget_amount")} BETWEEN {amount("p.tender_value_amount")} * 0.5 AND {amount("p.tender_value_amount")} * 1.5""",
    ),
)
