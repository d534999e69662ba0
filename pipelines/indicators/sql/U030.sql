WITH entry AS (
  SELECT DISTINCT member_code, supplier_id, year(date) AS year FROM supplied
  WHERE status = 'active' AND supplier_id IS NOT NULL AND date IS NOT NULL
), known AS (
  SELECT *, min(year) OVER (PARTITION BY member_code, supplier_id) AS first, min(year) OVER (PARTITION BY member_code) AS beginning
  FROM entry
)
SELECT member_code, year, CAST(year = first AS INTEGER) AS numerator FROM known WHERE year > beginning
