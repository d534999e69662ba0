-- Against the budget of the process, or where none is given, the value of its tender, in the currency of the contract.
WITH planned AS (
  SELECT *, CASE WHEN budget_currency = currency THEN budget_amount WHEN tender_currency = currency THEN tender_amount END AS plan
  FROM contract WHERE status IS DISTINCT FROM 'cancelled'
)
SELECT member_code, year, buyer_id, CASE WHEN plan > 0 THEN CAST(amount > plan AS INTEGER) END AS numerator FROM planned
