WITH changed AS (
  SELECT member_code, ocid, parent_id AS contract_id, count(*) AS changes
  FROM procurement_amendments
  WHERE stage = 'contract'
  GROUP BY ALL
)
SELECT c.member_code, c.year,
  count(x.contract_id) AS changed_contracts,
  count(*) AS contracts_counted,
  CASE WHEN count(*) >= 20 THEN round(100.0 * count(x.contract_id) / count(*), 1) END AS changed_percent,
  coalesce(max(x.changes), 0) AS most_changes
FROM procurement_contracts AS c
LEFT JOIN changed AS x ON x.member_code = c.member_code AND x.ocid = c.ocid AND x.contract_id = c.contract_id
WHERE c.member_code IN (SELECT member_code FROM changed)
  AND coalesce(c.status, '') NOT IN ('pending', 'cancelled')
GROUP BY ALL
ORDER BY c.year DESC NULLS LAST, c.member_code
