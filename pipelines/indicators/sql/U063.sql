-- Cancelled processes / processes with an award in force.
SELECT member_code, year, buyer_id,
  CASE WHEN status IS NOT NULL THEN CAST(status = 'cancelled' AS INTEGER) END AS numerator, CAST(active_awards > 0 AS INTEGER) AS denominator
FROM process
