-- Herfindahl-Hirschman index of a class in a year: the sum of the squared shares of its suppliers, by value, in one currency.
WITH pair AS (
  SELECT s.member_code, s.year, i.class, s.currency, s.supplier_id, sum(s.amount) AS amount, count(*) AS awards
  FROM supplied AS s JOIN award_class AS i USING (member_code, ocid, award_id)
  WHERE s.judged AND s.status = 'active' AND s.supplier_id IS NOT NULL AND s.amount > 0 AND s.currency IS NOT NULL AND i.class IS NOT NULL
    AND s.year IS NOT NULL
  GROUP BY ALL
), index AS (
  SELECT member_code, year, class, currency, sum(CAST(amount AS DOUBLE) ** 2) / CAST(sum(amount) AS DOUBLE) ** 2 AS hhi,
    count(*) AS suppliers, CAST(sum(awards) AS BIGINT) AS awards
  FROM pair GROUP BY ALL HAVING sum(awards) >= number('minimum')
)
SELECT member_code, year, NULL AS buyer_id, 'class' AS scope, class AS scope_id, NULL AS ocid, hhi > number('threshold') AS flagged,
  hhi AS value, number('threshold') AS threshold, currency, {'suppliers': suppliers, 'awards': awards} AS inputs, true AS counted
FROM index
