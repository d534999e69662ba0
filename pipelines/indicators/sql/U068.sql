-- Processes whose contracts are all in the currency of the plan: (plan - contracts) / plan, of the sums.
WITH agreed AS (
  SELECT member_code, ocid, sum(amount) AS amount, CASE WHEN min(currency) = max(currency) AND count(amount) = count(*) THEN min(currency) END AS currency
  FROM contract WHERE status IS DISTINCT FROM 'cancelled' GROUP BY ALL
)
SELECT p.member_code, p.year, p.buyer_id, c.currency,
  CASE WHEN p.budget_currency = c.currency AND p.budget_amount > 0 THEN p.budget_amount - c.amount END AS numerator, p.budget_amount AS denominator
FROM process AS p JOIN agreed AS c USING (member_code, ocid)
