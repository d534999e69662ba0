SELECT member_code, year, buyer_id, method AS category, currency, amount AS numerator
FROM contract WHERE status IS DISTINCT FROM 'cancelled'
