-- Bidders of a year whose first process of all is of that year. The first year of a member is left out.
WITH entry AS (
  SELECT member_code, party_id, min(year) AS first FROM participation WHERE year IS NOT NULL GROUP BY ALL
), active AS (
  SELECT DISTINCT member_code, party_id, year FROM participation WHERE year IS NOT NULL
)
SELECT member_code, year, CAST(year = first AS INTEGER) AS numerator
FROM active JOIN entry USING (member_code, party_id)
QUALIFY year > min(first) OVER (PARTITION BY member_code)
