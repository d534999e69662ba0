-- Processes that give a reason or the name of their procedure: those in which it speaks of an emergency, in es, en, pt or fr.
SELECT member_code, year, buyer_id,
  CASE WHEN coalesce(details, rationale) IS NOT NULL THEN CAST(regexp_matches(
    strip_accents(lower(concat_ws(' ', details, rationale))), 'emergenc|urgen|calamid|catastrof|catastroph|desastre|disaster'
  ) AS INTEGER) END AS numerator
FROM process
