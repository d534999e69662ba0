-- Processes of members that publish milestones of tenders: those without a dated one of delivery.
WITH told AS (
  SELECT DISTINCT member_code, ocid FROM milestones WHERE stage = 'tender' AND type = 'delivery' AND due_date IS NOT NULL
)
SELECT p.member_code, p.year, p.buyer_id,
  CASE WHEN p.member_code IN (SELECT member_code FROM publishes WHERE table_name = 'milestones' AND stage = 'tender')
    THEN CAST(m.ocid IS NULL AS INTEGER) END AS numerator
FROM process AS p LEFT JOIN told AS m USING (member_code, ocid)
