-- Awards in force: those to more than one supplier together.
SELECT a.member_code, a.year, i.class AS category, CASE WHEN a.suppliers > 0 THEN CAST(a.suppliers > 1 AS INTEGER) END AS numerator
FROM award AS a LEFT JOIN award_class AS i USING (member_code, ocid, award_id)
WHERE a.status = 'active'
