-- A supplier with more than a share of what was awarded in a class in a year, in one currency, where there are enough awards.
WITH pair AS (
  SELECT s.member_code, s.year, i.class, s.currency, s.supplier_id, sum(s.amount) AS amount, count(*) AS awards
  FROM supplied AS s JOIN award_class AS i USING (member_code, ocid, award_id)
  WHERE s.judged AND s.status = 'active' AND s.supplier_id IS NOT NULL AND s.amount > 0 AND s.currency IS NOT NULL AND i.class IS NOT NULL
    AND s.year IS NOT NULL
  GROUP BY ALL
), whole AS (
  SELECT *, sum(amount) OVER w AS total, sum(awards) OVER w AS all_awards FROM pair WINDOW w AS (PARTITION BY member_code, year, class, currency)
)
SELECT member_code, year, NULL AS buyer_id, 'supplier' AS scope, supplier_id AS scope_id, NULL AS ocid,
  CAST(amount AS DOUBLE) / CAST(total AS DOUBLE) > number('threshold') AS flagged, CAST(amount AS DOUBLE) / CAST(total AS DOUBLE) AS value,
  number('threshold') AS threshold, currency, {'class': class, 'amount': amount, 'total': total, 'awards': all_awards} AS inputs, true AS counted
FROM whole WHERE all_awards >= number('minimum')
