-- Contracts of members that publish milestones of implementation: those with a dated one that says its status.
WITH told AS (
  SELECT DISTINCT member_code, ocid, parent_id AS contract_id FROM milestones
  WHERE stage = 'implementation' AND due_date IS NOT NULL AND status IS NOT NULL
)
SELECT c.member_code, c.year, c.buyer_id,
  CASE WHEN c.member_code IN (SELECT member_code FROM publishes WHERE table_name = 'milestones' AND stage = 'implementation')
    THEN CAST(m.ocid IS NOT NULL AS INTEGER) END AS numerator
FROM contract AS c LEFT JOIN told AS m USING (member_code, ocid, contract_id)
