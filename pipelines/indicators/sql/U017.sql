SELECT member_code, year, buyer_id, CASE WHEN method IS NOT NULL AND bidders >= 1 THEN bidders END AS numerator
FROM process
WHERE (method IN ('open', 'selective') OR method IS NULL) AND coalesce(status, '') NOT IN ('cancelled', 'withdrawn')
