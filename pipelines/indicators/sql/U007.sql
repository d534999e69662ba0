SELECT member_code, year, buyer_id, status AS category, 1 AS numerator FROM process
