SELECT member_code, year, buyer_id AS item, CASE WHEN buyer_id IS NOT NULL THEN 1 END AS numerator FROM process
