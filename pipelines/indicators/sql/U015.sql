-- Open and selective processes that were not cancelled or withdrawn and had at least one bid: those with exactly one.
SELECT member_code, year, buyer_id, CASE WHEN method IS NOT NULL AND bidders >= 1 THEN CAST(bidders = 1 AS INTEGER) END AS numerator
FROM process
WHERE (method IN ('open', 'selective') OR method IS NULL) AND coalesce(status, '') NOT IN ('cancelled', 'withdrawn')
