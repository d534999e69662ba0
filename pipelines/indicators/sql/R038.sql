-- The share of disqualified bids is at or above the upper fence (Q3 + 1.5 IQR) of the buyers, procuring entities or bidders of
-- the member with enough bids, or a fixed threshold.
WITH handed_in AS (
  SELECT * FROM bid WHERE judged AND submitted
), whose AS (
  SELECT member_code, 'buyer' AS scope, own_buyer_id AS id, status FROM handed_in WHERE own_buyer_id IS NOT NULL
  UNION ALL
  SELECT member_code, 'procuring-entity', entity_id, status FROM handed_in WHERE entity_id IS NOT NULL
  UNION ALL
  SELECT h.member_code, 'tenderer', t.party_id, h.status
  FROM handed_in AS h JOIN bid_tenderers AS t USING (member_code, ocid, bid_id)
), rate AS (
  SELECT member_code, scope, id, count(*) AS bids, count(*) FILTER (status = 'disqualified') AS refused, refused / bids AS ratio
  FROM whose GROUP BY ALL
  HAVING bids >= CASE WHEN scope = 'tenderer' THEN number('minimum_submitted_bids') ELSE number('minimum_contracting_processes') END
), fence AS (
  SELECT member_code, scope, r8(ratios, 0.25) AS q1, r8(ratios, 0.75) AS q3,
    coalesce(number('threshold'), q3 + 1.5 * (q3 - q1)) AS fence
  FROM (SELECT member_code, scope, list(ratio ORDER BY ratio) AS ratios FROM rate GROUP BY ALL)
)
SELECT member_code, NULL AS year, CASE WHEN scope = 'buyer' THEN id END AS buyer_id, scope, id AS scope_id, NULL AS ocid,
  fence > 0 AND ratio >= fence AS flagged, ratio AS value, fence AS threshold, NULL AS currency,
  {'disqualified': refused, 'bids': bids, 'q1': q1, 'q3': q3} AS inputs, scope = 'buyer' AS counted
FROM rate JOIN fence USING (member_code, scope)
