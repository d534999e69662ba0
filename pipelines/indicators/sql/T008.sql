-- Contracts that were not cancelled, by value, as in T007.
SELECT member_code, year, buyer_id, currency,
  CASE WHEN coalesce(details, rationale) IS NOT NULL THEN CASE WHEN regexp_matches(
    strip_accents(lower(concat_ws(' ', details, rationale))), 'emergenc|urgen|calamid|catastrof|catastroph|desastre|disaster'
  ) THEN amount ELSE amount * 0 END END AS numerator,
  amount AS denominator
FROM contract WHERE status IS DISTINCT FROM 'cancelled'
