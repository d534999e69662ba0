SELECT p.member_code, p.year, p.buyer_id, b.party_id AS item, CASE WHEN b.party_id IS NOT NULL THEN 1 END AS numerator
FROM process AS p LEFT JOIN bidder AS b USING (member_code, ocid)
