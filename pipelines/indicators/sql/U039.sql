SELECT s.member_code, s.year, s.supplier_id, i.class AS item, CASE WHEN i.class IS NOT NULL THEN 1 END AS numerator
FROM supplied AS s LEFT JOIN item_class AS i
  ON i.member_code = s.member_code AND i.ocid = s.ocid AND i.stage = 'award' AND i.parent_id = s.award_id
WHERE s.status = 'active'
