-- Amendments of contracts / buyers, where the member publishes amendments.
SELECT member_code, year, buyer_id AS item,
  CASE WHEN member_code IN (SELECT member_code FROM publishes WHERE table_name = 'amendments') THEN amendments END AS numerator
FROM contract
