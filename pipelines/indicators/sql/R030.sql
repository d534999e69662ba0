-- A valid bid that won was received after the call had closed.
WITH won AS (
  SELECT b.member_code, b.ocid, b.year, b.buyer_id, b.bid_id, b.date, b.tender_ends, t.party_id, b.date > b.tender_ends AS late
  FROM bid AS b
  JOIN bid_tenderers AS t USING (member_code, ocid, bid_id)
  JOIN (SELECT DISTINCT member_code, ocid, supplier_id FROM supplied WHERE status = 'active') AS s
    ON s.member_code = t.member_code AND s.ocid = t.ocid AND s.supplier_id = t.party_id
  WHERE b.judged AND b.status = 'valid'
), judged AS (
  SELECT member_code, ocid, any_value(year) AS year, any_value(buyer_id) AS buyer_id, bool_or(late) AS flagged,
    max(date) FILTER (late) AS date, any_value(tender_ends) AS ends, list_distinct(list(party_id) FILTER (late)) AS who
  FROM won GROUP BY ALL
), whom AS (
  SELECT *, 'process' AS scope, ocid AS scope_id, true AS counted FROM judged
  UNION ALL
  SELECT *, 'tenderer', unnest(who), false FROM judged WHERE flagged
)
SELECT member_code, year, buyer_id, scope, scope_id, ocid, flagged, 1 AS value, NULL AS threshold, NULL AS currency,
  {'bid_received': date, 'closed': ends} AS inputs, counted
FROM whom
