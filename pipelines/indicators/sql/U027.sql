-- Suppliers whose first award of all is of this year. The first year of a member is left out: there everybody is new.
WITH entry AS (
  SELECT member_code, supplier_id, min(year(date)) AS year FROM supplied
  WHERE status = 'active' AND supplier_id IS NOT NULL AND date IS NOT NULL GROUP BY ALL
)
SELECT member_code, year, 1 AS numerator FROM entry
QUALIFY year > min(year) OVER (PARTITION BY member_code)
