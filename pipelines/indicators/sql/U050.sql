-- Awards in force for more than 30 days of members that publish contracts: those without a contract.
WITH told AS (SELECT DISTINCT member_code, ocid, award_id FROM contracts WHERE award_id IS NOT NULL)
SELECT a.member_code, a.year, a.buyer_id,
  CASE WHEN a.date IS NOT NULL AND a.member_code IN (SELECT member_code FROM publishes WHERE table_name = 'contracts')
    THEN CAST(c.ocid IS NULL AS INTEGER) END AS numerator
FROM award AS a LEFT JOIN told AS c USING (member_code, ocid, award_id)
WHERE a.status = 'active' AND (a.date IS NULL OR a.date < getvariable('as_of') - INTERVAL 30 DAY)
