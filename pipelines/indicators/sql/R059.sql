-- The contracts of an award differ from it by more than a share, in its currency.
WITH signed AS (
  SELECT member_code, ocid, award_id, sum(amount) AS amount, min(currency) AS currency, max(currency) AS other_currency, count(amount) = count(*) AS whole
  FROM contract WHERE status IS DISTINCT FROM 'cancelled' AND award_id IS NOT NULL GROUP BY ALL
)
SELECT a.member_code, a.year, a.buyer_id, 'award' AS scope, a.award_id AS scope_id, a.ocid,
  CASE WHEN a.amount > 0 AND c.currency = c.other_currency AND c.currency = a.currency AND c.whole
    THEN abs(c.amount - a.amount) > a.amount * number('threshold') END AS flagged,
  CAST(c.amount AS DOUBLE) / nullif(CAST(a.amount AS DOUBLE), 0) - 1 AS value, number('threshold') AS threshold, a.currency,
  {'award': a.amount, 'contracts': c.amount} AS inputs, true AS counted
FROM award AS a JOIN signed AS c USING (member_code, ocid, award_id)
WHERE a.judged AND a.status = 'active'
