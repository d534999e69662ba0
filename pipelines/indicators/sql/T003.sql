SELECT member_code, year, buyer_id, CAST(women_owned AS INTEGER) AS numerator FROM supplied WHERE status = 'active'
