-- The lowest bid was disqualified, another with a price was valid, and an award was made. Of equal prices the one that
-- stands first counts.
WITH lowest AS (
  SELECT member_code, ocid, currency, any_value(year) AS year, any_value(buyer_id) AS buyer_id, min(amount) AS amount,
    arg_min(status, (amount, place)) AS status, count(*) AS bids,
    count(*) FILTER (status = 'valid') AS valid
  FROM bid
  WHERE judged AND by_price AND active_awards > 0 AND submitted AND amount IS NOT NULL AND currency IS NOT NULL
  GROUP BY member_code, ocid, currency
)
SELECT member_code, year, buyer_id, 'process' AS scope, ocid AS scope_id, ocid, status = 'disqualified' AND valid > 0 AS flagged, 1 AS value,
  NULL AS threshold, currency, {'lowest': amount, 'bids': bids} AS inputs, true AS counted
FROM lowest
