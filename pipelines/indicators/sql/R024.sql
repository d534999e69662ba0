-- The next bid is hardly dearer than the one that won: the gap is at or below the lower fence (Q1 - 1.5 IQR) of the gaps of
-- the member in that currency, or below a fixed threshold.
WITH fence AS (
  SELECT member_code, currency, r8(gaps, 0.25) AS q1, r8(gaps, 0.75) AS q3,
    coalesce(number('threshold'), q1 - 1.5 * (q3 - q1)) AS fence
  FROM (SELECT member_code, currency, list(gap ORDER BY gap) AS gaps FROM price_gap GROUP BY ALL)
), judged AS (
  SELECT g.*, f.q1, f.q3, f.fence, gap <= fence AS flagged FROM price_gap AS g JOIN fence AS f USING (member_code, currency)
), whom AS (
  SELECT *, unnest([
    {'scope': 'process', 'id': ocid, 'value': gap, 'counted': true},
    {'scope': 'tenderer', 'id': winner, 'value': 0.0, 'counted': false},
    {'scope': 'tenderer', 'id': runner_up, 'value': 0.0, 'counted': false}
  ]) AS part
  FROM judged
)
SELECT member_code, year, buyer_id, part.scope AS scope, part.id AS scope_id, ocid, flagged, part.value AS value,
  fence AS threshold, currency,
  {'winning': winning, 'next': next, 'gap': gap, 'q1': q1, 'q3': q3, 'winner': winner, 'runner_up': runner_up} AS inputs,
  part.counted AS counted
FROM whom
