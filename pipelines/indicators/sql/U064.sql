SELECT member_code, year, buyer_id, CAST(status = 'cancelled' AS INTEGER) AS numerator FROM contract
