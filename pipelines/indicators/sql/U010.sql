SELECT member_code, year, buyer_id, method AS category, 1 AS numerator FROM process
