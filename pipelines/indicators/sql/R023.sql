-- Two bidders whose prices stand in the same ratio (to two decimals, not 1) in several processes.
WITH priced AS (
  SELECT member_code, ocid, tenderer_id, currency, min(amount) AS amount FROM bid
  WHERE judged AND by_price AND submitted AND amount > 0 AND currency IS NOT NULL AND tenderer_id IS NOT NULL
  GROUP BY ALL
), pair AS (
  SELECT a.member_code, a.ocid, a.tenderer_id AS one, b.tenderer_id AS other, round(CAST(b.amount AS DOUBLE) / CAST(a.amount AS DOUBLE), 2) AS ratio
  FROM priced AS a JOIN priced AS b
    ON b.member_code = a.member_code AND b.ocid = a.ocid AND b.currency = a.currency AND b.tenderer_id > a.tenderer_id
), often AS (
  SELECT member_code, one, other, ratio, count(*) AS processes FROM pair WHERE ratio <> 1 GROUP BY ALL
), most AS (
  SELECT member_code, one, other, arg_max(ratio, (processes, ratio)) AS ratio, max(processes) AS processes FROM often GROUP BY ALL
)
SELECT member_code, NULL AS year, NULL AS buyer_id, 'tenderer' AS scope, unnest([one, other]) AS scope_id, NULL AS ocid,
  processes >= number('repeats') AS flagged, processes AS value, number('repeats') AS threshold, NULL AS currency,
  {'one': one, 'other': other, 'ratio': ratio} AS inputs, true AS counted
FROM most
