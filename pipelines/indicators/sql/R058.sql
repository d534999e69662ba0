-- The bid that won is far below the next one: the gap is at or above the upper fence (Q3 + 1.5 IQR) of the gaps of the member
-- in that currency, or a fixed threshold. A fence of zero would flag three quarters of all, and flags nothing.
WITH fence AS (
  SELECT member_code, currency, r8(gaps, 0.25) AS q1, r8(gaps, 0.75) AS q3,
    coalesce(number('threshold'), q3 + 1.5 * (q3 - q1)) AS fence
  FROM (SELECT member_code, currency, list(gap ORDER BY gap) AS gaps FROM price_gap GROUP BY ALL)
), judged AS (
  SELECT g.*, f.q1, f.q3, f.fence, fence > 0 AND gap >= fence AS flagged
  FROM price_gap AS g JOIN fence AS f USING (member_code, currency)
), whom AS (
  SELECT *, unnest([
    {'scope': 'process', 'id': ocid, 'value': gap, 'counted': true},
    {'scope': 'tenderer', 'id': winner, 'value': 0.0, 'counted': false}
  ]) AS part
  FROM judged
)
SELECT member_code, year, buyer_id, part.scope AS scope, part.id AS scope_id, ocid, flagged, part.value AS value,
  fence AS threshold, currency,
  {'winning': winning, 'next': next, 'gap': gap, 'q1': q1, 'q3': q3, 'winner': winner} AS inputs, part.counted AS counted
FROM whom
