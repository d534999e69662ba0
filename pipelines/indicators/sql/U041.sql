SELECT member_code, year, supplier_id, currency, amount AS numerator FROM supplied WHERE status = 'active'
