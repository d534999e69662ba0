-- Days between the opening and the closing of the call, whole ones, below a threshold: that of the procedure where it is known.
WITH known AS (
  SELECT member_code, procurement_method_details AS details, min(days) AS days
  FROM thresholds WHERE purpose = 'submission-days' GROUP BY ALL
), looked AS (
  SELECT p.*, days(p.starts, p.ends) AS open_days, coalesce(k.days, number('threshold')) AS least
  FROM process AS p LEFT JOIN known AS k USING (member_code, details)
  WHERE judged AND (getvariable('methods') IS NULL OR method IN (SELECT unnest(string_split(getvariable('methods'), '|'))))
)
SELECT member_code, year, buyer_id, 'process' AS scope, ocid AS scope_id, ocid,
  CASE WHEN ends >= starts OR open_days < 0 THEN open_days < least END AS flagged,
  1 AS value, least AS threshold, NULL AS currency,
  {'starts': starts, 'ends': ends, 'days': open_days, 'method': method, 'details': details} AS inputs, true AS counted
FROM looked
