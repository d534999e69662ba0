-- The direct awards of a buyer to a supplier in a year together reach the amount from which an open procedure is due.
SELECT s.member_code, s.year, s.buyer_id, 'supplier' AS scope, s.supplier_id AS scope_id, NULL AS ocid,
  count(*) > 1 AND sum(s.amount) >= min(l.amount) AS flagged, sum(s.amount) AS value, min(l.amount) AS threshold, s.currency,
  {'buyer': s.buyer_id, 'awards': count(*)} AS inputs, true AS counted
FROM supplied AS s JOIN process_limit AS l USING (member_code, ocid)
WHERE s.judged AND s.status = 'active' AND s.method = 'direct' AND s.supplier_id IS NOT NULL AND s.buyer_id IS NOT NULL
  AND s.amount IS NOT NULL AND s.currency IS NOT NULL AND s.year IS NOT NULL
GROUP BY s.member_code, s.year, s.buyer_id, s.supplier_id, s.currency
