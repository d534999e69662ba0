-- The one award in force is nearly as high as the value of the tender, or higher.
WITH one AS (
  SELECT member_code, ocid, sum(amount) AS amount, min(currency) AS currency FROM award WHERE status = 'active'
  GROUP BY ALL HAVING min(currency) = max(currency) AND count(amount) = count(*)
)
SELECT p.member_code, p.year, p.buyer_id, 'process' AS scope, p.ocid AS scope_id, p.ocid,
  CASE WHEN p.amount > 0 AND p.currency = a.currency THEN a.amount >= p.amount * number('near') AND a.amount <> p.amount END AS flagged,
  CAST(a.amount AS DOUBLE) / nullif(CAST(p.amount AS DOUBLE), 0) AS value, number('near') AS threshold, a.currency,
  {'award': a.amount, 'tender': p.amount} AS inputs, true AS counted
FROM process AS p LEFT JOIN one AS a USING (member_code, ocid)
WHERE p.judged AND p.active_awards > 0
