-- Awards in force whose items are all of one class.
SELECT s.member_code, s.year, i.class AS category, s.currency, s.supplier_id AS item, s.amount AS numerator
FROM supplied AS s LEFT JOIN award_class AS i USING (member_code, ocid, award_id)
WHERE s.status = 'active'
