-- A supplier counts once in every region that its rows give.
SELECT DISTINCT member_code, year, supplier_id, region AS category, 1 AS numerator
FROM supplied WHERE status = 'active' AND supplier_id IS NOT NULL
