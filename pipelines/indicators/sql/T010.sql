SELECT member_code, year, buyer_id, currency,
  CASE WHEN method = 'direct' THEN amount WHEN method IS NOT NULL THEN 0 END AS numerator, amount AS denominator
FROM contract WHERE status IS DISTINCT FROM 'cancelled'
