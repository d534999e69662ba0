SELECT member_code, year, buyer_id,
  CASE WHEN member_code IN (SELECT member_code FROM publishes WHERE table_name = 'transactions') THEN CAST(transactions > 0 AS INTEGER) END AS numerator
FROM contract
