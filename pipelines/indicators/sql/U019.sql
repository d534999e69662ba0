-- A process counts once in every class of its items.
SELECT DISTINCT p.member_code, p.year, p.ocid, i.class AS category,
  CASE WHEN p.method IS NOT NULL AND p.bidders >= 1 THEN p.bidders END AS numerator
FROM process AS p LEFT JOIN item_class AS i USING (member_code, ocid)
WHERE (p.method IN ('open', 'selective') OR p.method IS NULL) AND coalesce(p.status, '') NOT IN ('cancelled', 'withdrawn')
