WITH begun AS (
  SELECT member_code, ocid, award_id, min(period_start) AS begins FROM contracts WHERE award_id IS NOT NULL GROUP BY ALL
)
SELECT a.member_code, a.year, a.buyer_id,
  CASE WHEN coalesce(b.begins, a.contract_period_start) >= a.date
    THEN (epoch(coalesce(b.begins, a.contract_period_start)) - epoch(a.date)) / 86400 END AS numerator
FROM award AS a LEFT JOIN begun AS b USING (member_code, ocid, award_id)
WHERE a.status = 'active' OR a.status IS NULL
