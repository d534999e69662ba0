-- From the end of the call to the first award in force.
SELECT member_code, year, buyer_id, CASE WHEN first_award >= ends THEN (epoch(first_award) - epoch(ends)) / 86400 END AS numerator
FROM process WHERE active_awards > 0
