-- Contracts of members that publish documents of implementation: those with one on debarments.
WITH told AS (
  SELECT DISTINCT member_code, ocid, parent_id AS contract_id FROM documents
  WHERE stage = 'implementation' AND document_type = 'debarments'
)
SELECT c.member_code, c.year, c.buyer_id,
  CASE WHEN c.member_code IN (SELECT member_code FROM publishes WHERE table_name = 'documents' AND stage = 'implementation')
    THEN CAST(d.ocid IS NOT NULL AS INTEGER) END AS numerator
FROM contract AS c LEFT JOIN told AS d USING (member_code, ocid, contract_id)
