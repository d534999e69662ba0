-- Per code, unit, currency and year with at least five prices: standard deviation / mean of the unit prices.
WITH priced AS (
  SELECT i.member_code, p.year, i.classification_scheme, i.classification_id, i.unit_name, i.unit_value_currency AS currency,
    CAST(i.unit_value_amount AS DOUBLE) AS price
  FROM items AS i JOIN process AS p USING (member_code, ocid)
  WHERE i.stage IN ('award', 'contract') AND i.classification_id IS NOT NULL AND i.unit_name IS NOT NULL
    AND i.unit_value_amount > 0 AND i.unit_value_currency IS NOT NULL
)
SELECT member_code, year, round(stddev_pop(price) / avg(price), 6) AS numerator
FROM priced GROUP BY member_code, year, classification_scheme, classification_id, unit_name, currency HAVING count(*) >= 5
