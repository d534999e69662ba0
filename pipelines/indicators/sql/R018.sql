-- A competitive procedure with exactly one bidder.
SELECT member_code, year, buyer_id, 'process' AS scope, ocid AS scope_id, ocid,
  CASE WHEN method IS NOT NULL AND number_of_tenderers IS NOT NULL THEN number_of_tenderers = 1 END AS flagged,
  number_of_tenderers AS value, 1 AS threshold, NULL AS currency,
  {'bidders': number_of_tenderers, 'method': method} AS inputs, true AS counted
FROM process
WHERE judged AND (method IS NULL OR method IN (SELECT unnest(string_split(getvariable('methods'), '|'))))
