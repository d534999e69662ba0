-- Purchases of one buyer in one class within some days, each below the amount from which an open procedure is due, that together
-- reach it. Only processes whose items are all of one class.
WITH classed AS (
  SELECT member_code, ocid, min(class) AS class FROM item_class GROUP BY ALL HAVING count(DISTINCT class) = 1
), small AS (
  SELECT p.member_code, p.year, p.buyer_id, p.ocid, p.starts, p.amount, p.currency, l.amount AS due, c.class
  FROM process AS p JOIN classed AS c USING (member_code, ocid) JOIN process_limit AS l USING (member_code, ocid)
  WHERE p.judged AND p.buyer_id IS NOT NULL AND p.amount IS NOT NULL AND p.starts IS NOT NULL
), near AS (
  SELECT a.member_code, a.ocid, any_value(a.year) AS year, any_value(a.buyer_id) AS buyer_id, any_value(a.amount) AS amount,
    any_value(a.currency) AS currency, any_value(a.due) AS due, any_value(a.class) AS class,
    count(*) AS purchases, sum(b.amount) AS together
  FROM small AS a
  JOIN small AS b ON b.member_code = a.member_code AND b.buyer_id = a.buyer_id AND b.class = a.class AND b.currency = a.currency
    AND b.starts >= a.starts AND b.starts <= a.starts + to_days(CAST(number('days') AS INTEGER)) AND b.amount < b.due
  WHERE a.amount < a.due
  GROUP BY a.member_code, a.ocid
)
SELECT member_code, year, buyer_id, 'process' AS scope, ocid AS scope_id, ocid, purchases >= 2 AND together >= due AS flagged,
  together AS value, due AS threshold, currency, {'purchases': purchases, 'together': together, 'class': class} AS inputs, true AS counted
FROM near
