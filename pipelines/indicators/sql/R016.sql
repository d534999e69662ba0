-- The logarithm of the value of the tender is outside the fences (Q1 - 1.5 IQR, Q3 + 1.5 IQR) of its class, method and currency,
-- where there are enough processes. Only processes whose items are all of one class.
WITH classed AS (
  SELECT member_code, ocid, min(class) AS class FROM item_class GROUP BY ALL HAVING count(DISTINCT class) = 1
), sized AS (
  SELECT p.member_code, p.year, p.buyer_id, p.ocid, p.method, p.currency, c.class, p.amount, ln(CAST(p.amount AS DOUBLE)) AS size
  FROM process AS p JOIN classed AS c USING (member_code, ocid)
  WHERE p.judged AND p.amount > 0 AND p.currency IS NOT NULL AND p.method IS NOT NULL
), fence AS (
  SELECT member_code, class, method, currency, n, r8(sizes, 0.25) AS q1, r8(sizes, 0.75) AS q3
  FROM (
    SELECT member_code, class, method, currency, count(*) AS n, list(size ORDER BY size) AS sizes FROM sized GROUP BY ALL
  ) WHERE n >= number('minimum')
)
SELECT s.member_code, s.year, s.buyer_id, 'process' AS scope, s.ocid AS scope_id, s.ocid,
  q3 > q1 AND (size < q1 - 1.5 * (q3 - q1) OR size > q3 + 1.5 * (q3 - q1)) AS flagged, s.amount AS value,
  exp(CASE WHEN size < q1 THEN q1 - 1.5 * (q3 - q1) ELSE q3 + 1.5 * (q3 - q1) END) AS threshold, s.currency,
  {'class': class, 'method': method, 'peers': n, 'lower': exp(q1 - 1.5 * (q3 - q1)), 'upper': exp(q3 + 1.5 * (q3 - q1))} AS inputs,
  true AS counted
FROM sized AS s LEFT JOIN fence AS f USING (member_code, class, method, currency)
