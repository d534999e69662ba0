-- Per process: disqualified bids / bids handed in (neither only invited nor withdrawn).
SELECT member_code, any_value(year) AS year, any_value(buyer_id) AS buyer_id,
  count(*) FILTER (status = 'disqualified') / nullif(count(*) FILTER (submitted), 0) AS numerator
FROM bid GROUP BY member_code, ocid
