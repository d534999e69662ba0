-- Processes closed for more than 30 days and neither cancelled nor unsuccessful: those without an award that says its date,
-- its status and a supplier.
WITH told AS (
  SELECT DISTINCT member_code, ocid FROM supplied WHERE date IS NOT NULL AND status IS NOT NULL AND supplier_id IS NOT NULL
)
SELECT p.member_code, p.year, p.buyer_id,
  CASE WHEN p.ends IS NOT NULL THEN CAST(a.ocid IS NULL AS INTEGER) END AS numerator
FROM process AS p LEFT JOIN told AS a USING (member_code, ocid)
WHERE coalesce(p.status, '') NOT IN ('cancelled', 'unsuccessful', 'withdrawn')
  AND (p.ends IS NULL OR p.ends < getvariable('as_of') - INTERVAL 30 DAY)
