SELECT member_code, year, party_id AS supplier_id, 1 AS numerator FROM participation
