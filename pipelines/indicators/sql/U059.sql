-- An end before its beginning is an error of the data and cannot be used.
SELECT member_code, year, buyer_id, CASE WHEN ends >= starts THEN (epoch(ends) - epoch(starts)) / 86400 END AS numerator FROM process
