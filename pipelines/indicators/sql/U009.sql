SELECT member_code, year, buyer_id, category, 1 AS numerator FROM process
