-- Awards of a year to suppliers that had an award in an earlier year, by value. The first year of a member is left out.
WITH entry AS (
  SELECT *, min(year(date)) OVER (PARTITION BY member_code, supplier_id) AS first,
    min(year(date)) OVER (PARTITION BY member_code) AS beginning
  FROM supplied WHERE status = 'active'
)
SELECT member_code, coalesce(year(date), year) AS year, currency,
  CASE WHEN supplier_id IS NOT NULL AND date IS NOT NULL THEN CASE WHEN year(date) > first THEN amount ELSE 0 END END AS numerator,
  amount AS denominator
FROM entry WHERE coalesce(year(date), year) > beginning
