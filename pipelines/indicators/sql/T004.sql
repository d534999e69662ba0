SELECT member_code, year, buyer_id, currency, CASE WHEN women_owned THEN amount WHEN NOT women_owned THEN 0 END AS numerator,
  amount AS denominator
FROM supplied WHERE status = 'active'
