SELECT member_code, year, buyer_id, currency, CASE WHEN status IS NOT NULL THEN amount END AS numerator
FROM award WHERE status = 'active' OR status IS NULL
