-- Contracts of members that publish amendments: those with one or more.
SELECT member_code, year, buyer_id, 'contract' AS scope, contract_id AS scope_id, ocid,
  CASE WHEN member_code IN (SELECT member_code FROM publishes WHERE table_name = 'amendments') THEN amendments > 0 END AS flagged,
  amendments AS value, 0 AS threshold, NULL AS currency, {'amendments': amendments} AS inputs, true AS counted
FROM contract WHERE judged
