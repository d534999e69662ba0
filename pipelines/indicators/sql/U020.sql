SELECT s.member_code, s.year, i.class AS category, s.supplier_id AS item, CASE WHEN s.supplier_id IS NOT NULL THEN 1 END AS numerator
FROM supplied AS s LEFT JOIN award_class AS i USING (member_code, ocid, award_id)
WHERE s.status = 'active'
