SELECT member_code, year, buyer_id,
  CASE WHEN member_code IN (SELECT member_code FROM publishes WHERE table_name = 'amendments') THEN CAST(amendments = 0 AS INTEGER) END AS numerator
FROM contract
