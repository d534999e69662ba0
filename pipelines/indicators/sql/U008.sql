-- A process counts once in every class (scheme and first two signs of the code) of its items.
SELECT DISTINCT p.member_code, p.year, p.ocid, i.class AS category, 1 AS numerator
FROM process AS p LEFT JOIN item_class AS i USING (member_code, ocid)
