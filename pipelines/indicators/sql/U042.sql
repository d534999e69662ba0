SELECT member_code, year, supplier_id, 1 AS numerator FROM supplied WHERE status = 'active'
