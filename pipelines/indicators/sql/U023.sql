-- Processes with bids: those in which at least three parties made a valid one.
SELECT b.member_code, any_value(b.year) AS year, any_value(b.buyer_id) AS buyer_id,
  CASE WHEN count(b.status) > 0 THEN CAST(count(DISTINCT t.party_id) FILTER (b.status = 'valid') >= 3 AS INTEGER) END AS numerator
FROM bid AS b LEFT JOIN bid_tenderers AS t USING (member_code, ocid, bid_id)
GROUP BY b.member_code, b.ocid
