-- Days from the end of the call to the decision at or above the upper fence (Q3 + 1.5 IQR) of the member's processes by that procedure.
WITH waited AS (
  SELECT member_code, year, buyer_id, ocid, method, ends, first_award, (epoch(first_award) - epoch(ends)) / 86400 AS days
  FROM process WHERE judged AND active_awards > 0
), fence AS (
  SELECT member_code, method, n, r8(waits, 0.25) AS q1, r8(waits, 0.75) AS q3, q3 + 1.5 * (q3 - q1) AS fence
  FROM (SELECT member_code, method, count(*) AS n, list(days ORDER BY days) AS waits FROM waited WHERE days >= 0 GROUP BY ALL)
  WHERE n >= number('minimum') AND method IS NOT NULL
)
SELECT w.member_code, w.year, w.buyer_id, 'process' AS scope, w.ocid AS scope_id, w.ocid, q3 > q1 AND days >= fence AS flagged,
  days AS value, fence AS threshold, NULL AS currency, {'closed': ends, 'awarded': first_award, 'peers': f.n} AS inputs, true AS counted
FROM waited AS w LEFT JOIN fence AS f USING (member_code, method)
