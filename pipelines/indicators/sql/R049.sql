-- Several direct awards of a buyer to a supplier in a year, each below the amount from which an open procedure is due.
SELECT s.member_code, year(s.date) AS year, s.buyer_id, 'supplier' AS scope, s.supplier_id AS scope_id, NULL AS ocid,
  count(*) FILTER (s.method = 'direct' AND s.award_amount < l.amount) >= number('repeats') AS flagged,
  count(*) FILTER (s.method = 'direct' AND s.award_amount < l.amount) AS value, number('repeats') AS threshold, NULL AS currency,
  {'buyer': s.buyer_id, 'highest': max(s.award_amount) FILTER (s.method = 'direct'), 'limit': min(l.amount)} AS inputs, true AS counted
FROM supplied AS s JOIN process_limit AS l USING (member_code, ocid)
WHERE s.judged AND s.status = 'active' AND s.supplier_id IS NOT NULL AND s.buyer_id IS NOT NULL AND s.date IS NOT NULL
GROUP BY s.member_code, year(s.date), s.buyer_id, s.supplier_id
