SELECT member_code, year, supplier_id, CASE WHEN method IS NOT NULL THEN CAST(method IN ('limited', 'direct') AS INTEGER) END AS numerator
FROM supplied WHERE status = 'active'
