SELECT member_code, year,
  count(*) FILTER (number_of_tenderers = 1) AS single_bid_processes,
  count(*) AS processes_with_bids,
  CASE WHEN count(*) >= 20 THEN round(100.0 * count(*) FILTER (number_of_tenderers = 1) / count(*), 1) END AS single_bid_percent
FROM procurement_processes
WHERE procurement_method IN ('open', 'selective')
  AND number_of_tenderers >= 1
  AND coalesce(tender_status, '') NOT IN ('cancelled', 'withdrawn')
GROUP BY ALL
ORDER BY year DESC NULLS LAST, member_code
