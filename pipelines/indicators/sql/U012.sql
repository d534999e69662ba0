-- Contracts that were not cancelled, by the procedure of their process.
SELECT member_code, year, buyer_id, method AS category, 1 AS numerator FROM contract WHERE status IS DISTINCT FROM 'cancelled'
