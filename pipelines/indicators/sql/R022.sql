-- (dearest - cheapest) / cheapest of the bids handed in is at or above the upper fence of the member's processes in that currency.
WITH spread AS (
  SELECT member_code, ocid, currency, any_value(year) AS year, any_value(buyer_id) AS buyer_id, count(*) AS bids,
    min(amount) AS cheapest, max(amount) AS dearest, CAST(dearest / cheapest AS DOUBLE) - 1 AS wide
  FROM bid WHERE judged AND by_price AND submitted AND amount > 0 AND currency IS NOT NULL
  GROUP BY member_code, ocid, currency HAVING count(DISTINCT tenderer_ids) > 1
), fence AS (
  SELECT member_code, currency, n, r8(spreads, 0.25) AS q1, r8(spreads, 0.75) AS q3, q3 + 1.5 * (q3 - q1) AS fence
  FROM (SELECT member_code, currency, count(*) AS n, list(wide ORDER BY wide) AS spreads FROM spread GROUP BY ALL)
  WHERE n >= number('minimum')
)
SELECT member_code, year, buyer_id, 'process' AS scope, ocid AS scope_id, ocid, q3 > q1 AND wide >= fence AS flagged, wide AS value,
  fence AS threshold, currency, {'cheapest': cheapest, 'dearest': dearest, 'bids': bids, 'q1': q1, 'q3': q3} AS inputs, true AS counted
FROM spread LEFT JOIN fence USING (member_code, currency)
