-- Contracts whose end has passed and that were not cancelled: those that are closed (status terminated).
SELECT member_code, year, buyer_id,
  CASE WHEN status IS NOT NULL AND period_end IS NOT NULL THEN CAST(status = 'terminated' AS INTEGER) END AS numerator
FROM contract WHERE status IS DISTINCT FROM 'cancelled' AND (period_end IS NULL OR period_end < getvariable('as_of'))
