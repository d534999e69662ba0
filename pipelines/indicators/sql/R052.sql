-- The second award of a buyer to a supplier is many times the first, in one currency.
WITH ranked AS (
  SELECT member_code, buyer_id, supplier_id, currency, amount, date, ocid,
    row_number() OVER (PARTITION BY member_code, buyer_id, supplier_id, currency ORDER BY date, ocid, award_id) AS place
  FROM supplied
  WHERE judged AND status = 'active' AND supplier_id IS NOT NULL AND buyer_id IS NOT NULL AND amount > 0 AND currency IS NOT NULL AND date IS NOT NULL
), pair AS (
  SELECT member_code, buyer_id, supplier_id, currency, max(amount) FILTER (place = 1) AS first, max(amount) FILTER (place = 2) AS second,
    max(date) FILTER (place = 2) AS date, max(ocid) FILTER (place = 2) AS ocid
  FROM ranked WHERE place <= 2 GROUP BY ALL HAVING count(*) = 2
)
SELECT member_code, year(date) AS year, buyer_id, 'supplier' AS scope, supplier_id AS scope_id, ocid, second > first * number('times') AS flagged,
  CAST(second AS DOUBLE) / CAST(first AS DOUBLE) AS value, number('times') AS threshold, currency,
  {'buyer': buyer_id, 'first': first, 'second': second} AS inputs, true AS counted
FROM pair
