"""The contracts of an award are worth 50 to 150 % of it, in the same currency (Pelican: contracts value; OG-56)."""

from pipelines.validation.rules.base import Rule, amount

RULES = (
    Rule(
        code="contract-award-amounts-differ",
        version="1",
        package_type="procurement",
        table="awards",
        field="value_amount",
        needs={
            "awards": ("ocid", "award_id", "value_amount", "value_currency"),
            "contracts": ("ocid", "award_id", "value_amount", "value_currency"),
        },
        sql=f"""WITH sums AS (
                SELECT ocid, award_id, any_value(value_currency) AS currency, sum({amount("value_amount")}) AS total
                FROM contracts GROUP BY ocid, award_id
                HAVING min(value_currency) = max(value_currency) AND count(value_amount) = count(*))
            SELECT a.rid, a.value_amount AS value,
                json_object('contract_amount', CAST(CAST(total AS DECIMAL(38,2)) AS VARCHAR), 'award_amount', a.value_amount) AS parameters
            FROM awards a JOIN sums s ON s.ocid = a.ocid AND s.award_id = a.award_id AND s.currency = a.value_currency
            WHERE {amount("a.value_amount")} > 0
            AND NOT total BETWEEN {amount("a.value_amount")} * 0.5 AND {amount("a.value_amount")} * 1.5""",
    ),
)
