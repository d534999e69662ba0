-- The decision came within a day of the end of the call, or before it.
SELECT member_code, year, buyer_id, 'process' AS scope, ocid AS scope_id, ocid,
  (epoch(first_award) - epoch(ends)) / 86400 <= number('days') AS flagged, (epoch(first_award) - epoch(ends)) / 86400 AS value,
  number('days') AS threshold, NULL AS currency, {'closed': ends, 'awarded': first_award} AS inputs, true AS counted
FROM process WHERE judged AND active_awards > 0
