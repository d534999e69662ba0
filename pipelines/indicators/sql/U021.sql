-- Bidders whose first process of all is of this year. The first year of a member is left out: there everybody is new.
WITH entry AS (
  SELECT member_code, party_id, min(year) AS year FROM participation WHERE year IS NOT NULL GROUP BY ALL
)
SELECT member_code, year, 1 AS numerator FROM entry
QUALIFY year > min(year) OVER (PARTITION BY member_code)
