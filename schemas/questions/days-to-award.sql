WITH first_awards AS (
  SELECT member_code, ocid, min(date) AS awarded
  FROM procurement_awards
  WHERE date IS NOT NULL AND coalesce(status, '') NOT IN ('cancelled', 'unsuccessful')
  GROUP BY ALL
), timed AS (
  SELECT p.member_code, p.year, p.procurement_method, date_diff('day', p.tender_period_start, a.awarded) AS days
  FROM procurement_processes AS p
  JOIN first_awards AS a ON a.member_code = p.member_code AND a.ocid = p.ocid
  WHERE a.awarded >= p.tender_period_start
)
SELECT member_code, year, procurement_method,
  count(*) AS processes_timed,
  CASE WHEN count(*) >= 20 THEN median(days) END AS median_days,
  CASE WHEN count(*) >= 20 THEN quantile_cont(days, 0.9) END AS slowest_tenth_days
FROM timed
GROUP BY ALL
ORDER BY year DESC NULLS LAST, member_code, procurement_method
