SELECT member_code, year, buyer_id, currency, supplier_id AS item, CASE WHEN status IS NOT NULL THEN amount END AS numerator
FROM supplied WHERE status = 'active' OR status IS NULL
