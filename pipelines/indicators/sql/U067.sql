-- (contract - plan) / plan of the contracts above it; the plan is the budget, or where none is given, the value of the tender.
WITH planned AS (
  SELECT *, CASE WHEN budget_currency = currency THEN budget_amount WHEN tender_currency = currency THEN tender_amount END AS plan
  FROM contract WHERE status IS DISTINCT FROM 'cancelled'
)
SELECT member_code, year, buyer_id, CASE WHEN plan > 0 THEN CAST(amount AS DOUBLE) / CAST(plan AS DOUBLE) - 1 END AS numerator
FROM planned WHERE NOT coalesce(amount <= plan, false)
