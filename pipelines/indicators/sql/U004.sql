SELECT member_code, year, buyer_id, supplier_id AS item,
  CASE WHEN status IS NOT NULL AND supplier_id IS NOT NULL THEN 1 END AS numerator
FROM supplied WHERE status = 'active' OR status IS NULL
