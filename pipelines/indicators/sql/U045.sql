-- Processes of members that publish documents of planning or tender: those with a procurement plan among them.
WITH plans AS (
  SELECT DISTINCT member_code, ocid FROM documents
  WHERE stage IN ('planning', 'tender') AND document_type IN ('procurementPlan', 'plannedProcurementNotice')
)
SELECT p.member_code, p.year, p.buyer_id,
  CASE WHEN p.member_code IN (SELECT member_code FROM publishes WHERE table_name = 'documents' AND stage IN ('planning', 'tender'))
    THEN CAST(d.ocid IS NOT NULL AS INTEGER) END AS numerator
FROM process AS p LEFT JOIN plans AS d USING (member_code, ocid)
