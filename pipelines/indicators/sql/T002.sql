SELECT member_code, year, buyer_id, currency,
  CASE WHEN scale IN ('micro', 'sme', 'small', 'medium', 'selfEmployed') THEN amount WHEN scale IS NOT NULL THEN 0 END AS numerator,
  amount AS denominator
FROM supplied WHERE status = 'active'
