-- A milestone of implementation was met late, or is overdue and not met.
SELECT c.member_code, c.year, c.buyer_id, 'contract' AS scope, c.contract_id AS scope_id, c.ocid,
  CASE WHEN count(m.date_met) + count(m.status) > 0
    THEN bool_or(coalesce(CAST(m.date_met AS DATE) > CAST(m.due_date AS DATE), m.status IN ('notMet', 'scheduled'), false)) END AS flagged,
  count(*) FILTER (coalesce(CAST(m.date_met AS DATE) > CAST(m.due_date AS DATE), m.status IN ('notMet', 'scheduled'), false)) AS value,
  0 AS threshold, NULL AS currency, {'milestones_due': count(*)} AS inputs, true AS counted
FROM milestones AS m JOIN contract AS c ON c.member_code = m.member_code AND c.ocid = m.ocid AND c.contract_id = m.parent_id
WHERE c.judged AND m.stage = 'implementation' AND m.due_date < getvariable('as_of')
GROUP BY c.member_code, c.year, c.buyer_id, c.ocid, c.contract_id
