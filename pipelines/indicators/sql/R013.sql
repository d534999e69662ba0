-- A buyer whose share of limited and direct procedures is at or above the upper fence (Q3 + 1.5 IQR) of the member's buyers.
WITH rate AS (
  SELECT member_code, buyer_id, count(*) AS processes, count(*) FILTER (method IN ('limited', 'direct')) AS closed,
    closed / processes AS ratio
  FROM process WHERE judged AND method IS NOT NULL AND buyer_id IS NOT NULL
  GROUP BY ALL HAVING processes >= number('minimum')
), fence AS (
  SELECT member_code, r8(ratios, 0.25) AS q1, r8(ratios, 0.75) AS q3, q3 + 1.5 * (q3 - q1) AS fence
  FROM (SELECT member_code, list(ratio ORDER BY ratio) AS ratios FROM rate GROUP BY ALL)
)
SELECT member_code, NULL AS year, buyer_id, 'buyer' AS scope, buyer_id AS scope_id, NULL AS ocid,
  q3 > q1 AND ratio >= fence AS flagged, ratio AS value, fence AS threshold, NULL AS currency,
  {'processes': processes, 'not_competitive': closed, 'q1': q1, 'q3': q3} AS inputs, true AS counted
FROM rate JOIN fence USING (member_code)
