-- Contracts with milestones of implementation that were due: those of which every one was met on or before the day.
SELECT c.member_code, any_value(c.year) AS year, any_value(c.buyer_id) AS buyer_id,
  CASE WHEN count(m.date_met) > 0 THEN CAST(coalesce(bool_and(CAST(m.date_met AS DATE) <= CAST(m.due_date AS DATE)), false)
    AND count(m.date_met) = count(*) AS INTEGER) END AS numerator
FROM milestones AS m JOIN contract AS c ON c.member_code = m.member_code AND c.ocid = m.ocid AND c.contract_id = m.parent_id
WHERE m.stage = 'implementation' AND m.due_date < getvariable('as_of')
GROUP BY c.member_code, c.ocid, c.contract_id
