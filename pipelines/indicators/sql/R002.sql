-- The value of the tender is just below the amount from which an open procedure is due, and the procedure is not open.
SELECT p.member_code, p.year, p.buyer_id, 'process' AS scope, p.ocid AS scope_id, p.ocid,
  CASE WHEN p.method IS NOT NULL AND p.amount IS NOT NULL AND l.amount IS NOT NULL
    THEN p.method <> 'open' AND p.amount < l.amount AND p.amount >= l.amount * number('below') END AS flagged,
  p.amount AS value, l.amount AS threshold, p.currency, {'amount': p.amount, 'limit': l.amount, 'method': p.method} AS inputs, true AS counted
FROM process AS p LEFT JOIN process_limit AS l USING (member_code, ocid)
WHERE p.judged
