-- All bids but those of the one bidder that won were disqualified, and there were at least k others.
WITH suppliers AS (
  SELECT member_code, ocid, list_sort(list_distinct(list(supplier_id))) AS suppliers
  FROM supplied WHERE status = 'active' AND supplier_id IS NOT NULL GROUP BY ALL
), bidders AS (
  SELECT b.member_code, b.ocid, any_value(b.year) AS year, any_value(b.buyer_id) AS buyer_id,
    coalesce(list_sort(list_distinct(list(t.party_id) FILTER (b.status = 'valid'))), []) AS valid,
    coalesce(list_distinct(list(t.party_id) FILTER (b.status = 'disqualified')), []) AS refused
  FROM bid AS b JOIN bid_tenderers AS t USING (member_code, ocid, bid_id)
  WHERE b.judged AND b.awards > 0 AND b.open_awards = 0
  GROUP BY ALL
), judged AS (
  SELECT b.*, s.suppliers, len(list_filter(refused, lambda who: NOT list_contains(valid, who))) AS others,
    len(valid) = 1 AND valid = coalesce(suppliers, []) AND others >= greatest(number('threshold'), 1) AS flagged
  FROM bidders AS b LEFT JOIN suppliers AS s USING (member_code, ocid)
), whom AS (
  SELECT *, 'process' AS scope, ocid AS scope_id, true AS counted, others AS value FROM judged
  UNION ALL
  SELECT *, 'tenderer', valid[1], false, 0 FROM judged WHERE flagged
)
SELECT member_code, year, buyer_id, scope, scope_id, ocid, flagged, value, number('threshold') AS threshold, NULL AS currency,
  {'disqualified': others, 'winner': valid[1]} AS inputs, counted
FROM whom
