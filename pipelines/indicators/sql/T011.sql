-- Awards in force, by value, to suppliers whose address is in another country than the member. The two lists of codes: the
-- member's is ISO 3166-1 alpha-3, that of an address alpha-2; `members` joins them.
SELECT s.member_code, s.year, s.buyer_id, s.currency,
  CASE WHEN s.country_code IS NOT NULL AND m.alpha2 IS NOT NULL
    THEN CASE WHEN s.country_code <> m.alpha2 THEN s.amount ELSE 0 END END AS numerator,
  s.amount AS denominator
FROM supplied AS s LEFT JOIN member_countries AS m USING (member_code)
WHERE s.status = 'active'
