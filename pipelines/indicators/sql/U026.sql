-- One row per buyer and supplier: pairs / buyers.
SELECT DISTINCT member_code, year, buyer_id AS item, supplier_id, CASE WHEN supplier_id IS NOT NULL THEN 1 END AS numerator
FROM supplied WHERE status = 'active'
