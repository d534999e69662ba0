-- Awards in force of open and selective processes; where the procedure is not said, the award cannot be used.
SELECT member_code, year, buyer_id, currency, CASE WHEN method IS NOT NULL AND status IS NOT NULL THEN amount END AS numerator
FROM award WHERE (status = 'active' OR status IS NULL) AND (method IN ('open', 'selective') OR method IS NULL)
