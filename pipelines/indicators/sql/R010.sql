-- A limited or direct procedure without a reason given, where the member gives reasons at all.
WITH reasons AS (SELECT DISTINCT member_code FROM process WHERE rationale IS NOT NULL)
SELECT p.member_code, p.year, p.buyer_id, 'process' AS scope, p.ocid AS scope_id, p.ocid,
  CASE WHEN p.member_code IN (FROM reasons) THEN p.rationale IS NULL END AS flagged,
  1 AS value, NULL AS threshold, NULL AS currency, {'method': p.method, 'details': p.details} AS inputs, true AS counted
FROM process AS p
WHERE p.judged AND p.method IN ('limited', 'direct')
