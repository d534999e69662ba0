-- Contracts of members that publish documents of contracts: those without the signed text.
WITH told AS (
  SELECT DISTINCT member_code, ocid, parent_id AS contract_id FROM documents WHERE stage = 'contract' AND document_type = 'contractSigned'
)
SELECT c.member_code, c.year, c.buyer_id, 'contract' AS scope, c.contract_id AS scope_id, c.ocid,
  CASE WHEN c.member_code IN (SELECT member_code FROM publishes WHERE table_name = 'documents' AND stage = 'contract') THEN d.ocid IS NULL END AS flagged,
  1 AS value, NULL AS threshold, NULL AS currency, {'signed_text': d.ocid IS NOT NULL} AS inputs, true AS counted
FROM contract AS c LEFT JOIN told AS d USING (member_code, ocid, contract_id)
WHERE c.judged AND c.status IS DISTINCT FROM 'cancelled'
