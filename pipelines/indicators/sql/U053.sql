SELECT member_code, year, buyer_id, CAST(length(trim(title)) < 10 AS INTEGER) AS numerator FROM process
