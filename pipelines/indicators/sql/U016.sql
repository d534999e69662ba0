-- Awards in force of open and selective processes with at least one bid: the amount where there was exactly one.
SELECT member_code, year, buyer_id, currency,
  CASE WHEN method IS NOT NULL AND status IS NOT NULL AND bidders >= 1 THEN CASE WHEN bidders = 1 THEN amount ELSE 0 END END AS numerator,
  amount AS denominator
FROM award WHERE (status = 'active' OR status IS NULL) AND (method IN ('open', 'selective') OR method IS NULL)
