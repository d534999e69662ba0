SELECT member_code, year, buyer_id, 1 AS numerator FROM process
