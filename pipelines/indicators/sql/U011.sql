-- Of the processes with an active award, those that were open or selective.
SELECT member_code, year, buyer_id, CASE WHEN method IS NOT NULL THEN CAST(method IN ('open', 'selective') AS INTEGER) END AS numerator
FROM process WHERE active_awards > 0
