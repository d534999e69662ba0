-- The mean number of bidders of a buyer in a class is at or below the lower fence (Q1 - 1.5 IQR) of the buyers in that class.
WITH mean AS (
  SELECT p.member_code, p.buyer_id, i.class, count(*) AS processes, avg(p.bidders) AS bidders
  FROM process AS p JOIN (SELECT DISTINCT member_code, ocid, class FROM item_class) AS i USING (member_code, ocid)
  WHERE p.judged AND p.method IN ('open', 'selective') AND p.bidders >= 1 AND p.buyer_id IS NOT NULL
  GROUP BY ALL HAVING processes >= number('minimum')
), fence AS (
  SELECT member_code, class, n, r8(means, 0.25) AS q1, r8(means, 0.75) AS q3, q1 - 1.5 * (q3 - q1) AS fence
  FROM (SELECT member_code, class, count(*) AS n, list(bidders ORDER BY bidders) AS means FROM mean GROUP BY ALL)
)
SELECT member_code, NULL AS year, buyer_id, 'buyer' AS scope, buyer_id AS scope_id, NULL AS ocid, q3 > q1 AND bidders <= fence AS flagged,
  bidders AS value, fence AS threshold, NULL AS currency,
  {'class': class, 'processes': processes, 'buyers': n, 'q1': q1, 'q3': q3} AS inputs, true AS counted
FROM mean JOIN fence USING (member_code, class)
