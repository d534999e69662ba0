-- (new suppliers of the year - of the year before) / of the year before; the member's first year is nobody's year before.
WITH entry AS (
  SELECT member_code, supplier_id, min(year(date)) AS year FROM supplied
  WHERE status = 'active' AND supplier_id IS NOT NULL AND date IS NOT NULL GROUP BY ALL
), new AS (
  SELECT member_code, year, count(*) AS suppliers FROM entry GROUP BY member_code, year
  QUALIFY year > min(year) OVER (PARTITION BY member_code)
)
SELECT n.member_code, n.year, n.suppliers - b.suppliers AS numerator, b.suppliers AS denominator
FROM new AS n JOIN new AS b ON b.member_code = n.member_code AND b.year = n.year - 1
