"""No more is paid on a contract than it is worth, in the same currency (Pelican: transactions value; OG-56).

A unit of the currency more is rounding: contracts are kept with three decimals and paid with two, or with none.
"""

from pipelines.validation.rules.base import Rule, amount

RULES = (
    Rule(
        code="payments-exceed-contract",
        version="1",
        package_type="procurement",
        table="contracts",
        field="value_amount",
        needs={
            "contracts": ("ocid", "contract_id", "value_amount", "value_currency"),
            "transactions": ("ocid", "contract_id", "value_amount", "value_currency"),
        },
        sql=f"""WITH paid AS (
                SELECT ocid, contract_id, value_currency AS currency, sum({amount("value_amount")}) AS total
                FROM transactions WHERE value_currency IS NOT NULL GROUP BY ALL)
            SELECT c.rid, c.value_amount AS value,
                json_object('paid_amount', CAST(CAST(total AS DECIMAL(38,2)) AS VARCHAR), 'contract_amount', c.value_amount) AS parameters
            FROM contracts c JOIN paid p ON p.ocid = c.ocid AND p.contract_id = c.contract_id AND p.currency = c.value_currency
            WHERE total > {amount("c.value_amount")} + 1 AND {amount("c.value_amount")} > 0""",
    ),
)
