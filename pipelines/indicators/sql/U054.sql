SELECT member_code, year, buyer_id, CAST(length(trim(description)) < 30 AS INTEGER) AS numerator FROM process
