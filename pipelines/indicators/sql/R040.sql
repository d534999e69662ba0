-- A supplier with more than a share of what a buyer awarded in a year, in one currency, where the buyer made enough awards.
WITH pair AS (
  SELECT member_code, year, buyer_id, currency, supplier_id, sum(amount) AS amount, count(*) AS awards
  FROM supplied
  WHERE judged AND status = 'active' AND supplier_id IS NOT NULL AND buyer_id IS NOT NULL AND amount > 0 AND currency IS NOT NULL AND year IS NOT NULL
  GROUP BY ALL
), whole AS (
  SELECT *, sum(amount) OVER w AS total, sum(awards) OVER w AS all_awards FROM pair WINDOW w AS (PARTITION BY member_code, year, buyer_id, currency)
)
SELECT member_code, year, buyer_id, 'supplier' AS scope, supplier_id AS scope_id, NULL AS ocid,
  CAST(amount AS DOUBLE) / CAST(total AS DOUBLE) > number('threshold') AS flagged, CAST(amount AS DOUBLE) / CAST(total AS DOUBLE) AS value,
  number('threshold') AS threshold, currency, {'buyer': buyer_id, 'amount': amount, 'total': total, 'awards': all_awards} AS inputs, true AS counted
FROM whole WHERE all_awards >= number('minimum')
