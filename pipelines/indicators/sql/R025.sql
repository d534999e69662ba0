-- A bidder among those that bid most often (at or above a percentile) and win least (at or below the lower fence of all): once
-- per process, valid bids of one bidder, where one supplier won.
WITH taken AS (
  SELECT member_code, tenderer_id, ocid, any_value(year) AS year, bool_or(tenderer_id = winner) AS won
  FROM bid
  WHERE judged AND winner IS NOT NULL AND status = 'valid' AND tenderer_id IS NOT NULL
  GROUP BY member_code, tenderer_id, ocid
), rate AS (
  SELECT member_code, tenderer_id, count(*) AS bids, count(*) FILTER (won) AS wins, wins / bids AS ratio
  FROM taken GROUP BY ALL
), fence AS (
  SELECT member_code, r8(bids, number('percentile') / 100) AS often, r8(ratios, 0.25) AS q1, r8(ratios, 0.75) AS q3,
    coalesce(number('threshold'), q1 - 1.5 * (q3 - q1)) AS fence
  FROM (
    SELECT member_code, list(CAST(bids AS DOUBLE) ORDER BY bids) AS bids, list(ratio ORDER BY ratio) AS ratios
    FROM rate GROUP BY ALL
  )
)
SELECT member_code, NULL AS year, NULL AS buyer_id, 'tenderer' AS scope, tenderer_id AS scope_id, NULL AS ocid,
  r.bids >= often AND ratio <= fence AS flagged, ratio AS value, fence AS threshold, NULL AS currency,
  {'bids': r.bids, 'wins': wins, 'often': often, 'q1': q1, 'q3': q3} AS inputs, true AS counted
FROM rate AS r JOIN fence USING (member_code)
