-- Awards of a year to suppliers whose first award of all is of that year. The first year of a member is left out.
WITH entry AS (
  SELECT *, min(year(date)) OVER (PARTITION BY member_code, supplier_id) AS first,
    min(year(date)) OVER (PARTITION BY member_code) AS beginning
  FROM supplied WHERE status = 'active'
)
SELECT member_code, coalesce(year(date), year) AS year, currency,
  CASE WHEN supplier_id IS NOT NULL AND date IS NOT NULL THEN amount END AS numerator
FROM entry WHERE coalesce(year(date), year) > beginning AND (year(date) = first OR supplier_id IS NULL OR date IS NULL)
