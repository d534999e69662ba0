SELECT member_code, year, buyer_id, CASE WHEN first_award >= starts THEN (epoch(first_award) - epoch(starts)) / 86400 END AS numerator
FROM process WHERE active_awards > 0
