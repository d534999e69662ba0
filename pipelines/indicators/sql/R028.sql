-- Two bids of different bidders in one process have the same price.
WITH priced AS (
  SELECT * FROM bid
  WHERE judged AND by_price AND submitted AND amount IS NOT NULL AND currency IS NOT NULL AND tenderer_ids IS NOT NULL
), same AS (
  SELECT member_code, ocid, currency, amount, string_agg(DISTINCT tenderer_ids, '|') AS who
  FROM priced GROUP BY ALL HAVING count(DISTINCT tenderer_ids) > 1
), judged AS (
  SELECT p.member_code, p.ocid, any_value(p.year) AS year, any_value(p.buyer_id) AS buyer_id,
    (SELECT string_agg(s.who, '|') FROM same AS s WHERE s.member_code = p.member_code AND s.ocid = p.ocid) AS who,
    count(*) AS bids
  FROM priced AS p GROUP BY ALL
), whom AS (
  SELECT *, 'process' AS scope, ocid AS scope_id, true AS counted FROM judged
  UNION ALL
  SELECT *, 'tenderer', unnest(list_distinct(string_split(who, '|'))), false FROM judged WHERE who IS NOT NULL
)
SELECT member_code, year, buyer_id, scope, scope_id, ocid, who IS NOT NULL AS flagged, 1 AS value, NULL AS threshold,
  NULL AS currency, {'bids': bids, 'same_price': who} AS inputs, counted
FROM whom
