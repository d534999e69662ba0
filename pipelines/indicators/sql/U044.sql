-- Awards in force of open and selective processes with at least one bid: those with exactly one.
SELECT member_code, year, supplier_id, CASE WHEN method IS NOT NULL AND bidders >= 1 THEN CAST(bidders = 1 AS INTEGER) END AS numerator
FROM supplied WHERE status = 'active' AND (method IN ('open', 'selective') OR method IS NULL)
