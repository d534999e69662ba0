WITH entry AS (
  SELECT *, min(year(date)) OVER (PARTITION BY member_code, supplier_id) AS first,
    min(year(date)) OVER (PARTITION BY member_code) AS beginning
  FROM supplied WHERE status = 'active'
)
SELECT member_code, coalesce(year(date), year) AS year,
  CASE WHEN supplier_id IS NOT NULL AND date IS NOT NULL THEN CAST(year(date) = first AS INTEGER) END AS numerator
FROM entry WHERE coalesce(year(date), year) > beginning
