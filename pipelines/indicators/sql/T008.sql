-- Contracts that were not cancelled, by value, as in T007.
SELECT member_code, year, buyer_id, currency, CASE WHEN emergency THEN amount WHEN NOT emergency THEN 0 END AS numerator, amount AS denominator
FROM contract WHERE status IS DISTINCT FROM 'cancelled'
