SELECT member_code, year, supplier_id, buyer_id AS item, CASE WHEN buyer_id IS NOT NULL THEN 1 END AS numerator
FROM supplied WHERE status = 'active'
