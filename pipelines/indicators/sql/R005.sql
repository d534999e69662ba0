-- Processes of members that publish tender documents: those without a notice or without specifications or bidding documents.
WITH told AS (
  SELECT member_code, ocid, bool_or(document_type = 'tenderNotice') AS notice,
    bool_or(document_type IN ('biddingDocuments', 'technicalSpecifications')) AS specifications
  FROM documents WHERE stage = 'tender' GROUP BY ALL
)
SELECT p.member_code, p.year, p.buyer_id, 'process' AS scope, p.ocid AS scope_id, p.ocid,
  CASE WHEN p.member_code IN (SELECT member_code FROM publishes WHERE table_name = 'documents' AND stage = 'tender')
    THEN NOT (coalesce(d.notice, false) AND coalesce(d.specifications, false)) END AS flagged,
  1 AS value, NULL AS threshold, NULL AS currency,
  {'notice': coalesce(d.notice, false), 'specifications': coalesce(d.specifications, false)} AS inputs, true AS counted
FROM process AS p LEFT JOIN told AS d USING (member_code, ocid)
WHERE p.judged
