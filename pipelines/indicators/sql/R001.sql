-- Processes of members that publish documents of planning: those without one.
WITH told AS (SELECT DISTINCT member_code, ocid FROM documents WHERE stage = 'planning')
SELECT p.member_code, p.year, p.buyer_id, 'process' AS scope, p.ocid AS scope_id, p.ocid,
  CASE WHEN p.member_code IN (SELECT member_code FROM publishes WHERE table_name = 'documents' AND stage = 'planning')
    THEN d.ocid IS NULL END AS flagged,
  1 AS value, NULL AS threshold, NULL AS currency, {'planning_documents': d.ocid IS NOT NULL} AS inputs, true AS counted
FROM process AS p LEFT JOIN told AS d USING (member_code, ocid)
WHERE p.judged
