-- First digits of a buyer's contract amounts: mean absolute deviation from Benford's law log10(1 + 1/d), with enough contracts.
WITH first AS (
  SELECT member_code, buyer_id, CAST(left(ltrim(CAST(amount AS VARCHAR), '0.'), 1) AS INTEGER) AS digit
  FROM contract WHERE judged AND amount > 0 AND buyer_id IS NOT NULL
), enough AS (
  SELECT member_code, buyer_id, count(*) AS contracts FROM first GROUP BY ALL HAVING contracts >= number('minimum')
), deviation AS (
  SELECT e.member_code, e.buyer_id, e.contracts, avg(abs(coalesce(f.n, 0) / e.contracts - log10(1 + 1.0 / d.digit)) ORDER BY d.digit) AS mad
  FROM enough AS e CROSS JOIN range(1, 10) AS d(digit)
  LEFT JOIN (SELECT member_code, buyer_id, digit, count(*) AS n FROM first GROUP BY ALL) AS f
    ON f.member_code = e.member_code AND f.buyer_id = e.buyer_id AND f.digit = d.digit
  GROUP BY ALL
)
SELECT member_code, NULL AS year, buyer_id, 'buyer' AS scope, buyer_id AS scope_id, NULL AS ocid, mad > number('threshold') AS flagged,
  mad AS value, number('threshold') AS threshold, NULL AS currency, {'contracts': contracts} AS inputs, true AS counted
FROM deviation
